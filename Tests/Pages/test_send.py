"""The page that sends."""

import io
import json
import os
import re

import pytest
import zxingcpp
from PIL import Image, ImageChops
from PIL.PngImagePlugin import PngInfo

from conftest import PROGRAMS
from parts import Command, Store, link_of, photo, telling_exif
from test_open import elsewhere, status, until, wait

TELLING = (b"Telltale", b"Maker", b"2026:11:30", b"GPS")
# What browsers that guard against fingerprinting do to pixels that are read back, in workers.
LYING_CANVAS = """
const read = OffscreenCanvasRenderingContext2D.prototype.getImageData;
OffscreenCanvasRenderingContext2D.prototype.getImageData = function (...place) {
  const image = read.apply(this, place);
  for (let at = 0; at < image.data.length; at += 40) image.data[at] ^= 1;
  return image;
};
"""
# Puts a script before that of each worker.
BEFORE_WORKERS = """script => {
  globalThis.Blob = class extends Blob {
    constructor(parts, options) { super(options?.type === 'text/javascript' ? [script, ...parts] : parts, options); }
  };
}"""


def pick(page, name, data, mime="application/octet-stream"):
    page.set_input_files("#file", {"name": name, "mimeType": mime, "buffer": data} if isinstance(data, bytes) else data)
    wait(page, "chosen")


def choose(page, name, data, mime="application/octet-stream", **options):
    """Picks a file, says how it may go, and sends it."""
    pick(page, name, data, mime)
    for field, value in options.items():
        page.select_option(f"#{field}", value)
    page.click("#send")


def sent(page):
    wait(page, "sent")
    return page.input_value("#link")


@pytest.fixture
def page(visit, store):
    return visit().open(f"{store.url}/send")


def test_a_photo_leaves_upright_scaled_and_without_what_it_tells(page, command):
    choose(page, "DSC1.JPG", photo(3000, 2000, telling_exif(turn=6)), "image/jpeg")
    link = sent(page)
    assert "Nothing but the picture and its name was sent." in status(page)
    data = command.open(link)
    picture = Image.open(io.BytesIO(data))
    assert picture.size == (1067, 1600) and picture.format == "JPEG" and not picture.getexif()
    assert not [word for word in TELLING if word in data]
    assert re.search(r"[#&]w=1067&h=1600&", link) and "&f=DSC1.jpg" in link and "&b=" in link


@pytest.mark.parametrize("quality, size", [
    ("standard", (1600, 900)), ("high", (4096, 2304)), ("original", (4800, 2700)),
])
def test_quality_is_that_of_the_command(page, command, quality, size):
    choose(page, "wide.jpg", photo(4800, 2700, telling_exif()), "image/jpeg", quality=quality)
    data = command.open(sent(page))
    assert Image.open(io.BytesIO(data)).size == size and not [word for word in TELLING if word in data]


def test_what_is_seen_through_stays_so(page, command):
    drawing = Image.new("RGBA", (700, 500), (200, 30, 60, 90))
    file = io.BytesIO()
    drawing.save(file, "PNG")
    choose(page, "drawing.png", file.getvalue(), "image/png")
    opened = Image.open(io.BytesIO(command.open(sent(page))))
    assert opened.format == "PNG" and opened.getpixel((5, 5))[3] == 90


def test_a_canvas_that_lies_is_not_used(visit, store, command):
    visitor = visit()
    visitor.page.add_init_script(f"({BEFORE_WORKERS})({json.dumps(LYING_CANVAS)})")
    page = visitor.open(f"{store.url}/send")
    original = photo(3000, 2000, telling_exif(turn=6), icc_profile=b"colours" * 20)
    choose(page, "beach.jpg", original, "image/jpeg")
    data = command.open(sent(page))
    before, after = Image.open(io.BytesIO(original)), Image.open(io.BytesIO(data))
    assert not ImageChops.difference(before, after).getbbox(), "the pixels are not those of the file"
    assert dict(after.getexif()) == {0x0112: 6} and "icc_profile" not in after.info and b"colours" not in data
    assert not [word for word in TELLING if word in data]


def test_a_picture_that_cannot_be_cleaned_is_asked_about(page, command):
    frames = [Image.new("P", (60, 40), colour) for colour in (3, 90)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], comment=b"Telltale")
    choose(page, "moving.gif", file.getvalue(), "image/gif")
    wait(page, "asking")
    assert status(page).startswith("What “moving.gif” tells of its maker stays in it")
    assert "The satchel command can take that out" in status(page)
    page.click("#stop")
    wait(page, "ready")
    assert page.is_visible("#file + label")
    choose(page, "moving.gif", file.getvalue(), "image/gif")
    page.click("#anyway")
    assert command.open(sent(page)) == file.getvalue()
    assert "Sent as it is." in status(page)


@pytest.mark.parametrize("name, data", [
    ("clip", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"), ("a.insv", b"\0\0\0\x08wide\0\0\0\0mdat"),
    ("voice", b"OggS\0\x02"), ("song.bin", b"ID3\x04\0\0"), ("film.dat", b"\x1aE\xdf\xa3\x01"),
], ids=["MP4", "MOV", "Ogg", "MP3", "Matroska"])
def test_films_and_sounds_are_asked_about_whatever_they_are_called(page, name, data):
    choose(page, name, data + bytes(1000))
    wait(page, "asking")


def test_a_png_that_moves_is_asked_about_wherever_it_says_so(page):
    file, frames = io.BytesIO(), [Image.new("RGB", (60, 40), colour) for colour in ("red", "blue")]
    notes = PngInfo()
    notes.add_text("Notes", "IDAT" * 4000)
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:], pnginfo=notes)
    data = file.getvalue()
    assert b"acTL" in data
    choose(page, "moving.png", data, "image/png")
    wait(page, "asking")


def test_three_megabytes_go_in_pieces_that_resume(visit, store, command):
    visitor = visit()
    page, data = visitor.open(f"{store.url}/send"), os.urandom(3_000_000)
    choose(page, "data.bin", data)
    link = sent(page)
    methods = [request.method for request in visitor.requests if "/upload" in request.url]
    assert methods[0] == "POST" and "PATCH" in methods and "PUT" not in methods
    assert command.open(link) == data
    opener = visit().open(link)
    with opener.expect_download() as download:
        opener.click("#open")
    assert download.value.path().read_bytes() == data


def test_a_server_that_is_killed_meanwhile_gets_every_byte(visit, tmp_path):
    with Store(PROGRAMS / "satcheld", tmp_path, "--allow-anonymous-uploads") as store:
        visitor, data = visit(), os.urandom(24 * 2 ** 20)

        def interrupt(request):
            if request.method == "PATCH" and len([one for one in visitor.requests if one.method == "PATCH"]) == 2:
                store.kill()
                store.start()

        visitor.context.on("request", interrupt)
        page = visitor.open(f"{store.url}/send")
        (tmp_path / "data.bin").write_bytes(data)
        choose(page, "data.bin", tmp_path / "data.bin")
        link = sent(page)
        assert len([request for request in visitor.requests if request.method == "POST"]) == 1, "it was begun again"
        opener = visit().open(link)
        with opener.expect_download() as download:
            opener.click("#open")
        assert download.value.path().read_bytes() == data


def test_the_code_holds_the_link(page):
    choose(page, "beach.jpg", photo(800, 600), "image/jpeg")
    link = sent(page)
    shot = Image.open(io.BytesIO(page.locator("#qr").screenshot(scale="css")))
    assert zxingcpp.read_barcode(shot.resize((shot.width * 3, shot.height * 3))).text == link
    assert page.get_attribute("#qr", "aria-label") == "QR code of the link"


def test_what_is_taken_back_is_gone(page, store):
    choose(page, "note.txt", b"words", "text/plain")
    address = re.search("/open/([0-9a-f]{64})", sent(page))[1]
    page.click("#revoke")
    wait(page, "revoked")
    assert page.inner_text("h1") == "Taken back" and status(page).startswith("The link opens nothing now, unless")
    assert store.reason(address) == "revoked"
    page.click("#another")
    choose(page, "note.txt", b"other words", "text/plain")
    assert sent(page)


def test_gone_once_received(page, visit, store):
    choose(page, "note.txt", b"words", "text/plain", recipients="1", lifetime="86400")
    link = sent(page)
    assert re.search(r"&r=[\w-]{22}&", link + "&")
    opener = visit().open(link)
    with opener.expect_response(lambda response: "/receipts/" in response.url) as told:
        opener.click("#open")
    assert told.value.status == 204


def test_link_is_copied(visit, store):
    page = visit(permissions=["clipboard-read", "clipboard-write"]).open(f"{store.url}/send")
    choose(page, "note.txt", b"words", "text/plain")
    link = sent(page)
    page.click("#copy")
    until(page, "document.querySelector('#copy').textContent === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()") == link


def test_a_dropped_and_a_pasted_file_are_sent(page):
    for name, event in (("drop", "DragEvent"), ("paste", "ClipboardEvent")):
        page.evaluate("""([name, event]) => {
          const data = new DataTransfer();
          data.items.add(new File(['words'], name + '.txt', { type: 'text/plain' }));
          const facts = { bubbles: true, dataTransfer: data, clipboardData: data };
          document.body.dispatchEvent(new globalThis[event](name, facts));
        }""", [name, event])
        page.click("#send")
        assert f"f={name}.txt" in sent(page)
        page.click("#another")


def test_a_ticket_comes_with_the_address_or_is_asked_for(visit, tmp_path):
    with Store(PROGRAMS / "satcheld", tmp_path) as store:
        page = visit().open(f"{store.url}/send#ticket={store.ticket}")
        assert store.ticket not in page.url
        choose(page, "note.txt", b"words", "text/plain")
        assert sent(page)
        page = visit().open(f"{store.url}/send")
        choose(page, "note.txt", b"words", "text/plain")
        wait(page, "failed")
        assert status(page) == "This server takes files from people with a ticket. Paste yours."
        assert page.inner_text("#again") == "Send"
        assert page.evaluate("document.activeElement.id") == "ticket"
        page.keyboard.type("x" * 22)
        page.keyboard.press("Enter")
        page.wait_for_selector("html[data-code=ticket-invalid]", state="attached")
        page.fill("#ticket", store.ticket)
        page.click("#again")
        assert sent(page)


def test_nothing_leaves_before_it_is_said(visit, store):
    visitor = visit()
    page = visitor.open(f"{store.url}/send")
    assert not page.is_visible("#lifetime")
    pick(page, "first.txt", b"first")
    assert page.inner_text("#fileFacts") == "first.txt, 5 bytes" and page.is_visible("#lifetime")
    assert page.evaluate("document.activeElement.id") == "send"
    page.click("#stop")
    wait(page, "ready")
    assert page.is_visible("#file + label") and not page.is_visible("#send")
    pick(page, "second.txt", b"")
    assert page.inner_text("#fileFacts") == "second.txt, 0 bytes"
    assert not [request for request in visitor.requests if request.method != "GET"]
    page.click("#send")
    assert "f=second.txt" in sent(page)


def test_the_servers_time_is_what_a_file_gets_unasked(visit, tmp_path):
    """The longest lifetime is shorter than what the page offers, which says so and lets the person choose again."""
    limits = ["--max-lifetime", "36h", "--default-lifetime", "12h"]
    with Store(PROGRAMS / "satcheld", tmp_path, "--allow-anonymous-uploads", *limits) as store:
        for size in (1000, 2_000_000):
            visitor = visit()
            page = visitor.open(f"{store.url}/send")
            choose(page, "data.bin", os.urandom(size))
            assert sent(page)
            asked = [request.headers for request in visitor.requests if request.method in ("PUT", "POST")]
            assert asked and not [fields for fields in asked if "satchel-lifetime" in fields
                                  or "lifetime" in fields.get("upload-metadata", "")]
            page.click("#another")
            choose(page, "data.bin", os.urandom(size), lifetime="604800", recipients="2")
            page.wait_for_selector("html[data-code=lifetime-too-long]", state="attached")
            assert status(page) == "It can be kept for 36 hours at most. Choose again."
            assert page.inner_text("#again") == "Send" and page.input_value("#lifetime") == ""
            assert not page.is_visible("#quality") and not page.is_visible("#recipients")
            open_to_choose = page.eval_on_selector_all("#lifetime option:enabled", "all => all.map(one => one.value)")
            assert open_to_choose == ["", "86400"]
            page.select_option("#lifetime", "86400")
            page.click("#again")
            assert re.search(r"&r=[\w-]{22}&", sent(page) + "&")


def test_a_ticket_that_allows_less_time_lets_the_person_choose_again(page):
    answer = {"type": "/problems/ticket-too-small", "limit_name": "max_lifetime", "limit": 172_800}
    page.route("**/upload", lambda route: route.fulfill(status=403, json=answer), times=1)
    choose(page, "note.txt", b"words", lifetime="2592000")
    page.wait_for_selector("html[data-code=ticket-too-small]", state="attached")
    assert status(page) == "It can be kept for 2 days at most. Choose again."
    assert page.is_visible("#lifetime") and not page.is_visible("#ticket")
    page.click("#again")
    assert sent(page)
    page.click("#another")
    pick(page, "note.txt", b"words")
    assert page.is_enabled("#lifetime option[value='2592000']"), "another ticket may allow it"


def test_a_page_over_plain_http_from_elsewhere_says_before_choosing_that_it_cannot_send(visit, store):
    page = visit().open(f"{elsewhere(store)}/send")
    page.wait_for_selector("html[data-code=insecure]", state="attached")
    assert status(page).startswith("Files can be sent from this page only over https")
    for place in ("#file + label", "#send", "#again"):
        assert not page.is_visible(place)


@pytest.mark.parametrize("settings, name, sentence", [
    (["--blob-limit", "1MiB"], "too-large", "The file is larger than this server takes."),
    (["--leases-per-subject", "1"], "quota", "What this server allows you is used up for now."),
])
def test_what_the_server_refuses_has_a_sentence(visit, tmp_path, settings, name, sentence):
    with Store(PROGRAMS / "satcheld", tmp_path, "--allow-anonymous-uploads", *settings) as store:
        store.put(b"SBLB" + bytes(84))
        page = visit().open(f"{store.url}/send")
        choose(page, "data.bin", os.urandom(2_000_000))
        page.wait_for_selector(f"html[data-code={name}]", state="attached")
        assert status(page) == sentence
        page.click("#stop")
        assert page.is_visible("#file + label")


def test_what_the_command_sends_the_page_opens_and_the_other_way_round(visit, store, command):
    data = os.urandom(200_000)
    opener = visit().open(link_of(command.send("data.bin", data)))
    with opener.expect_download() as download:
        opener.click("#open")
    assert download.value.path().read_bytes() == data
    page = visit().open(f"{store.url}/send")
    choose(page, "data.bin", data)
    assert command.open(sent(page)) == data
