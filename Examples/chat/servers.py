"""The servers of the example: a store, a chat server and the component, on loopback, as the user who calls.

They live in one folder on ports that the system picks. All of them end, and the folder goes, with the `Scene`.
"""

import contextlib
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import ssl
import string
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
DOMAIN = "chat.example"
START_SECONDS = 300


def free_ports(count):
    """Ports that were free a moment ago, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class Server:
    """A process in a session of its own, with its output in a file."""

    def __init__(self, name, command, folder, environment=None):
        self.name, self.log = name, folder / f"{name}.out"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                cwd=folder, env={**os.environ, **(environment or {})}, start_new_session=True)

    def first_line(self):
        """The line with which a server says that it is ready."""
        line = self.process.stdout.readline().decode()
        if not line:
            self.fail("ended as it started")
        return line.strip()

    def wait_until(self, is_ready):
        end = time.monotonic() + START_SECONDS
        while not is_ready():
            if self.process.poll() is not None:
                self.fail(f"ended with {self.process.returncode} as it started")
            if time.monotonic() > end:
                self.fail(f"was not ready within {START_SECONDS} s")
            time.sleep(0.05)

    def fail(self, what):
        raise RuntimeError(f"{self.name} {what}\n{self.log.read_text(errors='replace')[-2000:]}")

    def end(self):
        """Asks the process to end, and ends its session if it does not."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


class Scene:
    """A folder with keys, and the servers in it."""

    def __init__(self, programs):
        self.programs = pathlib.Path(programs).resolve()

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="satchel-chat."))
        self.running, self.passwords, self.component_password = [], {}, secrets.token_urlsafe(24)
        self.make_keys()
        return self

    def __exit__(self, *_):
        for server in reversed(self.running):
            server.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, server):
        self.running.append(server)
        return server

    def stop(self, server):
        server.end()
        self.running.remove(server)

    # Keys

    def make_keys(self):
        """A certificate of our own; the door's secret; a key for tickets, of which the store gets the public half."""
        for name in ("slots", "keys", "component"):
            (self.folder / name).mkdir()
        self.certificate = self.folder / "certificate.pem"
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                     "-days", "2", "-subj", "/CN=localhost", "-addext", f"subjectAltName=DNS:localhost,DNS:{DOMAIN},IP:127.0.0.1",
                     "-keyout", self.folder / "certificate.key", "-out", self.certificate)
        self.tls = ssl.create_default_context(cafile=self.certificate)
        self.door_secret = self.write_secret("slots/chat.secret", secrets.token_hex(32))
        self.ticket_key = self.folder / "component/chat.pem"
        self.openssl("genpkey", "-algorithm", "ed25519", "-out", self.ticket_key)
        self.openssl("pkey", "-in", self.ticket_key, "-pubout", "-out", self.folder / "keys/chat.pem")
        self.write_secret("component/password", self.component_password)

    def openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, umask=0o077)

    def write_secret(self, name, text):
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(f"{text}\n")
        return text

    # The store

    def start_store(self, *arguments):
        command = [self.programs / "satcheld", "serve", "--listen", "127.0.0.1:0", "--storage", self.folder / "store",
                   "--tls-certificate", self.certificate, "--tls-key", self.folder / "certificate.key",
                   "--ticket-keys", self.folder / "keys", "--ticket-audience", "media.example",
                   "--slot-secrets", self.folder / "slots", "--access-log", self.folder / "access.log",
                   # Small, since every byte of the store is searched.
                   "--ballast", "1MiB", *arguments]
        self.store_server = self.start(Server("satcheld", command, self.folder))
        self.store = next(word for word in self.store_server.first_line().split() if word.startswith("https://"))
        self.door = f"{self.store}/slots/chat"

    def status(self, url, method="GET"):
        """The status with which the store answers."""
        request = urllib.request.Request(url, method=method)
        try:
            with urllib.request.urlopen(request, context=self.tls, timeout=300) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def traces(self, words):
        """Which of these words stand in any byte of store and logs, and where; and how many files were searched."""
        places = [path for path in (self.folder / "store").rglob("*") if path.is_file()]
        places += [self.folder / "access.log", self.folder / "satcheld.out"]
        contents = [(path.name, path.read_bytes()) for path in places]
        found = [(word, name) for name, data in contents for word in words
                 if word.encode() in data or word.lower().encode() in data]
        return found, len(places)

    # Chat servers

    def fill(self, template, extra, **more):
        """The configuration of a chat server, with lines of a test's own at its end."""
        self.c2s, self.components, api = free_ports(3)
        text = string.Template((HERE / template).read_text() + extra).substitute(
            domain=DOMAIN, c2s=self.c2s, components=self.components, api=api, folder=self.folder,
            password=self.component_password, door=self.door, secret=self.door_secret, **more)
        path = self.folder / template
        path.write_text(text)
        return path, api

    def start_ejabberd(self, users, extra=""):
        path, api = self.fill("ejabberd.yml", extra)
        (self.folder / "mnesia").mkdir()
        libraries = f"/usr/lib/{os.uname().machine}-linux-gnu"
        # erl itself rather than ejabberdctl, which wants a user of its own and a name server for Erlang.
        self.chat_server = self.start(Server("ejabberd", [
            "erl", "-noinput", "+S", "2", "+P", "250000", "-mnesia", "dir", f'"{self.folder}/mnesia"', "-s", "ejabberd",
        ], self.folder, {"HOME": str(self.folder), "ERL_LIBS": libraries, "EJABBERD_CONFIG_PATH": str(path),
                         "EJABBERD_LOG_PATH": str(self.folder / "ejabberd.log"),
                         "ERL_CRASH_DUMP": str(self.folder / "crash")}))

        def call(command, **arguments):
            request = urllib.request.Request(f"http://127.0.0.1:{api}/api/{command}", json.dumps(arguments).encode())
            try:
                with urllib.request.urlopen(request, timeout=300) as answer:
                    return answer.status == 200
            except OSError:
                return False

        self.chat_server.wait_until(lambda: call("status"))
        for user in users:
            if not call("register", user=user, host=DOMAIN, password=self.password(user)):
                self.chat_server.fail(f"did not register {user}")

    def start_prosody(self, users, extra=""):
        self.prosody, _ = self.fill("prosody.cfg.lua", extra)
        (self.folder / "data").mkdir()
        for user in users:
            self.register_prosody(user, DOMAIN)
        self.run_prosody()

    def register_prosody(self, user, domain):
        subprocess.run(["prosodyctl", "--config", self.prosody, "register", user, domain, self.password(user)],
                       check=True, capture_output=True)

    def run_prosody(self):
        self.chat_server = self.start(Server("prosody", ["prosody", "--config", self.prosody, "-F"], self.folder))
        self.chat_server.wait_until(lambda: is_open(self.c2s) and is_open(self.components))

    def restart_prosody(self):
        self.stop(self.chat_server)
        self.run_prosody()

    def start_chat(self, name, users, extra=""):
        {"ejabberd": self.start_ejabberd, "prosody": self.start_prosody}[name](users, extra)

    def password(self, user):
        return self.passwords.setdefault(user, secrets.token_urlsafe(12))

    # The component

    def start_component(self, *arguments):
        self.component = self.start(Server("component", [
            sys.executable, HERE / "media_component.py", "--server", f"127.0.0.1:{self.components}",
            "--address", f"media.{DOMAIN}", "--password-file", self.folder / "component/password", "--domain", DOMAIN,
            "--store", self.store, "--audience", "media.example",
            "--door-secret-file", self.folder / "slots/chat.secret", "--ticket-key-file", self.ticket_key,
            "--ca-file", self.certificate, *arguments], self.folder))
        self.component.first_line()


def is_open(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False
