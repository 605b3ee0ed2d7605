"""The parts that tests of the pages are made of: a server, the command, a host of pages, and pictures."""

import contextlib
import hashlib
import http.server
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

from PIL import Image

TREE = pathlib.Path(__file__).resolve().parents[2]
PRODUCTS = TREE / "Sources/Pages/Resources"
ABOUT = json.loads((PRODUCTS / "pages.json").read_text())
START_SECONDS = 60


class Store:
    """A satcheld of its own on a port that the system picks; it can be killed and started again on the same port."""

    def __init__(self, program, folder, *settings):
        self.program, self.folder, self.settings = program, folder, settings
        self.listen = "127.0.0.1:0"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        words = [self.program, "serve", "--listen", self.listen, "--storage", self.folder / "storage", *self.settings]
        environment = {**os.environ, "XDG_RUNTIME_DIR": str(self.folder)}
        self.process = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, env=environment)
        said = []
        for line in self.process.stdout:
            said.append(line)
            if match := re.search(r"ready at (http://(\S+?))[ ,)]", line + " "):
                self.url, self.listen = match[1], match[2]
                ticket = re.search(r"ticket (\S+)\)", line)
                self.ticket = pathlib.Path(ticket[1]).read_text().strip() if ticket else None
                threading.Thread(target=self.process.stdout.read, daemon=True).start()
                return
        raise RuntimeError(f"satcheld did not start: {''.join(said)}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def put(self, sealed):
        """Stores sealed bytes and returns their address."""
        request = urllib.request.Request(f"{self.url}/upload", data=sealed, method="PUT",
                                         headers={"Content-Type": "application/octet-stream"})
        return json.load(urllib.request.urlopen(request))["sha256"]

    def bytes_at(self, address):
        return urllib.request.urlopen(f"{self.url}/{address}").read()

    def reason(self, address):
        """Why a blob is not served; None if it is."""
        try:
            urllib.request.urlopen(f"{self.url}/{address}").close()
        except urllib.error.HTTPError as error:
            return json.load(error).get("reason", str(error.code))


class Command:
    """The command of a person with files of its own."""

    def __init__(self, program, store, folder):
        self.program, self.store, self.folder = program, store, folder

    def run(self, *words, input=None):
        environment = {**os.environ, "SATCHEL_SERVER": self.store.url, "HOME": str(self.folder),
                       "XDG_STATE_HOME": str(self.folder / "state"), "XDG_CONFIG_HOME": str(self.folder / "config")}
        done = subprocess.run([str(self.program), *map(str, words)], input=input, capture_output=True, text=True,
                              env=environment, cwd=self.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def send(self, name, data, *options):
        """Sends bytes as a file of this name and returns the message."""
        (self.folder / name).write_bytes(data)
        return json.loads(self.run("send", name, "-q", *options))

    def open(self, link, name="opened"):
        """Opens a link and returns the bytes."""
        path = self.folder / name
        self.run("open", "-", "-o", path, "--force", "-q", "--no-receipt", input=link)
        return path.read_bytes()


class PageHost:
    """Serves the pages from an origin that is not the store's, with the policy that such a host has."""

    def __enter__(self):
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                path = self.path.split("?")[0]
                name = "video.js" if path == "/open/video.js" else "open.html" if path.startswith("/open/") else None
                body = (PRODUCTS / name).read_bytes() if name else b""
                self.send_response(200 if name else 404)
                self.send_header("Content-Length", str(len(body)))
                if name:
                    self.send_header("Content-Type", ABOUT[name]["type"])
                    policy = ABOUT[name]["policy"].replace("connect-src 'self'", f"connect-src {host.connect}")
                    self.send_header("Content-Security-Policy", policy)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.connect = "http://127.0.0.1:*"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def saved_copy():
    """open.html as `satchel page` prints it: with its policy inside."""
    about, text = ABOUT["saved.html"], (PRODUCTS / "open.html").read_text()
    saved = text.replace(about["after"], about["after"] + about["insert"], 1)
    assert hashlib.sha256(saved.encode()).hexdigest() == about["sha256"]
    return saved


def photo(width, height, exif=None, form="JPEG", **options):
    """A photo-like picture that compresses as photos do; `exif` is a PIL.Image.Exif."""
    coarse = Image.frombytes("RGB", (24, 18), hashlib.shake_256(b"sky").digest(24 * 18 * 3))
    picture = coarse.resize((width, height), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    settings = {"exif": exif or b"", "quality": 92} if form == "JPEG" else {}
    picture.save(file, form, **{**settings, **options})
    return file.getvalue()


def telling_exif(turn=1):
    """What a camera writes: where, when, with what, and how it was held."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0110], exif[0x0132] = turn, "Maker", "Telltale", "2026:11:30 12:00:00"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    return exif


def with_link_changed(link, name, value):
    return re.sub(rf"(?<=[#&]){name}=[^&]*", f"{name}={value}", link)


def link_of(message, page=None, **changed):
    """The link for a message as the command prints it, without its receipt secret, to the page at `page`."""
    media, base = message["media"], message["url"].rsplit("/", 1)[0]
    fields = {"v": 1, "k": message["key"], "s": message["size"], "n": media["size"], "t": media["type"],
              "f": media.get("name"), "x": message.get("root"), "w": media.get("width"),
              "h": media.get("height"), "b": media.get("thumbhash"), "u": base if page else None, **changed}
    told = {name: urllib.parse.quote(str(value), safe="/:") for name, value in fields.items() if value is not None}
    return f"{page or base}/open/{message['sha256']}#{'&'.join(f'{name}={value}' for name, value in told.items())}"


def processes_of(root):
    """A process and all that it has started."""
    found = [root]
    for pid in found:
        for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(child) for child in children.read_text().split()]
    return found


@contextlib.contextmanager
def profile(playwright, folder):
    """A browser with a profile of its own on the disk, unlike a private window, whose files are in memory; and its first
    process."""
    context = playwright.chromium.launch_persistent_context(
        folder, executable_path=shutil.which("chromium"), args=["--no-sandbox"], locale="en-US")
    context.set_default_timeout(600_000)
    told = f"--user-data-dir={folder}".encode()
    yield context, next(pid for pid in processes_of(os.getpid()) if told in command_line(pid))
    context.close()


def command_line(pid):
    words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return [] if any(word.startswith(b"--type=") for word in words) else words


class Memory:
    """The largest memory of the browser meanwhile, over what it had before: shared pages divided among their users."""

    def __init__(self, root):
        self.root = root

    def mebibytes(self):
        total = 0
        for pid in processes_of(self.root):
            try:
                rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
                total += int(re.search(r"^Pss:\s+(\d+)", rollup, re.M)[1])
            except (OSError, TypeError):
                pass
        return total / 1024

    def __enter__(self):
        self.before = self.most = self.mebibytes()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while not self.stop.wait(0.1):
            self.most = max(self.most, self.mebibytes())

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        self.grown = self.most - self.before
