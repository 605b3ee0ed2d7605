"""The page that opens a link."""

import re

import pytest

from conftest import ELSEWHERE
from parts import link_of, photo, saved_copy

STATE = "html[data-state={}]"


def wait(page, state):
    return page.wait_for_selector(STATE.format(state), state="attached")


def until(page, condition):
    """Waits for a condition; the pages' policy forbids Playwright's own way of asking again and again."""
    while not page.evaluate(condition):
        page.wait_for_timeout(20)


def status(page):
    return page.inner_text("#status")


def elsewhere(store):
    """The store by a name under which browsers hold it for another machine: what comes from there is not secure."""
    return store.url.replace("127.0.0.1", ELSEWHERE)


@pytest.fixture
def picture(command):
    """A photo that the command has sent, and its bytes as they come out."""
    message = command.send("beach.jpg", photo(1200, 800))
    return message, command.open(link_of(message))


def saved_by(page, button="#save"):
    with page.expect_download() as download:
        page.click(button)
    return download.value.path().read_bytes(), download.value.suggested_filename


def test_a_photo_is_shown_at_once_and_saved_as_the_command_opens_it(visit, picture):
    message, data = picture
    page = visit().open(link_of(message))
    wait(page, "ready")
    page.wait_for_selector("#stage img")
    assert page.evaluate("document.querySelector('#stage img').naturalWidth") == 1200
    assert page.get_attribute("#stage img", "alt") == "beach.jpg"
    assert status(page) == "Opened and checked."
    assert saved_by(page) == (data, "beach.jpg")


def test_the_key_leaves_the_address_and_a_reload_still_opens(visit, picture):
    message, _ = picture
    page = visit().open(link_of(message))
    wait(page, "ready")
    for _ in range(2):
        assert message["key"] not in page.url + page.evaluate("document.URL + document.body.innerText")
        page.reload()
        wait(page, "ready")


def test_the_blurred_likeness_is_there_before_the_picture(visit, picture):
    message, _ = picture
    visitor = visit()
    held = []
    visitor.context.route(message["url"], lambda route: held.append(route))
    page = visitor.open(link_of(message))
    wait(page, "working")
    width, height = page.evaluate("(c => [c.width, c.height])(document.querySelector('#stage canvas'))")
    assert width > height > 15
    box = page.query_selector(".frame").bounding_box()
    assert abs(box["width"] / box["height"] - 1.5) < 0.02
    while not held:
        page.evaluate("0")
    held[0].continue_()
    wait(page, "ready")


def test_a_page_in_the_background_waits(visit, picture):
    visitor = visit()
    visitor.page.add_init_script("Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' })")
    page = visitor.open(link_of(picture[0]))
    wait(page, "waiting")
    assert not [request for request in visitor.requests if request.url == picture[0]["url"]]
    page.click("#open")
    wait(page, "ready")


def test_a_link_with_a_receipt_waits_and_tells_once(visit, command, store):
    message = command.send("beach.jpg", photo(300, 200), "--recipients", "2")
    visitor = visit()
    page = visitor.open(link_of(message, r=message["receipt"]))
    wait(page, "waiting")
    assert status(page) == "Opening it tells the sender that it has arrived."
    with page.expect_response(lambda response: "/receipts/" in response.url) as told:
        page.click("#open")
    assert told.value.status == 204
    assert "received by 1 of 2" in command.run("status", message["sha256"])
    until(page, "history.state.isTold")
    page.reload()
    page.click("#open")
    wait(page, "ready")
    told = [request for request in visitor.requests if "/receipts/" in request.url and request.method == "PUT"]
    assert len(told) == 1


def test_a_receipt_that_cannot_be_told_is_not_promised(visit, command, store):
    """Over plain HTTP from another machine browsers have no hashes, which the name in a receipt takes."""
    message = command.send("beach.jpg", photo(300, 200), "--recipients", "2")
    visitor = visit()
    page = visitor.open(link_of(message, r=message["receipt"]).replace(store.url, elsewhere(store)))
    wait(page, "waiting")
    assert status(page) == "Without https, the sender cannot be told that it has arrived."
    page.click("#open")
    wait(page, "ready")
    page.wait_for_selector("#stage img")
    assert status(page) == "Opened and checked. Without https, the sender cannot be told that it has arrived."
    assert not [request for request in visitor.requests if "/receipts/" in request.url]


def test_a_document_is_saved_and_never_shown(visit, command):
    data = b"<!doctype html><script>document.title = 'run'</script>"
    message = command.send("page.html", data)
    page = visit().open(link_of(message))
    wait(page, "waiting")
    assert page.inner_text("#open") == "Save" and page.inner_text(".tile") == "TXT"
    assert saved_by(page, "#open") == (data, "page.html.txt")
    wait(page, "ready")
    assert not page.query_selector("#stage img, #stage video, iframe, object, embed")


@pytest.mark.parametrize("told, type, saved", [
    ("../../etc/passwd", "text/plain", "_._.._etc_passwd.txt"),
    (".bashrc", "text/plain", "_bashrc.txt"),
    ("beach\u202egpj.exe", "image/jpeg", "beach_gpj.exe.jpg"),
    ("invoice.pdf.html", "application/pdf", "invoice.pdf.html.pdf"),
    ("a\nb\x07.txt", "text/plain", "a_b_.txt"),
    ("", "application/pdf", "media.pdf"),
])
def test_a_deceiving_name_is_made_safe(visit, command, told, type, saved):
    message = command.send("plain.bin", b"plain words\n" * 9)
    page = visit().open(link_of(message, f=told, t=type))
    if type == "image/jpeg":
        wait(page, "ready")
        assert page.inner_text("h1") == saved
        return
    wait(page, "waiting")
    assert page.inner_text("h1") == saved
    # Chromium takes more dots out.
    assert saved_by(page, "#open")[1].strip("_.") in saved


def test_what_claims_to_be_a_picture_and_is_none_can_be_saved(visit, command):
    message = command.send("fake.bin", b"no picture" * 50)
    page = visit().open(link_of(message, t="image/jpeg", f="fake.jpg"))
    wait(page, "ready")
    page.wait_for_selector("html[data-shown=no]", state="attached")
    assert status(page) == "This browser cannot show this kind of file, but it can save it."
    assert saved_by(page)[0] == b"no picture" * 50


def test_a_page_from_another_origin_opens_it(visit, picture, host, store):
    message, data = picture
    visitor = visit()
    page = visitor.open(link_of(message, page=host.url))
    wait(page, "ready")
    assert saved_by(page)[0] == data
    assert visitor.hosts() == {host.url.removeprefix("http://"), store.listen}
    assert "neither has both" in page.inner_text("#foot")


def test_a_saved_copy_opens_what_is_pasted(visit, picture, tmp_path):
    message, data = picture
    copy = tmp_path / "open.html"
    copy.write_text(saved_copy())
    visitor = visit()
    page = visitor.open(copy.as_uri())
    wait(page, "asking")
    assert "saved copy" in page.inner_text("#foot")
    page.fill("#link", link_of(message))
    page.click("#paste button")
    # Whoever pastes a link does not know yet which host it names.
    wait(page, "waiting")
    assert not [request for request in visitor.requests if request.url == message["url"]]
    page.click("#open")
    wait(page, "ready")
    assert saved_by(page)[0] == data


def test_a_picture_that_is_small_by_its_link_alone_waits(visit, picture):
    """What is fetched counts, not what the link says is in it."""
    visitor = visit()
    page = visitor.open(link_of(picture[0], s=20_000_000, x=None))
    wait(page, "waiting")
    assert not [request for request in visitor.requests if request.url == picture[0]["url"]]


def test_a_second_link_in_the_same_tab_is_opened(visit, picture, command):
    page = visit().open(link_of(picture[0]))
    wait(page, "ready")
    other = command.send("other.png", photo(64, 48, form="PNG"))
    page.goto(link_of(other))
    until(page, "document.querySelector('h1').textContent === 'other.png'")
    until(page, "document.querySelector('#stage img')?.naturalWidth === 64")


def test_words_are_german_where_they_are_read(visit, picture):
    page = visit(locale="de-AT").open(re.sub("k=.*?&", f"k={'A' * 43}&", link_of(picture[0])))
    wait(page, "failed")
    assert status(page).startswith("Der Schlüssel in diesem Link öffnet die Datei nicht.")
    assert page.evaluate("document.documentElement.lang") == "de-AT"
