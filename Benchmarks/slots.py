#!/usr/bin/env python3
"""Slots of chat servers beside blobs by address: what reading, writing and looking up one costs the store.

    python3 Benchmarks/slots.py [--satcheld PROGRAM] [--folder FOLDER] [--quick] [--only WORD] [--count]

Reading and writing run in turn on one server, 100 KiB each, and compare its processor time a request; writing its rate
too.
Looking up takes a store of a million slots: HEAD of slots that nobody has asked for before, beside HEAD of such addresses
in a store of a million blobs, and the catalog's two questions by themselves: asked from Python, less what two that look
at nothing cost. --count adds user-space instructions a request, by callgrind, which do not depend on what else the
machine does; it takes a program with Swift's libraries in it (--static-swift-stdlib). --quick uses a tenth of everything.
"""

import argparse
import concurrent.futures
import contextlib
import hashlib
import hmac
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time

from side_by_side import (
    KIB, Table, add_arguments, compare, free_port, make_store, processor_seconds, recount, sealed_bytes, start_satcheld,
    store_path, text, workplace)

SIZE = 100 * KIB
READ_BOUND, WRITE_BOUND, LOOK_BOUND_MICROSECONDS, ROW_BOUND_BYTES = 1.25, 0.9, 25, 120
SECRET = "0123456789abcdef" * 4
LIFETIME = 30 * 86400


def word(path, size):
    """The query with which ejabberd and Prosody give a slot."""
    return "?v=" + hmac.new(SECRET.encode(), f"{path} {size}".encode(), hashlib.sha256).hexdigest()


def slot_name(path):
    return hashlib.sha256(b"satchel-slot\0chat\0" + path.encode()).digest()


class Client:
    """One connection, one request after the other."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(600)
        self.file = self.socket.makefile("rb", buffering=256 * KIB)

    def ask(self, method, target, body=None, expected=200):
        length = "" if body is None else f"Content-Length: {len(body)}\r\n"
        self.socket.sendall(f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}\r\n".encode() + (body or b""))
        status, count = int(self.file.readline().split()[1]), 0
        while (line := self.file.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length:"):
                count = int(line.split(b":")[1])
        if method != "HEAD" and count:
            self.file.read(count)
        if status != expected:
            sys.exit(f"{method} {target.partition('?')[0]}: {status}")

    def close(self):
        self.file.close()
        self.socket.close()


def wait_until_ready(log, process):
    """Whether a server says in the end that it is ready, rather than ending. It listens before that, to see if it can."""
    while process.poll() is None:
        if "ready at" in log.read_text():
            return True
        time.sleep(0.1)
    return False


class Uploads:
    """Bodies that nobody has sent before, as slots or by address."""

    def __init__(self, port, connections):
        self.clients = [Client(port) for _ in range(connections)]
        self.number = time.time_ns()
        self.pool = concurrent.futures.ThreadPoolExecutor(connections)

    def send(self, count, as_slots):
        """Seconds for so many."""
        first, self.number = self.number, self.number + count

        def some(index):
            for number in range(first + index, first + count, len(self.clients)):
                body, path = sealed_bytes(SIZE, number), f"s{number}/photo.jpg"
                target = f"/slots/chat/{path}{word(path, SIZE)}" if as_slots else "/upload"
                self.clients[index].ask("PUT", target, body, 201)

        start = time.monotonic()
        for done in [self.pool.submit(some, index) for index in range(len(self.clients))]:
            done.result()
        return time.monotonic() - start


class Slots:
    def __init__(self, options, work, table):
        self.options, self.work, self.table = options, work, table
        self.secrets = work / "secrets"
        self.secrets.mkdir()
        secret = self.secrets / "chat.secret"
        secret.touch(mode=0o600)
        secret.write_text(SECRET)
        self.part = 10 if options.quick else 1
        self.settings = ["--slot-secrets", str(self.secrets), "--bytes-per-door", "none",
                         "--allow-anonymous-uploads"]

    def run(self):
        for what in (self.read_and_write, self.count, self.look_up):
            if self.options.only in what.__name__ and (what != self.count or self.options.count):
                what()

    # Reading and writing

    def read_and_write(self):
        storage = self.work / "storage"
        make_store(self.options.satcheld, storage)
        with start_satcheld(self.options.satcheld, storage, *self.settings) as server:
            client = Client(server.port)
            slot, address = self.fill_both(client)
            self.reading(server, client, slot, address)
            client.close()
            self.writing(server)
        shutil.rmtree(storage)

    def fill_both(self, client):
        body, path = sealed_bytes(SIZE), "first/photo.jpg"
        client.ask("PUT", "/upload", body, 201)
        client.ask("PUT", f"/slots/chat/{path}{word(path, SIZE)}", body, 201)
        return f"/slots/chat/{path}", "/" + hashlib.sha256(body).hexdigest()

    def reading(self, server, client, slot, address):
        count = 8000 // self.part

        def cost(target):
            before = processor_seconds(server.pid)
            for _ in range(count):
                client.ask("GET", target)
            return {"cost": (processor_seconds(server.pid) - before) / count}

        mine, other, ratio = compare(5, lambda: cost(slot), lambda: cost(address))["cost"]
        self.table.row("GET of 100 KiB, processor time", f"{mine * 1e6:.1f} µs", f"{other * 1e6:.1f} µs",
                       f"{ratio:.2f}", bound=f"≤ {READ_BOUND}", kept=ratio <= READ_BOUND)

    def writing(self, server):
        uploads, count = Uploads(server.port, 8), 600 // self.part

        def cost(as_slots):
            before = processor_seconds(server.pid)
            seconds = uploads.send(count, as_slots)
            return {"rate": count / seconds, "per_core": count / (processor_seconds(server.pid) - before)}

        found = compare(5, lambda: cost(True), lambda: cost(False))
        for figure, name in (("rate", "PUT of 100 KiB, eight at once"), ("per_core", "the same, for a core's second")):
            mine, other, ratio = found[figure]
            self.table.row(name, f"{text(mine)}/s", f"{text(other)}/s", f"{ratio:.2f}", bound=f"≥ {WRITE_BOUND}",
                           kept=ratio >= WRITE_BOUND)

    # Instructions

    def count(self):
        storage = self.work / "storage"
        make_store(self.options.satcheld, storage)
        with start_satcheld(self.options.satcheld, storage, *self.settings) as server:
            client = Client(server.port)
            slot, address = self.fill_both(client)
            client.close()
        for name, least, target, other in (
            ("GET", 1 / READ_BOUND, slot, address), ("PUT", WRITE_BOUND, None, "/upload"),
        ):
            mine, theirs = (self.instructions(storage, name, where) for where in (target, other))
            self.table.row(f"{name} of 100 KiB, instructions", text(mine), text(theirs), f"{mine / theirs:.2f}",
                           bound=f"≤ {1 / least:.2f}", kept=mine / theirs <= 1 / least)

    def instructions(self, storage, method, target):
        """User-space instructions a request: a long run less a short one."""
        runs = [self.counted(storage, method, target, count) for count in (200, 800)]
        return (runs[1] - runs[0]) / 600

    def counted(self, storage, method, target, count):
        program, log = self.work / "stripped", self.work / "callgrind.log"
        # Valgrind does not read Swift's debug information.
        subprocess.run(["strip", "-g", "-o", str(program), self.options.satcheld], check=True)
        # Now and then it crashes itself as the threads of the server start.
        for _ in range(9):
            process, port = self.start_counted(storage, program, log)
            if wait_until_ready(log, process):
                break
        else:
            sys.exit(log.read_text())
        uploads = Uploads(port, 1)
        if method == "PUT":
            uploads.send(count, target is None)
        else:
            for _ in range(count):
                uploads.clients[0].ask(method, target)
        uploads.clients[0].close()
        process.send_signal(signal.SIGTERM)
        process.wait(600)
        return int(re.findall(r"Collected : (\d+)", log.read_text())[-1])

    def start_counted(self, storage, program, log):
        copy, port = self.work / "counted", free_port()
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(storage, copy, ignore=shutil.ignore_patterns("control.sock"))
        with open(log, "w") as output:
            process = subprocess.Popen(
                ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(program), "serve", "--storage",
                 str(copy), "--listen", f"127.0.0.1:{port}", "--scrub-rate", "0",
                 "--address-request-rate", "none", *self.settings], stdout=output, stderr=output)
        return process, port

    # Looking up

    def look_up(self):
        blobs = 1_000_000 // self.part
        asked = 20_000 // self.part
        sizes, costs = [], []
        for are_slots in (True, False):
            storage = self.work / ("slots" if are_slots else "plain")
            make_store(self.options.satcheld, storage)
            targets = self.fill(storage, blobs, asked, are_slots)
            sizes.append((storage / "catalog.sqlite").stat().st_size)
            if are_slots:
                self.questions(storage, blobs, asked)
            with start_satcheld(self.options.satcheld, storage, *self.settings) as server:
                client = Client(server.port)
                client.ask("HEAD", targets[0])
                costs.append([self.cost(server, client, some) for some in (targets[1:], [targets[0]] * asked)])
                client.close()
            shutil.rmtree(storage)
        (cold, hot), (other, other_hot) = costs
        self.table.row("HEAD of what was not asked for before", f"{cold:.1f} µs", f"{other:.1f} µs",
                       f"{cold / other:.2f}")
        self.table.row("the same, again and again", f"{hot:.1f} µs", f"{other_hot:.1f} µs", f"{hot / other_hot:.2f}")
        more = (sizes[0] - sizes[1]) / blobs
        self.table.row("catalog", f"{sizes[0] / blobs:.0f} bytes a slot", f"{sizes[1] / blobs:.0f} bytes a blob",
                       f"{more:+.0f}", bound=f"≤ +{ROW_BOUND_BYTES}", kept=more <= ROW_BOUND_BYTES)

    def cost(self, server, client, targets):
        """Microseconds of the server's processor for each."""
        before = processor_seconds(server.pid)
        for target in targets:
            client.ask("HEAD", target)
        return (processor_seconds(server.pid) - before) / len(targets) * 1e6

    def fill(self, storage, count, asked, are_slots):
        """Blobs with a lease each, of slots or of owners; files of so many. Returns what these are asked for by."""
        now, targets, step = int(time.time()), [], count // asked
        blobs, leases, aliases = [], [], []
        for number in range(1, count + 1):
            address = hashlib.sha256(b"blob %d" % number).digest()
            path = f"s{number}/photo.jpg"
            name = slot_name(path)
            shown = (0, 1, None) if are_slots else (1, 0, now + LIFETIME)
            blobs.append((number, address, 4096, now, *shown))
            leases.append((number, number, name, f"user {number % 5000}", now, now + LIFETIME, LIFETIME,
                           "chat" if are_slots else None))
            if are_slots:
                aliases.append((name, number))
            if number % step == 0:
                targets.append(f"/slots/chat/{path}" if are_slots else f"/{address.hex()}")
                with open(store_path(storage, address.hex()), "wb") as file:
                    file.truncate(4096)
        with contextlib.closing(sqlite3.connect(storage / "catalog.sqlite")) as database:
            database.execute("PRAGMA synchronous = OFF")
            database.executemany("INSERT INTO blob (id, address, size, state, uploaded, leases, aliased, sunset) "
                                 "VALUES (?, ?, ?, 1, ?, ?, ?, ?)", blobs)
            database.executemany("INSERT INTO lease (id, blob, owner, subject, created, expires, limit_seconds, via, "
                                 "hashes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)", leases)
            database.executemany("INSERT INTO alias VALUES (?, ?)", aliases)
            recount(database)
            database.commit()
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return targets

    def questions(self, storage, count, asked):
        """The catalog's two questions about a name, with the tables in memory as where a server runs."""
        names = [slot_name(f"s{number * 7919 % count + 1}/photo.jpg") for number in range(asked)]
        with contextlib.closing(sqlite3.connect(storage / "catalog.sqlite")) as database:
            join = "FROM alias CROSS JOIN lease CROSS JOIN blob WHERE alias.name = ? AND lease.id = alias.lease " \
                   "AND blob.id = lease.blob"

            def ask(names):
                start = time.process_time()
                for name in names:
                    database.execute(f"SELECT blob.address {join}", (name,)).fetchone()
                    if database.execute(f"SELECT blob.*, lease.* {join}", (name,)).fetchone() is None:
                        sys.exit("a name leads nowhere")
                return (time.process_time() - start) / len(names) * 1e6

            def ask_nothing(names):
                start = time.process_time()
                for name in names:
                    for _ in range(2):
                        database.execute("SELECT 1 WHERE length(?) = 32", (name,)).fetchone()
                return (time.process_time() - start) / len(names) * 1e6

            ask(names)
            taken = min(ask(names) for _ in range(5)) - min(ask_nothing(names) for _ in range(5))
        self.table.row(f"both questions, {count:,} slots, without Python", f"{taken:.1f} µs", "", "",
                       bound=f"≤ {LOOK_BOUND_MICROSECONDS} µs", kept=taken <= LOOK_BOUND_MICROSECONDS)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--count", action="store_true", help="instructions too; needs valgrind")
    options = parser.parse_args()
    table = Table("Slots beside blobs by address", "", "slot", "by address", "ratio")
    with workplace(options.folder) as work:
        Slots(options, pathlib.Path(work), table).run()
    table.end()


if __name__ == "__main__":
    main()
