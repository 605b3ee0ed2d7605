"""Every way in which opening ends has its sentence, and nothing of a wrong file is kept."""

import json
import re
import subprocess

import pytest

from conftest import PROGRAMS
from parts import link_of, photo, saved_copy, with_link_changed
from test_open import saved_by, status, wait

HELD = photo(600, 400)


@pytest.fixture
def message(command):
    return command.send("beach.jpg", HELD)


def failed(page, code, sentence):
    wait(page, "failed")
    assert (page.evaluate("document.documentElement.dataset.code"), status(page)) == (code, sentence)
    assert not page.query_selector("#stage img") and not page.is_visible("#save")
    assert "bad" in page.get_attribute("#status", "class")


NOT_WHOLE = "This link is not whole. Ask for it again, and copy all of it, to the very end."


@pytest.mark.parametrize("change", [
    lambda link: link.split("#")[0], lambda link: link[:link.index("&n=")], lambda link: link.replace("&n=", "&n=0"),
    lambda link: link + "&k=doubled", lambda link: link.replace("f=", "f=%ZZ"), lambda link: link.replace("v=1", "v=2"),
    lambda link: with_link_changed(link, "s", "87"), lambda link: link + "&u=https://1.2.3.256",
], ids=["no part after #", "cut", "a zero before", "doubled", "percent", "version", "a size that no blob has",
        "a host that is no number"])
def test_a_link_that_is_not_whole(visit, message, change):
    page = visit().open(change(link_of(message)))
    failed(page, "link", NOT_WHOLE)
    page.fill("#link", link_of(message))
    page.click("#paste button")
    wait(page, "ready")


def test_a_key_with_another_character(visit, message):
    key = message["key"]
    page = visit().open(link_of(message, k=("B" if key[0] == "A" else "A") + key[1:]))
    failed(page, "commitment", "The key in this link does not open the file. A character of it may have been changed.")


def test_what_was_never_held(visit, message):
    page = visit().open(link_of({**message, "sha256": "ab" * 32}))
    failed(page, "not-found", "The server has never held this file, or has forgotten it.")


def test_what_the_sender_took_back(visit, message, command):
    command.run("revoke", message["sha256"])
    failed(visit().open(link_of(message)), "gone", "This file is gone: the sender took it back.")


def test_what_the_operator_removed(visit, message, store):
    storage = ["--storage", str(store.folder / "storage")]
    subprocess.run([PROGRAMS / "satcheld", "remove", message["sha256"], *storage], check=True, capture_output=True)
    failed(visit().open(link_of(message)), "gone", "This file is gone: the operator of the server removed it.")


def test_what_has_expired(visit, command, store):
    message = command.send("beach.jpg", HELD, "--lifetime", "1s")
    while not store.reason(message["sha256"]):
        pass
    failed(visit().open(link_of(message)), "gone", "This file is gone: its time was up.")


def answering(visitor, message, status, body, **headers):
    """Lets the server answer a read so: what takes days in a real one, or what only a liar does."""
    about = {"Content-Type": "application/octet-stream", "Access-Control-Allow-Origin": "*", **headers}
    url = re.compile(rf"//[^/]+/{message['sha256']}$")
    visitor.context.route(url, lambda route: route.fulfill(status=status, body=body, headers=about))


@pytest.mark.parametrize("reason, sentence", [
    ("delivered", "This file is gone: everyone it was for has received it."),
    ("a word of the future", "This file is gone."),
])
def test_what_is_gone_for_other_reasons(visit, message, reason, sentence):
    visitor = visit()
    answering(visitor, message, 410, json.dumps({"type": "/problems/gone", "reason": reason}))
    failed(visitor.open(link_of(message)), "gone", sentence)


FORGED = "What the server sent is not the file of this link. Nothing of it was kept."


@pytest.mark.parametrize("code, forge", [
    ("magic", lambda blob: b"X" + blob[1:]),
    ("version", lambda blob: blob[:4] + b"\x02" + blob[5:]),
    ("chunk", lambda blob: blob[:70] + bytes([blob[70] ^ 1]) + blob[71:]),
    ("chunk", lambda blob: blob[:-1] + bytes([blob[-1] ^ 1])),
    ("length", lambda blob: blob + b"more"),
    ("length", lambda blob: blob[:-16]),
], ids=["another magic", "another version", "first chunk", "last chunk", "longer", "shorter"])
def test_what_is_not_the_file_of_the_link(visit, message, store, code, forge):
    visitor = visit()
    answering(visitor, message, 200, forge(store.bytes_at(message["sha256"])))
    failed(visitor.open(link_of(message)), code, FORGED)


def test_another_blob_of_the_same_key_is_told_by_its_digest(visit, command, store):
    """Right tags, right size, right everything, but not the address of the link."""
    message = command.send("beach.jpg", HELD)
    visitor = visit()
    other = {**message, "sha256": "cd" * 32}
    answering(visitor, other, 200, store.bytes_at(message["sha256"]))
    failed(visitor.open(link_of(other)), "digest", FORGED)


def test_no_room(visit, message, tmp_path):
    """A page of a file has no private folder, and this is too large for memory."""
    (tmp_path / "open.html").write_text(saved_copy())
    visitor = visit()
    visitor.page.add_init_script("delete globalThis.showSaveFilePicker")
    page = visitor.open((tmp_path / "open.html").as_uri())
    page.fill("#link", link_of(message, s=2 ** 40, n=2 ** 39, t="application/zip", f="large.zip"))
    page.click("#paste button")
    page.click("#open")
    failed(page, "room", "There is no room here for a file of 550 GB. Try another browser, or the satchel command.")
    assert not [request for request in visitor.requests if request.url == message["url"]]


def test_a_server_that_refuses(visit, message):
    visitor = visit()
    answering(visitor, message, 403, json.dumps({"type": "/problems/never-heard-of"}))
    page = visitor.open(link_of(message))
    failed(page, "never-heard-of", "The server refused: never-heard-of")


@pytest.mark.parametrize("code", ["saved", "ready", "progress", "constructor"])
def test_a_server_does_not_choose_the_sentence(visit, message, code):
    visitor = visit()
    answering(visitor, message, 403, json.dumps({"type": f"/problems/{code}", "reason": "all is well"}))
    failed(visitor.open(link_of(message)), code, f"The server refused: {code}")


def test_a_server_that_has_only_damaged_bytes(visit, message):
    visitor = visit()
    answering(visitor, message, 404, json.dumps({"type": "/problems/damaged"}))
    failed(visitor.open(link_of(message)), "damaged", "The server’s copy of this file is damaged.")


def test_a_connection_that_breaks_goes_on(visit, command, store):
    data = bytes(range(256)) * 2000
    message = command.send("data.bin", data)
    sealed, visitor, asked = store.bytes_at(message["sha256"]), visit(), []

    def cut(route):
        first = int((route.request.headers.get("range") or "bytes=0-")[6:].split("-")[0])
        asked.append(first)
        # Of every answer but the last, half arrives.
        body = sealed[first:] if len(asked) > 2 else sealed[first:first + 200_000]
        headers = {"Accept-Ranges": "bytes", "Content-Length": str(len(sealed) - first)}
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(sealed) - 1}/{len(sealed)}"
        route.fulfill(status=206 if first else 200, body=body, headers=headers)

    visitor.context.route(message["url"], cut)
    page = visitor.open(link_of(message))
    wait(page, "waiting")
    assert saved_by(page, "#open")[0] == data
    assert asked[0] == 0 and asked == sorted(asked)


def test_a_server_that_is_away_and_comes_back(away):
    store, page = away
    failed(page, "network", f"The server cannot be reached: {store.listen}")
    store.start()
    page.click("#again")
    wait(page, "ready")
    page.wait_for_selector("#stage img")
