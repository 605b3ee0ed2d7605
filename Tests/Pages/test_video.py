"""Films that play while they come."""

import contextlib
import shutil
import socket
import subprocess

import pytest

from parts import PRODUCTS, TREE, saved_copy, with_link_changed
from test_open import saved_by, status, until, wait
from test_send import choose, sent

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
FORMS = {"video/webm": ("film.webm", ["-c:v", "libvpx", "-b:v", "3M", "-deadline", "realtime", "-cpu-used", "8"]),
         # Its index is at the end.
         "video/mp4": ("film.mp4", ["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "3M", "-pix_fmt", "yuv420p"])}


@pytest.fixture(scope="session")
def films(tmp_path_factory):
    """Films of twelve seconds and some megabytes."""
    if not shutil.which("ffmpeg"):
        pytest.skip("ffmpeg cannot be had here")
    folder, films = tmp_path_factory.mktemp("films"), {}
    for type, (name, codec) in FORMS.items():
        source = ["-f", "lavfi", "-i", "testsrc2=size=480x270:rate=25:duration=12,noise=alls=40:allf=t"]
        subprocess.run(["ffmpeg", "-v", "error", *source, "-g", "25", *codec, folder / name], check=True)
        films[type] = (name, (folder / name).read_bytes())
    return films


@pytest.fixture(params=FORMS)
def film(request, films, visit, store):
    """A film that the page has sent: its bytes and its link, which has the root of an index."""
    name, data = films[request.param]
    page = visit().open(f"{store.url}/send")
    choose(page, name, data, request.param)
    page.click("#anyway")
    return data, sent(page)


def play(page):
    page.click("#open")
    wait(page, "playing")
    until(page, "document.querySelector('video').readyState >= 2")


def seek(page, seconds):
    page.evaluate("""at => new Promise((done, failed) => {
      const video = document.querySelector('video');
      video.addEventListener('seeked', done, { once: true });
      video.addEventListener('error', () => failed(new Error('media')), { once: true });
      video.currentTime = at;
    })""", seconds)


def ranges(visitor, link):
    """What was asked of the store, by the worker, for the film of a link."""
    address = link.split("/open/")[1][:64]
    return [request.headers.get("range") for request in visitor.requests if request.url.endswith(address)]


@pytest.mark.skipif(not NGINX, reason="nginx cannot be had here")
def test_another_host_as_the_manual_sets_it_up_plays_by_ranges(visit, film, store, tmp_path):
    data, link = film
    with recipe(tmp_path) as url:
        visitor = visit()
        page = visitor.open(f"{url}/open/{link.split('/open/')[1]}&u={store.url}")
        wait(page, "waiting")
        play(page)
        assert status(page) == "Every part is checked before it plays."
        assert saved_by(page)[0] == data
        assert visitor.hosts() == {url.removeprefix("http://"), store.listen}


@contextlib.contextmanager
def recipe(folder):
    """What docs/operations.md says of a host of pages, done: nginx with those lines, and the files where they belong.
    A page of HTTPS asks stores over HTTPS; here both are of this machine."""
    manual = (TREE / "docs/operations.md").read_text().split("**Another host.**")[1]
    lines = manual[manual.index("    location = "):].split("\n\n")[0]
    lines = lines.replace("/srv/satchel", str(folder)).replace("connect-src https:", "connect-src http://127.0.0.1:*")
    (folder / "open").mkdir()
    (folder / "open.html").write_text(saved_copy())
    shutil.copy(PRODUCTS / "video.js", folder / "open/video.js")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = "".join(f"{what}_temp_path {folder}/{what};"
                     for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {places} server {{ listen 127.0.0.1:{port};\n{lines}\n}} }}\n")
    process = subprocess.Popen([NGINX, "-p", folder, "-c", folder / "nginx.conf"], stderr=subprocess.PIPE, text=True)
    try:
        while True:
            assert process.poll() is None, process.stderr.read()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def test_a_film_plays_and_seeks_before_it_is_fetched(visit, film, store):
    data, link = film
    assert "&x=" in link
    visitor = visit()
    page = visitor.open(link)
    wait(page, "waiting")
    assert page.inner_text("#open") == "Play"
    play(page)
    assert status(page) == "Every part is checked before it plays."
    seek(page, 10)
    assert 9.9 < page.evaluate("document.querySelector('video').currentTime") < 10.5
    seek(page, 1)
    assert saved_by(page)[0] == data
    assert page.query_selector("video"), "saving does not end the film"
    assert visitor.hosts() == {store.listen}


def test_the_worker_is_gone_with_the_page(visit, film):
    visitor = visit()
    page = visitor.open(film[1])
    play(page)
    other = visitor.context.new_page()
    page.close()
    other.goto(film[1])
    wait(other, "waiting")
    while other.evaluate("(async () => (await navigator.serviceWorker.getRegistrations()).length)()"):
        pass
    assert other.evaluate("navigator.serviceWorker.controller") is None


def test_a_film_without_a_root_is_checked_whole_first(visit, film):
    visitor = visit()
    page = visitor.open(with_link_changed(film[1], "x", "").replace("&x=", ""))
    page.click("#open")
    wait(page, "ready")
    page.wait_for_selector("video")
    assert not page.evaluate("navigator.serviceWorker.controller")
    assert saved_by(page)[0] == film[0]


def test_a_film_of_another_root_does_not_play(visit, film):
    page = visit().open(with_link_changed(film[1], "x", "A" * 43))
    page.click("#open")
    wait(page, "failed")
    assert page.evaluate("document.documentElement.dataset.code") == "index"
    assert status(page) == "What the server sent is not the file of this link. Nothing of it was kept."


def test_a_film_that_is_forged_stops(visit, film, store):
    """Bytes in the middle are changed on the store's disk: they are never played, and the film ends there."""
    data, link = film
    address = link.split("/open/")[1][:64]
    blob = next(path for path in (store.folder / "storage").rglob(f"*{address[4:]}*") if path.is_file())
    with blob.open("r+b") as file:
        file.seek(len(data) // 2)
        byte = file.read(1)
        file.seek(len(data) // 2)
        file.write(bytes([byte[0] ^ 1]))
    page = visit().open(link)
    page.click("#open")
    wait(page, "failed")
    assert page.evaluate("document.documentElement.dataset.code") in ("leaf", "chunk")
    assert not page.query_selector("video") and not page.is_visible("#save")
    assert status(page) == "What the server sent is not the file of this link. Nothing of it was kept."
