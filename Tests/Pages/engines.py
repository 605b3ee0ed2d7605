"""Browsers of other engines than Chromium's, driven by WebDriver: Firefox through its own door to it (Marionette), WebKitGTK
through WebKitWebDriver. Both take the same commands; only their envelopes differ."""

import contextlib
import itertools
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
WEBKIT, DISPLAY = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
MISSING = {"firefox": None if FIREFOX else "Firefox cannot be had here",
           "webkit": None if WEBKIT and DISPLAY else "WebKitWebDriver and Xvfb cannot be had here"}
# After so long something is broken, however slow the machine.
PATIENCE_SECONDS = 180
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Tab:
    """What a person does in a browser, and sees. `perform` takes the name of a WebDriver command, its path below the
    session, and its parameters."""

    def __init__(self, perform, downloads):
        self.perform, self.downloads = perform, downloads

    def go(self, address):
        self.perform("Navigate", "url", {"url": address})

    def reload(self):
        self.perform("Refresh", "refresh", {})

    def see(self, expression):
        """The value of an expression of the page."""
        return self.perform("ExecuteScript", "execute/sync", {"script": f"return {expression}", "args": []})

    def until(self, expression):
        """Waits until an expression of the page is true, and returns its value."""
        ends = time.monotonic() + PATIENCE_SECONDS
        while not (value := self.see(expression)):
            assert time.monotonic() < ends, (expression, self.see("document.body.innerText"))
        return value

    def wait(self, state):
        self.until(f"document.documentElement.dataset.state === {json.dumps(state)}")

    def status(self):
        return self.see("document.getElementById('status').innerText")

    def element(self, selector):
        found = self.perform("FindElement", "element", {"using": "css selector", "value": selector})
        return found[ELEMENT]

    def click(self, selector):
        id = self.element(selector)
        self.perform("ElementClick", f"element/{id}/click", {"id": id})

    def type(self, selector, text):
        """Types into a field, or gives a field for files the path of one."""
        id, text = self.element(selector), str(text)
        self.perform("ElementSendKeys", f"element/{id}/value", {"id": id, "text": text})

    def saved_by(self, selector):
        """Clicks what saves a file, and returns its bytes and its name once all of it is there."""
        for old in self.downloads.iterdir():
            old.unlink()
        self.click(selector)
        ends = time.monotonic() + PATIENCE_SECONDS
        while not (files := list(self.downloads.iterdir())) or any(map(is_unfinished, files)):
            assert time.monotonic() < ends, f"nothing was saved: {files}"
            time.sleep(0.02)
        return files[0].read_bytes(), files[0].name


def is_unfinished(file):
    """Both write a file under another name beside its own, which Firefox takes at once, with nothing in it."""
    return file.suffix in (".part", ".wkdownload") or file.stat().st_size == 0


@contextlib.contextmanager
def tab_of(engine, folder, **preferences):
    """A tab of a new browser of this engine, which keeps everything in `folder`. Preferences are Firefox's."""
    downloads = folder / "downloads"
    downloads.mkdir(parents=True)
    with {"firefox": firefox, "webkit": webkit}[engine](folder, downloads, preferences) as perform:
        yield Tab(perform, downloads)


def environment(folder, **more):
    """The person's folders are all in `folder`, and there is no desktop around the browser."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("XDG_", "DBUS_", "DISPLAY", "WAYLAND_"))}
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    return {**kept, "HOME": str(folder), "XDG_RUNTIME_DIR": str(runtime), "LANG": "C.UTF-8", "LANGUAGE": "en", **more}


@contextlib.contextmanager
def running(*words, **settings):
    """A process that is ended, with all that it has started, when it is needed no more."""
    process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, start_new_session=True,
                               stderr=subprocess.DEVNULL, **settings)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()


def until_there(process, look):
    """What `look` finds, as soon as it does."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while True:
        with contextlib.suppress(OSError, ValueError):
            return look()
        assert process.poll() is None and time.monotonic() < ends, f"{process.args[0]} did not start"
        time.sleep(0.02)


# Firefox: a message is its length in digits, a colon and JSON; [0, id, name, parameters] is answered by
# [1, id, error, result].

PREFERENCES = {
    "marionette.port": 0, "browser.download.folderList": 2, "browser.shell.checkDefaultBrowser": False,
    "intl.accept_languages": "en-US", "datareporting.policy.dataSubmissionEnabled": False,
    "app.normandy.enabled": False, "browser.aboutwelcome.enabled": False, "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False, "network.connectivity-service.enabled": False,
}


@contextlib.contextmanager
def firefox(folder, downloads, preferences):
    profile = folder / "profile"
    profile.mkdir()
    chosen = {**PREFERENCES, "browser.download.dir": str(downloads), **preferences}
    (profile / "user.js").write_text("".join(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
                                             for name, value in chosen.items()))
    words = [FIREFOX, "--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", profile]
    with running(*words, env=environment(folder), stdout=subprocess.DEVNULL) as process:
        port = until_there(process, lambda: int((profile / "MarionetteActivePort").read_text()))
        with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as answers:
            connection.settimeout(PATIENCE_SECONDS)
            ids = itertools.count(1)

            def receive():
                length = b""
                while (byte := answers.read(1)) != b":":
                    length += byte
                return json.loads(answers.read(int(length)))

            def perform(name, _, parameters):
                message = json.dumps([0, next(ids), f"WebDriver:{name}", parameters]).encode()
                connection.sendall(b"%d:%s" % (len(message), message))
                _, _, error, result = receive()
                assert error is None, f"{name}: {error}"
                return result["value"] if list(result or {}) == ["value"] else result

            receive()
            perform("NewSession", None, {"strictFileInteractability": False})
            yield perform


# WebKitGTK: requests of HTTP, to a driver that starts the browser. It needs a display.

@contextlib.contextmanager
def webkit(folder, downloads, _):
    settings = folder / ".config"
    settings.mkdir()
    (settings / "user-dirs.dirs").write_text(f'XDG_DOWNLOAD_DIR="{downloads}"\n')
    with display() as number, driver(folder, number) as (process, port):
        base = f"http://127.0.0.1:{port}"
        until_there(process, lambda: ask("GET", f"{base}/status"))
        session = ask("POST", f"{base}/session", {"capabilities": {}})["sessionId"]
        try:
            yield lambda _, path, parameters: ask("POST", f"{base}/session/{session}/{path}", parameters)
        finally:
            ask("DELETE", f"{base}/session/{session}")


@contextlib.contextmanager
def display():
    """An X server without a screen, on a number that is free; yields its name."""
    words = [DISPLAY, "-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
    with running(*words, stdout=subprocess.PIPE, text=True) as process:
        yield f":{process.stdout.readline().strip()}"


@contextlib.contextmanager
def driver(folder, number):
    """The driver, and the port that it listens on: one that was free a moment ago, since it does not tell which it takes."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    bare = environment(folder, DISPLAY=number, NO_AT_BRIDGE="1", GIO_USE_VFS="local", GSETTINGS_BACKEND="memory",
                       LIBGL_ALWAYS_SOFTWARE="1", WEBKIT_DISABLE_DMABUF_RENDERER="1")
    with running(WEBKIT, f"--port={port}", env=bare, stdout=subprocess.DEVNULL) as process:
        yield process, port


def ask(method, url, parameters=None):
    body = None if parameters is None else json.dumps(parameters).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{method} {url}: {error.read().decode()}") from None
