#!/usr/bin/env python3
"""Measures an edge beside general caches before the same origin: nginx, nginx with slices, Varnish, Traffic Server.

The first table has what caches do with blobs when many ask at once, when the origin fails, and when the disk does. The
second compares what a fetched blob costs with nginx: runs of the two alternate, and a ratio is the median of the ratios
of neighbouring runs. Every body is compared with bytes of the right digest. MISSED is what the edge was designed for and
does not reach here; nothing fails for being slow.

Usage: Benchmarks/edge.py [--programs DIR] [--folder DIR] [--quick] [--rounds 9] [--caches WORD,…] [row …]

Rows: {rows}

Needs cc for hits, and 6 GiB of disk. A cache that is not installed is left out. A full disk needs root.
"""

import argparse
import collections
import contextlib
import ctypes
import email.utils
import functools
import hashlib
import json
import mmap
import multiprocessing
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

from side_by_side import (GIB, HERE, KIB, MIB, Server, Table, add_blobs, build_load, children, free_port, make_store,
                          raise_file_limit, run_load, start_satcheld, text, wait_for_port, workplace)

MONTH = 30 * 86400
SIZES = {"4 KiB": 4 * KIB, "100 KiB": 100 * KIB, "1 MiB": MIB}
GONE = "0" * 64

differing_bytes = ctypes.CDLL(None).memcmp
differing_bytes.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]

NGINX = """
worker_processes 2;
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 20000; }}
http {{
    access_log off;
    sendfile on;
    open_file_cache max=10000 inactive=60s;
    open_file_cache_valid 60s;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    fastcgi_temp_path {folder}/fastcgi;
    proxy_temp_path {folder}/proxy;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    proxy_cache_path {folder}/cache levels=1:2 keys_zone=blobs:64m max_size=8g inactive=1d use_temp_path=off;
    upstream origin {{ server {origin}; keepalive 64; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_cache blobs;
            proxy_cache_lock on;
            {more}
        }}
    }}
}}
"""
SLICES = "slice 1m; proxy_cache_key $uri$slice_range; proxy_set_header Range $slice_range;"
STALE = "proxy_cache_use_stale error timeout;"

VARNISH = """
vcl 4.1;
backend origin {{ .host = "127.0.0.1"; .port = "{port}"; }}
"""

# Readers share what another is fetching, however slowly it comes.
TRAFFIC = """
CONFIG proxy.config.http.server_ports STRING {port}:ip-in=127.0.0.1
CONFIG proxy.config.http.wait_for_cache INT 1
CONFIG proxy.config.url_remap.remap_required INT 1
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT 2
CONFIG proxy.config.cache.max_doc_size INT 0
CONFIG proxy.config.cache.enable_read_while_writer INT 1
CONFIG proxy.config.cache.read_while_writer.max_retries INT 100
CONFIG proxy.config.cache.read_while_writer_retry.delay INT 50
CONFIG proxy.config.http.background_fill_active_timeout INT 0
CONFIG proxy.config.http.background_fill_completed_threshold FLOAT 0.0
CONFIG proxy.config.http.cache.max_open_read_retries INT 100
CONFIG proxy.config.http.cache.open_read_retry_time INT 50
CONFIG proxy.config.diags.debug.enabled INT 0
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.crash_log_helper STRING NULL
CONFIG proxy.config.admin.user_id STRING #-1
"""


# The origin


class Origin:
    """A scripted store in a process of its own: the files of a folder by their digest, with the fields of a store.

    How it answers: `rate` bytes a second for each answer, `delay` seconds before it, `max_age`; `reset` and `flip` spoil
    one answer, by breaking off behind so many bytes, or by a bit at this place.
    """

    def __init__(self, folder, **how):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("fork").Process(
            target=serve_origin, args=(listener, other, self.folder, how), daemon=True)
        self.process.start()
        listener.close()

    def asked(self):
        """What was asked since the last time, when all of it is answered: (method, range, status, bytes sent)."""
        while True:
            self.pipe.send("asked")
            answers = self.pipe.recv()
            if answers is not None:
                return answers
            time.sleep(0.02)

    def stop(self):
        self.process.kill()
        self.process.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def serve_origin(listener, pipe, folder, how):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    state = OriginState(folder, how)
    threading.Thread(target=state.accept, args=(listener,), daemon=True).start()
    with contextlib.suppress(EOFError):
        while pipe.recv():
            pipe.send(state.take())


class OriginState:
    def __init__(self, folder, how):
        self.folder, self.how = folder, how
        self.lock = threading.Lock()
        self.notes, self.under_way = [], 0
        self.sunset = email.utils.formatdate(time.time() + MONTH, usegmt=True)

    def take(self):
        with self.lock:
            if self.under_way:
                return None
            notes, self.notes = self.notes, []
            return [tuple(note) for note in notes]

    def accept(self, listener):
        while True:
            connection = listener.accept()[0]
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as reader:
            while line := reader.readline():
                method, path, _ = line.decode().split()
                fields = {}
                while (line := reader.readline().decode().strip()):
                    name, _, value = line.partition(":")
                    fields[name.lower()] = value.strip()
                note = [method, fields.get("range"), 0, 0]
                with self.lock:
                    self.notes.append(note)
                    self.under_way += 1
                try:
                    if not self.answer(connection, method, path[1:], fields, note):
                        return
                finally:
                    with self.lock:
                        self.under_way -= 1

    def answer(self, connection, method, address, fields, note):
        """Answers one request; whether the connection goes on."""
        time.sleep(self.how.get("delay", 0))
        try:
            descriptor = os.open(self.folder / address, os.O_RDONLY)
        except OSError:
            body = b'{"reason":"revoked"}'
            note[2] = 410
            connection.sendall(b"HTTP/1.1 410 Gone\r\nContent-Type: application/problem+json\r\nCache-Control: no-store\r\n"
                               b"Content-Length: %d\r\n\r\n%s" % (len(body), b"" if method == "HEAD" else body))
            return True
        try:
            return self.send(connection, method, address, fields, note, descriptor)
        finally:
            os.close(descriptor)

    def send(self, connection, method, address, fields, note, descriptor):
        size = os.fstat(descriptor).st_size
        first, end = asked_range(fields.get("range"), size) if method == "GET" else (0, size)
        note[2] = 206 if method == "GET" and "range" in fields else 200
        if fields.get("if-none-match") == f'"{address}"':
            note[2] = 304
        head = [f"HTTP/1.1 {note[2]} OK", f'ETag: "{address}"', "Content-Type: application/octet-stream",
                f"Cache-Control: public, no-transform, must-revalidate, max-age={self.how.get('max_age', 300)}",
                f"Sunset: {self.sunset}", "Accept-Ranges: bytes", f"Date: {email.utils.formatdate(usegmt=True)}"]
        if note[2] == 206:
            head.append(f"Content-Range: bytes {first}-{end - 1}/{size}")
        if note[2] != 304:
            head.append(f"Content-Length: {end - first}")
        head = "\r\n".join([*head, "", ""]).encode()
        if method == "HEAD" or note[2] == 304:
            connection.sendall(head)
            return True
        return self.send_body(connection, head, descriptor, first, end, note)

    def send_body(self, connection, head, descriptor, first, end, note):
        reset, flip = self.take_fault("reset", first, end), self.take_fault("flip", first, end)
        rate = self.how.get("rate")
        if reset is flip is rate is None:
            connection.sendall(head, socket.MSG_MORE)
            while note[3] < end - first:
                note[3] += os.sendfile(connection.fileno(), descriptor, first + note[3], end - first - note[3])
            return True
        # Paced bytes leave every four milliseconds.
        step = max(4 * KIB, rate // 250) if rate else MIB
        start = time.monotonic()
        for place in range(first, end, step):
            piece = bytearray(os.pread(descriptor, min(step, end - place), place))
            if flip is not None and 0 <= flip - place < len(piece):
                piece[flip - place] ^= 1
            if reset is not None and reset < place + len(piece):
                connection.sendall(head + piece[:reset - place])
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            connection.sendall(head + piece)
            head = b""
            note[3] += len(piece)
            if rate and place + step < end:
                time.sleep(max(0, start + note[3] / rate - time.monotonic()))
        return True

    def take_fault(self, name, first, end):
        """The place of a fault that has not happened yet, if it is among these bytes: then it happens now."""
        with self.lock:
            place = self.how.get(name)
            return self.how.pop(name) if place is not None and first <= place < end else None


def asked_range(text, size):
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", text or "")
    if not match:
        return 0, size
    if not match[1]:
        return max(0, size - int(match[2])), size
    return int(match[1]), min(int(match[2]) + 1 if match[2] else size, size)


# Caches


class Caches:
    """The edge and its peers: name, how it is started, what has to be installed."""

    def __init__(self, programs):
        self.satcheld = str(programs / "satcheld")
        self.all = {
            "edge": (self.start_edge, self.satcheld, None),
            "nginx": (start_nginx, find("nginx"), "nginx-light"),
            "nginx, slices": (functools.partial(start_nginx, more=SLICES), find("nginx"), "nginx-light"),
            "Varnish": (start_varnish, find("varnishd"), "varnish"),
            "Traffic Server": (start_traffic, find("traffic_server"), "trafficserver"),
        }

    def start_edge(self, folder, origin, store=4 * GIB, settings=()):
        limits = ["--cache-size", str(store), "--keep-free", "0", "--address-request-rate", "none", "--connections",
                  "30000", "--scrub-rate", "0", "--log-level", "critical", "--edge-name", "measured"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SATCHELD_")}
        with open(folder / "edge.log", "ab") as log:
            process = subprocess.Popen(
                [self.satcheld, "edge", "--origin", f"http://{origin}", "--cache", str(folder / "cache"), "--listen",
                 "127.0.0.1:0", *limits, *settings], stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        address = re.search(r"https?://\S+:(\d+)", process.stdout.readline())
        if not address:
            process.wait()
            sys.exit(f"the edge did not start:\n{(folder / 'edge.log').read_text()}")
        return Server(process, int(address[1]))


def find(program):
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")


def start_nginx(folder, origin, more="", **_):
    port, configuration = free_port(), folder / "nginx.conf"
    configuration.write_text(NGINX.format(folder=folder, origin=origin, port=port, more=more,
                                          user="user root;" if os.geteuid() == 0 else ""))
    return started(folder, port, [find("nginx"), "-c", str(configuration)])


def start_varnish(folder, origin, store=GIB, **_):
    port, rules = free_port(), folder / "rules.vcl"
    (folder / "cache").mkdir(exist_ok=True)
    rules.write_text(VARNISH.format(port=origin.rpartition(":")[2]))
    return started(folder, port, [find("varnishd"), "-F", "-n", str(folder / "varnish"), "-a", f"127.0.0.1:{port}", "-f",
                                  str(rules), "-s", f"file,{folder}/cache/blobs,{store}", "-j", "none"])


def start_traffic(folder, origin, store=GIB, **_):
    root, port = folder / "traffic", free_port()
    for name in ("etc", "run", "log", "data"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (folder / "cache").mkdir(exist_ok=True)
    # Paths that are not named here would be those of the installed package.
    places = {"prefix": ".", "exec_prefix": ".", "sysconfdir": "etc", "runtimedir": "run", "logdir": "log",
              "localstatedir": "run", "datadir": "data", "cachedir": "data"}
    (root / "runroot.yaml").write_text("".join(f"{name}: {place}\n" for name, place in places.items()))
    (root / "etc" / "records.config").write_text(TRAFFIC.format(port=port))
    (root / "etc" / "storage.config").write_text(f"{folder}/cache {store}\n")
    (root / "etc" / "ip_allow.yaml").write_text(
        "ip_allow: [{apply: in, ip_addrs: 127.0.0.0/8, action: allow, methods: ALL}]\n")
    (root / "etc" / "remap.config").write_text(f"map / http://{origin}/\n")
    return started(folder, port, [find("traffic_server"), f"--run-root={root}/runroot.yaml"])


def started(folder, port, command):
    with open(folder / "error.log", "ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for_port(port, process, folder / "error.log")
    except SystemExit:
        process.kill()
        raise
    return Server(process, port)


def kill(server):
    """Kills a server with all its processes, the first one first: it would start others for those that end."""
    for process in [server.pid, *children(server.pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    server.process.wait()


def spent_seconds(server):
    """Processor time of a server's processes, exact where /proc counts in hundredths of a second."""
    # The kernel's number for the clock of a process: its complement, and 2 for the scheduler's count.
    return sum(time.clock_gettime(~process << 3 | 2) for process in [server.pid, *children(server.pid)])


# Readers


class Answer:
    """What one reader got. Times count from the request; `first` is that of the first byte of the body."""

    def __init__(self):
        self.status, self.length, self.first, self.seconds, self.count, self.is_same = 0, None, None, None, 0, True

    def read_head(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        fields = dict(line.lower().split(":", 1) for line in lines[1:])
        self.length = int(fields["content-length"]) if "content-length" in fields else None

    @property
    def is_whole(self):
        return self.status in (200, 206) and self.count == self.length

    @property
    def is_right(self):
        return self.is_whole and self.is_same

    @property
    def outcome(self):
        if self.is_right:
            return "right"
        if self.is_whole:
            return "wrong"
        return "cut" if self.status in (0, 200, 206) else str(self.status)


class Reader:
    """One reader on a connection that is kept."""

    def __init__(self, address, patience=60):
        self.address, self.patience = address, patience
        self.socket, self.room = None, bytearray(64 * KIB)

    def get(self, path, body, first=0, end=None, fields=""):
        """Reads a blob whose bytes are `body`, or a part of it."""
        end = len(body) if end is None else end
        asked = f"Range: bytes={first}-{end - 1}\r\n" if (first, end) != (0, len(body)) else ""
        request = f"GET /{path} HTTP/1.1\r\nHost: {self.address}\r\n{asked}{fields}\r\n".encode()
        if len(self.room) < end - first + 64 * KIB:
            self.room = bytearray(end - first + 64 * KIB)
        answer = Answer()
        if not self.socket:
            host, port = self.address.split(":")
            self.socket = socket.create_connection((host, int(port)), self.patience)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start = time.perf_counter()
        try:
            self.receive(request, answer, start)
        except OSError:
            self.close()
        answer.seconds = time.perf_counter() - start
        if answer.status in (200, 206):
            answer.is_same = self.room[self.at:self.at + answer.count] == body[first:end]
        if not answer.is_whole and answer.status in (200, 206) or answer.length is None:
            self.close()
        return answer

    def receive(self, request, answer, start):
        view, got, end, self.at = memoryview(self.room), 0, -1, 0
        self.socket.sendall(request)
        while end < 0:
            got += self.receive_some(view[got:])
            end = self.room.find(b"\r\n\r\n", 0, got)
        self.at = end + 4
        answer.read_head(self.room[:end])
        answer.count = got - self.at
        while answer.count < (answer.length or 0):
            if answer.count and answer.first is None:
                answer.first = time.perf_counter() - start
            answer.count += self.receive_some(view[self.at + answer.count:])
        answer.first = answer.first or time.perf_counter() - start

    def receive_some(self, view):
        count = self.socket.recv_into(view)
        if not count:
            raise ConnectionError("closed")
        return count

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None


class Crowd:
    """Many readers of one blob who ask at the same time, on one thread.

    Nobody is read beyond the first bytes before all have some, or CALM has passed: so the first bytes are seen in time.
    """

    CALM = 0.3

    def __init__(self, server, path, body, count, patience=60):
        self.body, self.patience = body, patience
        self.request = f"GET /{path} HTTP/1.1\r\nHost: {server.address}\r\n\r\n".encode()
        self.poll, self.room = select.epoll(), bytearray(256 * KIB)
        # The body's place in memory: bytes are compared where they are, since copies take longer than reading.
        self.expected = ctypes.cast(ctypes.c_char_p(body), ctypes.c_void_p).value or 0
        self.arrived = ctypes.addressof(ctypes.c_char.from_buffer(self.room))
        self.places = {}
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", server.port), patience)
            connection.setblocking(False)
            self.places[connection.fileno()] = Place(connection)
            self.poll.register(connection, select.EPOLLIN)

    def run(self):
        """All answers, in any order."""
        start = time.perf_counter()
        for number, place in enumerate(self.places.values()):
            place.start = time.perf_counter()
            place.connection.send(self.request)
            if number % 16 == 15:
                self.turn(self.read_first, 0)
        calm = time.perf_counter() + self.CALM
        while time.perf_counter() < calm and any(not place.is_paused for place in self.places.values() if place.connection):
            self.turn(self.read_first, 0.01)
        for place in self.places.values():
            self.look(place)
        while any(place.connection for place in self.places.values()) and time.perf_counter() < start + self.patience:
            self.turn(self.read_on, 0.05)
        for place in self.places.values():
            if place.connection:
                place.connection.close()
        return [place.answer for place in self.places.values()]

    def turn(self, read, seconds):
        for descriptor, _ in self.poll.poll(seconds, 64):
            place = self.places[descriptor]
            try:
                read(place)
            except BlockingIOError:
                pass
            except OSError:
                self.end(place)

    def read_first(self, place):
        early = place.connection.recv(4 * KIB)
        place.latest = time.perf_counter() - place.start
        place.early += early
        if not early:
            return self.end(place)
        head = place.early.find(b"\r\n\r\n")
        if 0 <= head < len(place.early) - 4:
            place.answer.first = place.latest
            place.is_paused = True
            self.poll.unregister(place.connection)

    def look(self, place):
        """Looks at the first bytes of an answer, which were only put aside."""
        if not place.connection:
            return
        head, end, body = place.early.partition(b"\r\n\r\n")
        if end:
            place.answer.read_head(head)
            place.answer.is_same = body == self.body[:len(body)]
            place.answer.count, place.is_known = len(body), True
        if place.is_paused:
            self.poll.register(place.connection, select.EPOLLIN)
        if place.is_known and place.answer.count >= (place.answer.length or 0):
            self.end(place)

    def read_on(self, place):
        if not place.is_known:
            self.read_first(place)
            return self.look(place)
        answer, count = place.answer, place.connection.recv_into(self.room)
        place.latest = time.perf_counter() - place.start
        answer.first = answer.first or place.latest
        if answer.count + count > len(self.body):
            answer.is_same = False
        elif count:
            answer.is_same &= not differing_bytes(self.arrived, self.expected + answer.count, count)
        answer.count += count
        if not count or answer.count >= answer.length:
            self.end(place)

    def end(self, place):
        place.answer.seconds = place.latest
        place.connection.close()
        place.connection = None


class Place:
    def __init__(self, connection):
        self.connection, self.answer = connection, Answer()
        self.early, self.start, self.latest = b"", None, None
        self.is_paused, self.is_known = False, False


def counted(answers):
    return ", ".join(f"{count} {outcome}" for outcome, count in collections.Counter(
        answer.outcome for answer in answers).most_common())


def moment(seconds):
    return "never" if seconds is None else f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def median_first(answers):
    """When half of the readers had their first byte."""
    times = sorted(answer.first if answer.first is not None else float("inf") for answer in answers)
    return times[len(times) // 2] if times[len(times) // 2] < float("inf") else None


def median_end(answers):
    return statistics.median(answer.seconds if answer.seconds is not None else 60 for answer in answers)


# Rows


class Bench:
    def __init__(self, options, work):
        self.options, self.work = options, work
        self.caches = Caches(options.programs)
        self.count, self.latest = 0, (None, None)
        self.missing = [name for name, (_, program, _) in self.caches.all.items() if not program]
        words = options.caches.lower().split(",")
        self.names = [name for name in self.caches.all
                      if name not in self.missing and (name == "edge" or any(word in name.lower() for word in words))]

    def say(self, words):
        if sys.stderr.isatty():
            print(f"\r\033[K{words}", end="", file=sys.stderr, flush=True)

    def new_folder(self):
        """A folder that stays until the end: making files soon after others were deleted takes ext4 much longer."""
        self.count += 1
        folder = self.work / str(self.count)
        folder.mkdir()
        return folder

    def blob(self, origin, size):
        """Puts a blob at the origin: its address and bytes."""
        body = os.urandom(size)
        address = hashlib.sha256(body).hexdigest()
        (origin.folder / address).write_bytes(body)
        return address, body

    @contextlib.contextmanager
    def origin(self, **how):
        with Origin(self.new_folder(), **how) as origin:
            yield origin

    @contextlib.contextmanager
    def cache(self, name, origin, folder=None, **how):
        folder = folder or self.new_folder()
        server = self.caches.all[name][0](folder, origin.address, **how)
        try:
            yield server
        finally:
            if server.process.poll() is None:
                server.stop()

    def table(self, title, *columns):
        """The table of that title, begun anew where rows of another stand between."""
        if self.latest[0] != title:
            self.say("")
            self.latest = title, Table(title, *columns)
        return self.latest[1]

    def row(self, name, cells, must, kept=None):
        """A row of the first table; `cells` by the names of caches."""
        table = self.table("An edge and general caches", "", *self.names)
        self.say("")
        table.row(name, *(cells.get(cache, "–") for cache in self.names), bound=must, kept=kept)

    def each(self, name, measure, must, is_kept, key=None, **how):
        """A row for which each cache gets an origin of its own; `measure` returns a cell and what `is_kept` wants. With
        `key`, a time, the middle one of three runs counts."""
        cells, kept = {}, None
        for cache in self.names:
            runs = []
            for _ in range(3 if key and not self.options.quick else 1):
                self.say(f"{name}: {cache}")
                with self.origin(**how) as origin:
                    runs.append(measure(cache, origin))
            cells[cache], found = sorted(runs, key=lambda run: key(run[1]))[len(runs) // 2] if key else runs[0]
            if cache == "edge":
                kept = is_kept(found)
        self.row(name, cells, must, kept)

    # What general caches do

    def hits(self):
        """Processor time of hits, relative to nginx."""
        load, storage = build_load(self.work), self.new_folder() / "storage"
        make_store(self.caches.satcheld, storage)
        bodies = {size: b"SBLB" + os.urandom(size - 4) for size in SIZES.values()}
        paths = dict(zip(bodies, add_blobs(storage, bodies.values())))
        with contextlib.ExitStack() as stack:
            serve = stack.enter_context(start_satcheld(self.caches.satcheld, storage))
            servers = {"serve": serve} | {
                name: stack.enter_context(self.cache(name, serve)) for name in self.names if name != "nginx, slices"}
            for name, size in SIZES.items():
                self.hit(name, load, servers, paths[size], bodies[size])

    def hit(self, name, load, servers, path, body):
        list_of_paths = self.work / "paths"
        list_of_paths.write_text(f"/{path}\n")

        def run(server):
            self.expect_right(server, path, body)
            before = spent_seconds(server)
            result = run_load(load, "get", server.address, "--paths", list_of_paths, "--connections", 32, "--seconds",
                              self.options.seconds)
            spent = spent_seconds(server) - before
            self.expect_right(server, path, body)
            return spent / max(result["requests"], result["bytes"] / len(body))

        for server in servers.values():
            run(server)
        rounds = []
        for number in range(3 * self.options.rounds):
            self.say(f"hits of {name}: round {number + 1}")
            rounds.append({cache: run(server) for cache, server in in_turns(servers.items(), number)})
        base = "nginx" if "nginx" in servers else "serve"
        ratios = {cache: statistics.median(each[cache] / each[base] for each in rounds) for cache in servers}
        ours = statistics.median(each["edge"] / each["serve"] for each in rounds)
        cells = {cache: f"{ratio:.2f}" for cache, ratio in ratios.items()}
        cells[base] = f"1 ({statistics.median(each[base] for each in rounds) * 1e6:.3g} µs)"
        cells["edge"] += f" ({ours:.2f} × serve)"
        self.row(f"CPU of a hit of {name}, × {base}", cells, f"≤ 1.03 × serve, which is {ratios['serve']:.2f}",
                 ours <= 1.03)

    def expect_right(self, server, path, body):
        reader = Reader(server.address)
        answer = reader.get(path, body)
        reader.close()
        if not answer.is_right:
            sys.exit(f"a hit is {answer.outcome}")

    def crowd(self):
        """50 readers of a blob that nobody has read before, over a slow way."""
        def measure(name, origin):
            address, body = self.blob(origin, 16 * MIB)
            with self.cache(name, origin) as server:
                answers = Crowd(server, address, body, 50).run()
                asked, first = len(origin.asked()), median_first(answers)
            return f"{asked}; {moment(first)}; {counted(answers)}", (asked, first, counted(answers))

        self.each("50 readers, one 16 MiB blob, origin at 2 MiB/s: origin requests; median first byte; answers", measure,
                  "1; ≤ 20 ms; 50 right", lambda found: found[0] == 1 and (found[1] or 60) <= 0.02
                  and found[2] == "50 right", key=lambda found: found[1] or 60, rate=2 * MIB)

    def gone(self):
        """100 readers of a blob that is no more."""
        def measure(name, origin):
            with self.cache(name, origin) as server:
                answers = Crowd(server, GONE, b"", 100).run()
                asked, end = len(origin.asked()), median_end(answers)
            return f"{asked}; {moment(end)}; {counted(answers)}", (asked, end, counted(answers))

        self.each("100 readers of a blob that is gone, origin 100 ms away: origin requests; median; answers", measure,
                  "1; one round trip", lambda found: found[0] == 1 and found[1] < 0.2 and found[2] == "100 410",
                  key=lambda found: found[1], delay=0.1)

    def seek(self):
        """A range near the end of a large blob that nobody has read before."""
        def measure(name, origin):
            address, body = self.blob(origin, 64 * MIB)
            with self.cache(name, origin) as server:
                first = len(body) - 300_000
                answer = Reader(server.address).get(address, body, first, first + 100_000)
                time.sleep(0.5)
                fetched = sum(note[3] for note in origin.asked())
            return f"{moment(answer.first)}; {fetched / MIB:.3g} MiB; {answer.outcome}", (answer, fetched)

        self.each("100 kB near the end of a cold 64 MiB, origin at 32 MiB/s: first byte; fetched; answer", measure,
                  "≤ 10 ms; ≤ 0.25 MiB", lambda found: found[0].is_right and found[0].first <= 0.01
                  and found[1] <= MIB / 4, key=lambda found: found[0].first or 60, rate=32 * MIB)

    def ranges(self):
        """A blob read in pieces, in order."""
        def measure(name, origin):
            address, body = self.blob(origin, 64 * MIB)
            with self.cache(name, origin) as server:
                reader = Reader(server.address)
                answers = [reader.get(address, body, place, place + MIB) for place in range(0, len(body), MIB)]
                asked = origin.asked()
            return f"{len(asked)}; {counted(answers)}", (asked, answers)

        self.each("64 ranges of 1 MiB in order: origin requests; answers", measure, "≤ 2; 64 right",
                  lambda found: len(found[0]) <= 2 and all(answer.is_right for answer in found[1]))

    def reset(self):
        """The origin breaks off once, in the middle."""
        def measure(name, origin):
            address, body = self.blob(origin, 8 * MIB)
            with self.cache(name, origin) as server:
                answers = Crowd(server, address, body, 20).run()
            return counted(answers), answers

        self.each("origin resets once at half of 8 MiB, 20 readers", measure, "20 right",
                  lambda answers: all(answer.is_right for answer in answers), reset=4 * MIB, rate=16 * MIB)

    def flip(self):
        """The origin sends one wrong bit, once."""
        for name, size in {"100 KiB": 100 * KIB, "4 MiB": 4 * MIB}.items():
            def measure(cache, origin):
                address, body = self.blob(origin, size)
                with self.cache(cache, origin) as server:
                    first, later = (Reader(server.address).get(address, body) for _ in range(2))
                return f"{first.outcome}, then {later.outcome}", (first, later)

            self.each(f"one wrong bit in {name} from the origin, once: first answer, second", measure,
                      "not complete or right; then right",
                      lambda found: (found[0].is_right or not found[0].is_whole) and found[1].is_right, flip=size // 2)

    def rot(self):
        """A bit of a file in the cache turns."""
        for name, size in {"512 KiB": 512 * KIB, "4 MiB": 4 * MIB}.items():
            self.each(f"one bit of {name} rots in the cache: next answer", lambda cache, origin: self.rotten(
                cache, origin, size), "right" if size <= MIB else "right after a complaint",
                lambda found: found == "right" or found == "complaint")

    def rotten(self, cache, origin, size):
        address, body = self.blob(origin, size)
        folder = self.new_folder()
        with self.cache(cache, origin, folder) as server:
            for _ in range(2):
                if not Reader(server.address).get(address, body).is_right:
                    sys.exit(f"{cache}: a blob does not come")
            middle = size // 2
            if not eventually(lambda: turn_bit(folder / "cache", body[middle:middle + 64])):
                return "not in a file", None
            outcome = Reader(server.address).get(address, body).outcome
            if cache != "edge" or outcome != "wrong" or size <= MIB:
                return outcome, outcome
            # What the client does that finds a chunk with a wrong tag.
            block = middle // (64 * KIB) * 64 * KIB
            asked = Reader(server.address).get(address, body, block, block + 64 * KIB, "Satchel-Reread: 1\r\n")
            after = Reader(server.address).get(address, body)
            return (f"wrong; {asked.outcome} to a complaint, {after.outcome} after it",
                    "complaint" if asked.is_right and after.is_right else outcome)

    def down(self):
        """The origin goes away, and what it said is old after two seconds."""
        def measure(name, origin):
            address, body = self.blob(origin, 100 * KIB)
            more = {"settings": ["--cache-max-age", "2s"]} if name == "edge" else {}
            ways = {"": more} | ({", with use_stale ": {"more": STALE}} if name == "nginx" else {})
            found = {}
            for way, settings in ways.items():
                folder = self.new_folder()
                with Origin(origin.folder, max_age=2) as short, self.cache(name, short, folder, **settings) as server:
                    found[way] = self.stale_seconds(server, short, address, body)
            return ", ".join(f"{way}{moment(seconds)}" for way, seconds in found.items()).replace(", , ", ", "), found[""]

        self.each("origin down, max-age 2 s, must-revalidate: served for (at most 20 s are waited)", measure,
                  "≤ 2 s", lambda seconds: seconds <= 2.1)

    def stale_seconds(self, server, origin, address, body):
        if not Reader(server.address).get(address, body).is_right:
            sys.exit("a blob does not come")
        start = last = time.monotonic()
        origin.stop()
        while time.monotonic() < start + 20:
            if Reader(server.address, 3).get(address, body).is_right:
                last = time.monotonic()
            elif time.monotonic() > last + 12:
                break
            time.sleep(0.1)
        return last - start

    def full(self):
        """The cache's disk has less room than it was told."""
        if os.geteuid():
            return self.row("cache disk of 64 MiB full (left out: only root can make a small disk)", {}, "all right")

        def measure(name, origin):
            blobs = [self.blob(origin, size) for size in [*[4 * MIB] * 24, 96 * MIB]]
            folder = self.new_folder()
            disk = folder / "cache"
            disk.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], check=True)
            store = 4 * GIB if name == "edge" else 48 * MIB
            try:
                with self.cache(name, origin, folder, store=store) as server:
                    answers = [Reader(server.address, 20).get(*blob) for blob in blobs]
            finally:
                subprocess.run(["umount", str(disk)], check=True)
            return f"{counted(answers[:-1])}; {answers[-1].outcome}", answers

        self.each("cache disk of 64 MiB: 24 blobs of 4 MiB; one of 96 MiB", measure, "all right",
                  lambda answers: all(answer.is_right for answer in answers))

    def kill(self):
        """kill -9 two seconds after the last of 500 blobs was fetched."""
        def measure(name, origin):
            blobs = [self.blob(origin, 4 * KIB) for _ in range(500)]
            folder = self.new_folder()
            server = self.caches.all[name][0](folder, origin.address)
            try:
                reader = Reader(server.address)
                answers = [reader.get(*blob) for blob in blobs]
                time.sleep(2)
            finally:
                kill(server)
            origin.asked()
            with self.cache(name, origin, folder) as server:
                reader = Reader(server.address)
                answers += [reader.get(*blob) for blob in blobs]
                asked = collections.Counter(note[2] for note in origin.asked())
            kept = 500 - asked[200]
            questions = f" ({asked[304]} asked about)" if asked[304] else ""
            return f"{kept}{questions}; {counted(answers)}", (kept, answers)

        self.each("kill -9 two seconds after 500 fetches: kept; answers before and after", measure, "500, verified first",
                  lambda found: found[0] == 500 and all(answer.is_right for answer in found[1]))

    # Figures

    def figure(self, name, ours, theirs, ratio, bound, kept):
        table = self.table("An edge and nginx", "work", "edge", "nginx", "ratio")
        self.say("")
        table.row(name, ours, theirs, ratio, bound=bound, kept=kept)

    def miss(self, name, size, count, time_bound, cpu_bound):
        """Blobs that nobody has read before, one after another: pairs of runs with nginx."""
        if "nginx" not in self.names:
            return
        pairs = []
        with self.origin() as origin, self.cache("edge", origin) as edge, self.cache("nginx", origin) as nginx:
            readers = {name: Reader(place.address) for name, place in
                       {"edge": edge, "nginx": nginx, "origin": origin}.items()}
            for number in range(self.options.rounds + 1):
                self.say(f"miss of {name}: round {number}")
                blobs = [self.blob(origin, size) for _ in range(count)]
                # What earlier runs have written goes to the disk now and not while the next is measured.
                os.sync()
                places = [("edge", edge), ("nginx", nginx), ("origin", None)]
                pairs.append({place: self.missed(readers[place], server, blobs)
                              for place, server in in_turns(places, number)})
        pairs = pairs[1:]
        is_small = size < MIB
        times = {place: [pair[place][0] - (pair["origin"][0] if is_small else 0) for pair in pairs]
                 for place in ("edge", "nginx")}
        self.ratio(f"miss of {name}: {'added time' if is_small else 'time'}", times, time_bound)
        self.ratio(f"miss of {name}: CPU", {place: [pair[place][1] for pair in pairs] for place in times}, cpu_bound)

    def missed(self, reader, server, blobs):
        """Median time and processor time of a blob."""
        before = spent_seconds(server) if server else 0
        answers = [reader.get(*blob) for blob in blobs]
        time.sleep(0.2)
        spent = spent_seconds(server) - before if server else 0
        if not all(answer.is_right for answer in answers):
            sys.exit(f"misses: {counted(answers)}")
        return statistics.median(answer.seconds for answer in answers), spent / len(blobs)

    def ratio(self, name, figures, bound):
        ours, theirs = figures["edge"], figures["nginx"]
        ratio = statistics.median(mine / other for mine, other in zip(ours, theirs))
        self.figure(name, microseconds(ours), microseconds(theirs), f"{ratio:.2f}", f"≤ {bound}", ratio <= bound)

    def misses(self):
        quick = self.options.quick
        self.miss("4 KiB", 4 * KIB, 50 if quick else 300, 1.0, 1.0)
        self.miss("1 MiB", MIB, 5 if quick else 20, 1.05, 1.6)
        self.miss("16 MiB", 16 * MIB, 2 if quick else 4, 1.05, 1.6)

    def thousand(self):
        """1,000 readers of a cold blob over a slow way."""
        runs = []
        for number in range(1 if self.options.quick else 3):
            self.say(f"1,000 readers: {number}")
            with self.origin(rate=2 * MIB) as origin, self.cache("edge", origin) as server:
                address, body = self.blob(origin, 16 * MIB)
                answers = Crowd(server, address, body, 1000, 180).run()
                runs.append((median_first(answers) or 180, len(origin.asked()), counted(answers)))
        first, asked, answers = sorted(runs)[len(runs) // 2]
        self.figure("1,000 readers, one 16 MiB blob, origin at 2 MiB/s: origin requests; median first byte; answers",
                    f"{asked}; {moment(first)}; {answers}", "–", "–", "1 origin request; median first byte ≤ 20 ms; 1000 right",
                    asked == 1 and first <= 0.02 and answers == "1000 right")

    def thousand_gone(self):
        """1,000 readers of a blob that is no more."""
        with self.origin(delay=0.1) as origin, self.cache("edge", origin) as server:
            answers = Crowd(server, GONE, b"", 1000).run()
            asked = len(origin.asked())
        self.figure("1,000 readers of a blob that is gone, origin 100 ms away: origin requests; median; answers",
                    f"{asked}; {moment(median_end(answers))}; {counted(answers)}", "–", "–", "1 origin request",
                    asked == 1 and counted(answers) == "1000 410")

    def start(self):
        """Starts with many blobs in the cache: found on the disk by the first, saved by it for the second."""
        count, folder = 20_000 if self.options.quick else 1_000_000, self.new_folder()
        with self.origin() as origin:
            blob = self.blob(origin, 4 * KIB)
            with self.cache("edge", origin, folder) as server:
                Reader(server.address).get(*blob)
            self.fill(folder / "cache" / "blobs.v1", count - 1)
            for index in ("none", "saved"):
                self.say(f"a start with {count:,} blobs, index: {index}")
                origin.asked()
                begun = time.monotonic()
                with self.cache("edge", origin, folder) as server:
                    answer = Reader(server.address).get(*blob)
                    first = time.monotonic() - begun
                    while self.cached(folder) < count:
                        time.sleep(0.02)
                    whole = time.monotonic() - begun
                    resident = resident_bytes(server)
                is_hit = answer.is_right and not origin.asked()
                self.figure(f"start with {count:,} blobs, index {index}: first hit; all known; resident",
                            f"{moment(first)}; {moment(whole)}; {resident / MIB:.0f} MiB", "–", "–",
                            "0.3 s; 2 s; 120 MiB" if index == "saved" else "0.3 s; 2.3 s; 120 MiB",
                            is_hit and first <= 0.3 and whole <= (2 if index == "saved" else 2.3)
                            and resident <= 120 * MIB)

    def fill(self, folder, count):
        """Puts so many blobs of 8 bytes into a cache that is not running."""
        sunset = time.time() + 86_400
        for number in range(count):
            if number % 10_000 == 0:
                self.say(f"making {count:,} files: {number:,}")
            body = number.to_bytes(8, "little")
            address = hashlib.sha256(body).hexdigest()
            path = folder / address[:2] / address
            path.write_bytes(body)
            os.utime(path, (sunset, sunset))

    def cached(self, folder):
        stats = subprocess.run([self.caches.satcheld, "edge-stats", "--json", "--cache", str(folder / "cache")],
                               capture_output=True, text=True, check=True)
        return json.loads(stats.stdout)["blobs"]


def resident_bytes(server):
    status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * KIB


def in_turns(items, number):
    """The same items, every other time in the opposite order."""
    return list(items)[::-1 if number % 2 else 1]


def microseconds(values):
    value = statistics.median(values)
    return f"{text(value * 1e6)} µs" if value < 0.01 else f"{value * 1000:.3g} ms"


def eventually(condition, seconds=10):
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if condition():
            return True
        time.sleep(0.1)
    return False


def turn_bit(folder, needle):
    """Turns one bit of these bytes in the file below `folder` that has them; whether one has."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or not path.stat().st_size:
            continue
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as content:
            place = content.find(needle)
        if place >= 0:
            descriptor = os.open(path, os.O_WRONLY)
            os.pwrite(descriptor, bytes([needle[0] ^ 1]), place)
            os.close(descriptor)
            return True
    return False


ROWS = {name: getattr(Bench, name.replace("-", "_")) for name in (
    "hits", "crowd", "gone", "seek", "ranges", "reset", "flip", "rot", "down", "full", "kill", "misses", "thousand",
    "thousand-gone", "start")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.format(rows=", ".join(ROWS)),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="row", help="which to measure; all where none is named")
    parser.add_argument("--programs", type=pathlib.Path, default=HERE.parent / ".build/release", metavar="DIR",
                        help="where satcheld is")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="on the disk to be measured")
    parser.add_argument("--quick", action="store_true", help="few and short runs: a first look, not a figure")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each run of hits, three of which are a round")
    parser.add_argument("--caches", default="", metavar="WORD,…", help="peers whose names have one of the words")
    options = parser.parse_args()
    if unknown := set(options.rows) - set(ROWS):
        parser.error(f"no row {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    if options.quick:
        options.rounds = 3
    raise_file_limit()
    load = os.getloadavg()[0]
    with workplace(options.folder) as work:
        bench = Bench(options, work)
        for name in bench.missing:
            print(f"{name} is not installed and left out; on Debian: apt-get install {bench.caches.all[name][2]}")
        for name in options.rows or ROWS:
            ROWS[name](bench)
        bench.say("")
    print(f"\nLoad of the machine: {load:.1f} at the start, {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
