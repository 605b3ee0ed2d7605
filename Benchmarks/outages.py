#!/usr/bin/env python3
"""What the death of a node costs: those who are at the others, and an upload that was half there.

Three nodes run here on PostgreSQL and an object store, with their files in memory. One is killed (-9) while clients upload
and read at all of them; its clients go to the others. Latencies of the others' clients before it are compared with those
from ten seconds after it. Then a node is killed with half of a large upload (tus), which another node finishes.

Usage: Benchmarks/outages.py [--satcheld PATH] [--store ceph|seaweedfs] [--seconds 15] [--only WORD]

Needs PostgreSQL and the object store (scripts/test installs them; SATCHEL_WEED names SeaweedFS's program). Exits with 1 if
a bound is missed.
"""

import argparse
import hashlib
import os
import pathlib
import signal
import socket
import statistics
import sys
import threading
import time

from shared import Bodies, Contest, engine, exchange, plain
from side_by_side import KIB, MIB, Table, add_arguments, text, workplace

CLIENTS_OF_A_NODE = 4
# A client asks so often, so that the machine is not busy: who waits, waits for the nodes.
PAUSE_SECONDS = 0.02
RECOVERY_SECONDS = 10
# In which a node takes what is on its way to it.
SETTLING_SECONDS = 3
P99_BOUND, REPEATED_BOUND = 2.0, 8 * MIB
PIECE = MIB


class Client:
    """Uploads a small blob and reads it, over and over; goes to the next node where its own is gone."""

    def __init__(self, addresses, place, step, end):
        self.addresses, self.place, self.step, self.end = addresses, place, step, end
        self.home = place
        # When each request was sent, and how long it took.
        self.latencies = []
        self.lost = 0
        self.unexpected = None

    def run(self):
        bodies, buffer = Bodies(4 * KIB), memoryview(bytearray(1 << 16))
        while time.monotonic() < self.end and self.unexpected is None:
            try:
                with socket.create_connection(self.addresses[self.place], timeout=60) as connection:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.use(connection, bodies, buffer)
            except (ConnectionError, TimeoutError):
                self.lost += 1
                self.place = (self.place + self.step) % len(self.addresses)

    def use(self, connection, bodies, buffer):
        while time.monotonic() < self.end:
            body = bodies.make()
            name = hashlib.sha256(body).hexdigest()
            for request, expected in ((plain("PUT", "/upload", body), 201), (plain("GET", f"/{name}"), 200)):
                begin = time.monotonic()
                status, _ = exchange(connection, request, buffer)
                if status != expected:
                    self.unexpected = status
                    return
                self.latencies.append((begin, time.monotonic() - begin))
            time.sleep(PAUSE_SECONDS)


def p99(latencies):
    return statistics.quantiles(latencies, n=100)[98]


class Outages(Contest):
    def dying(self):
        seconds = self.options.seconds
        with self.nodes(3) as servers:
            addresses = [address for _, address in servers]
            begin = time.monotonic()
            death, end = begin + seconds, begin + 2 * seconds + RECOVERY_SECONDS
            clients = [Client(addresses, place, 1 + number % 2, end) for place in range(3)
                       for number in range(CLIENTS_OF_A_NODE)]
            threads = [threading.Thread(target=client.run) for client in clients]
            for thread in threads:
                thread.start()
            time.sleep(max(0, death - time.monotonic()))
            os.kill(servers[0][0], signal.SIGKILL)
            death = time.monotonic()
            for thread in threads:
                thread.join()
        others = [latency for client in clients if client.home != 0 for latency in client.latencies]
        unexpected = {client.unexpected for client in clients} - {None}
        if unexpected:
            sys.exit(f"unexpected statuses: {sorted(unexpected)}")
        if any(client.lost for client in clients if client.home != 0):
            sys.exit("a node that lived lost a connection")

        before = p99([took for sent, took in others if begin + 1 <= sent and sent + took < death])
        after = p99([took for sent, took in others if sent >= death + RECOVERY_SECONDS])
        worst = max(took for sent, took in others if sent < death + RECOVERY_SECONDS and sent + took >= death)
        self.table.row("others' p99 from 10 s after a node's death", f"{text(after * 1e3)} ms", "before",
                       f"{text(before * 1e3)} ms", f"{after / before:.2f}", bound=f"≤ {P99_BOUND}",
                       kept=after <= before * P99_BOUND)
        self.table.row("others' longest wait in those 10 s", f"{text(worst * 1e3)} ms", "", "", "", bound="")

    def changing(self):
        size = (256 if self.options.quick else 2048) * MIB
        resting = self.sent_again(size, rest=SETTLING_SECONDS)
        self.table.row(f"sent again of {size // MIB} MiB whose node died when half was there", f"{resting / MIB:.2f} MiB",
                       "", "", "", bound=f"≤ {REPEATED_BOUND // MIB} MiB", kept=resting <= REPEATED_BOUND)
        flowing = self.sent_again(size, rest=0)
        self.table.row("the same while bytes came, with what was on its way", f"{flowing / MIB:.2f} MiB", "", "", "")

    def sent_again(self, size, rest):
        """Bytes that were sent and are asked for again by the node that goes on."""
        with self.nodes(2) as [(pid, first), (_, second)]:
            upload = Upload(size)
            upload.create(first)

            def die():
                time.sleep(rest)
                os.kill(pid, signal.SIGKILL)

            # Not at the end of an object.
            upload.append(first, size // 2 + 5 * MIB, before_the_end=die)
            offset = upload.offset(second)
            repeated = upload.sent - offset
            upload.append(second, size - offset)
            upload.check(second)
        return repeated


class Upload:
    """One upload by tus; the bytes at each place follow from the place."""

    def __init__(self, size):
        self.size, self.sent, self.path = size, 0, None
        self.pattern = os.urandom(PIECE + 256)

    def bytes(self, offset, count):
        # Pieces that begin at different places of the pattern, so that none is like its neighbours.
        data = bytearray()
        while count > 0:
            piece, within = divmod(offset, PIECE)
            take = min(count, PIECE - within)
            start = piece % 256 + within
            data += self.pattern[start:start + take]
            offset, count = offset + take, count - take
        return bytes(data)

    def head(self, method, target, fields):
        lines = [f"{method} {target} HTTP/1.1", "host: 127.0.0.1", "tus-resumable: 1.0.0", *fields]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def ask(self, address, request):
        with socket.create_connection(address, timeout=600) as connection:
            connection.sendall(request)
            return answer(connection)

    def create(self, address):
        status, fields = self.ask(address, self.head("POST", "/uploads", [f"upload-length: {self.size}", "content-length: 0"]))
        if status != 201:
            sys.exit(f"creating an upload: {status}")
        location = fields["location"]
        self.path = location if location.startswith("/") else "/" + location.split("/", 3)[3]

    def offset(self, address):
        """Where another node goes on; asked until it has taken the upload over."""
        while True:
            status, fields = self.ask(address, self.head("HEAD", self.path, []))
            if status == 200:
                return int(fields["upload-offset"])
            if status not in (409, 423, 503):
                sys.exit(f"asking for an upload: {status}")
            time.sleep(0.2)

    def append(self, address, count, before_the_end=None):
        start = self.size - count if before_the_end is None else 0
        fields = ["content-type: application/offset+octet-stream", f"upload-offset: {start}",
                  f"content-length: {self.size - start}"]
        with socket.create_connection(address, timeout=600) as connection:
            connection.sendall(self.head("PATCH", self.path, fields))
            sent = start
            while sent < start + count:
                data = self.bytes(sent, min(PIECE, start + count - sent))
                connection.sendall(data)
                sent += len(data)
            self.sent = sent
            if before_the_end:
                before_the_end()
                return
            status, _, body = read_head(connection)
            if status not in (200, 201, 204, 503):
                sys.exit(f"appending: {status}")
        if status == 503:
            print(f"appending: {body.decode(errors='replace')}; it goes on", file=sys.stderr)
            time.sleep(1)
            self.append(address, self.size - self.offset(address))

    def check(self, address):
        """The blob is there, with all its bytes."""
        digest = hashlib.sha256()
        for offset in range(0, self.size, PIECE):
            digest.update(self.bytes(offset, min(PIECE, self.size - offset)))
        with socket.create_connection(address, timeout=600) as connection:
            connection.sendall(plain("GET", f"/{digest.hexdigest()}"))
            status, fields, rest = read_head(connection)
            if status != 200 or int(fields["content-length"]) != self.size:
                sys.exit(f"reading the whole: {status}")
            found, left = hashlib.sha256(rest), self.size - len(rest)
            buffer = memoryview(bytearray(PIECE))
            while left > 0:
                count = connection.recv_into(buffer, min(left, PIECE))
                if not count:
                    sys.exit("reading the whole: it broke off")
                found.update(buffer[:count])
                left -= count
        if found.digest() != digest.digest():
            sys.exit("the upload has other bytes")


def read_head(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(1 << 16)
        if not piece:
            raise ConnectionError("closed")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return int(lines[0].split()[1]), fields, rest


def answer(connection):
    return read_head(connection)[:2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--store", choices=["ceph", "seaweedfs"], default="ceph")
    parser.add_argument("--seconds", type=float, default=15)
    options = parser.parse_args()
    if options.quick:
        options.seconds = 5
    with workplace(options.folder) as work, engine(options.store) as store, engine("postgres") as database:
        table = Table(f"Nodes on {options.store} and PostgreSQL that die", "what", "figure", "beside", "its figure", "ratio")
        outages = Outages(options, pathlib.Path(work), table, store, database)
        for name in ("dying", "changing"):
            if outages.wants(name):
                getattr(outages, name)()
    table.end()


if __name__ == "__main__":
    main()
