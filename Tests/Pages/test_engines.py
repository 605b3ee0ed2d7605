"""Both pages in Firefox and in WebKitGTK, the engine of Safari: part of the long tests."""

import io
import os
import re

import pytest
from PIL import Image, ImageChops

from engines import MISSING, tab_of
from parts import link_of, photo, telling_exif, with_link_changed
from test_ends import FORGED, NOT_WHOLE
from test_send import TELLING
from test_video import FORMS, films  # noqa: F401  a fixture

pytestmark = pytest.mark.skipif("SATCHEL_SOAK" not in os.environ, reason="a long test; SATCHEL_SOAK=1 runs it")


@pytest.fixture(params=MISSING)
def engine(request):
    if MISSING[request.param]:
        pytest.skip(MISSING[request.param])
    return request.param


@pytest.fixture
def tab(engine, tmp_path):
    with tab_of(engine, tmp_path / "browser") as tab:
        yield tab


def test_a_photo_is_shown_at_once_saved_and_still_there_after_reloading(tab, command):
    message = command.send("beach.jpg", photo(1200, 800))
    tab.go(link_of(message))
    for again in (False, True):
        if again:
            tab.reload()
        tab.wait("ready")
        assert tab.until("document.querySelector('#stage img.over')?.naturalWidth") == 1200
        assert tab.status() == "Opened and checked."
        assert message["key"] not in tab.see("location.href + document.URL + document.body.innerText")
    assert tab.saved_by("#save") == (command.open(link_of(message)), "beach.jpg")


def test_each_end_has_its_sentence(tab, command):
    message = command.send("beach.jpg", photo(600, 400))
    link, key = link_of(message), message["key"]
    other = ("B" if key[0] == "A" else "A") + key[1:]
    wrong = "The key in this link does not open the file. A character of it may have been changed."
    ended = "This file is gone: the sender took it back."
    for code, address, sentence in (("link", link[:link.index("&n=")], NOT_WHOLE), ("link", link.split("#")[0], NOT_WHOLE),
                                    ("commitment", link_of(message, k=other), wrong), ("gone", link, ended)):
        if code == "gone":
            command.run("revoke", message["sha256"])
        tab.go("about:blank")
        tab.go(address)
        tab.wait("failed")
        assert (tab.see("document.documentElement.dataset.code"), tab.status()) == (code, sentence)
        assert tab.see("document.querySelector('#stage img') === null && document.getElementById('save').hidden")


@pytest.mark.parametrize("type", FORMS)
def test_a_film_plays_and_seeks_before_it_is_fetched(tab, films, type, command, store):  # noqa: F811
    name, data = films[type]
    message = command.send(name, data, "--as-file")
    tab.go(link_of(message))
    tab.wait("waiting")
    tab.click("#open")
    tab.wait("playing")
    assert tab.status() == "Every part is checked before it plays."
    for second in (10, 1):
        tab.see(f"void (document.querySelector('video').currentTime = {second})")
        tab.until("document.querySelector('video').readyState >= 2 && !document.querySelector('video').seeking")
        assert abs(tab.see("document.querySelector('video').currentTime") - second) < 0.5
    assert tab.see("navigator.serviceWorker.controller?.scriptURL") == f"{store.url}/open/video.js"
    assert tab.saved_by("#save") == (data, name)
    # Another root is another film, which the worker says before anything plays.
    tab.go("about:blank")
    tab.go(with_link_changed(link_of(message), "x", "A" * 43))
    tab.wait("waiting")
    tab.click("#open")
    tab.wait("failed")
    assert (tab.see("document.documentElement.dataset.code"), tab.status()) == ("index", FORGED)


def test_what_is_too_large_for_memory_is_saved_whole(tab, command):
    """Into a private file of the origin, or into memory where there is none."""
    data = os.urandom(40_000_000)
    message = command.send("data.bin", data)
    tab.go(link_of(message))
    tab.wait("waiting")
    assert tab.saved_by("#open") == (data, "data.bin")
    tab.wait("ready")


def send(tab, store, path):
    """Sends a file by the page, and returns the link."""
    tab.go(f"{store.url}/send")
    tab.wait("ready")
    tab.type("#file", path)
    tab.wait("chosen")
    tab.click("#send")
    tab.wait("sent")
    return tab.see("document.getElementById('link').value")


def test_a_photo_leaves_upright_scaled_and_without_what_it_tells(tab, store, command, tmp_path):
    path = tmp_path / "DSC1.JPG"
    path.write_bytes(photo(3000, 2000, telling_exif(turn=6)))
    link = send(tab, store, path)
    assert "Nothing but the picture and its name was sent." in tab.status()
    data = command.open(link)
    picture = Image.open(io.BytesIO(data))
    assert picture.size == (1067, 1600) and picture.format == "JPEG" and not picture.getexif()
    assert not [word for word in TELLING if word in data]
    assert re.search(r"[#&]w=1067&h=1600&", link) and "&f=DSC1.jpg" in link and "&b=" in link
    tab.go(link)
    assert tab.until("document.querySelector('#stage img.over')?.naturalWidth") == 1067


@pytest.mark.skipif(MISSING["firefox"] is not None, reason=str(MISSING["firefox"]))
def test_firefox_that_guards_against_fingerprinting_sends_its_own_pixels(store, command, tmp_path):
    """What it hands out instead of pixels is noise, so the file's own leave, without what is told beside them."""
    path, original = tmp_path / "beach.jpg", photo(3000, 2000, telling_exif(turn=6))
    path.write_bytes(original)
    with tab_of("firefox", tmp_path / "browser", **{"privacy.resistFingerprinting": True}) as tab:
        data = command.open(send(tab, store, path))
    before, after = Image.open(io.BytesIO(original)), Image.open(io.BytesIO(data))
    assert not ImageChops.difference(before, after).getbbox(), "the pixels are not those of the file"
    assert dict(after.getexif()) == {0x0112: 6} and not [word for word in TELLING if word in data]
