#!/usr/bin/env python3
"""Moves a store from a disk to an object store and PostgreSQL and back, each time while it is served, and looks at every
blob afterwards: those that were acknowledged are there with their bytes, those that were revoked are gone.

Usage: Benchmarks/moving.py [--satcheld PATH] [--store ceph|seaweedfs] [--blobs 10000]

Needs PostgreSQL and the object store, as shared.py. Exits with 1 if a blob is not as it should be.
"""

import argparse
import base64
import hashlib
import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time

from shared import Bodies, address_of, engine, plain
from side_by_side import KIB, Table, add_arguments, text, workplace

SIZE = 16 * KIB
CONNECTIONS = 8


class Link:
    """A connection that reads whole answers."""

    def __init__(self, address):
        self.socket = socket.create_connection(address)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def ask(self, request):
        """The status and the body."""
        self.socket.sendall(request)
        status, length = int(self.file.readline().split()[1]), 0
        while (line := self.file.readline().strip().lower()):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return status, self.file.read(length) if status != 204 else b""


class Ledger:
    """What was acknowledged: which blobs are held, by which secret they are revoked, and which are gone."""

    def __init__(self):
        self.lock, self.held, self.gone = threading.Lock(), {}, set()

    def upload(self, link, body):
        secret = os.urandom(16)
        owner = base64.urlsafe_b64encode(hashlib.sha256(secret).digest()).rstrip(b"=")
        status, _ = link.ask(plain("PUT", "/upload", body).replace(b"host:", b"Satchel-Owner: " + owner + b"\r\nhost:", 1))
        if status != 201:
            sys.exit(f"an upload: {status}")
        with self.lock:
            self.held[hashlib.sha256(body).hexdigest()] = base64.urlsafe_b64encode(secret).rstrip(b"=")

    def revoke(self, link):
        with self.lock:
            name, secret = self.held.popitem()
        request = plain("DELETE", f"/{name}").replace(b"host:", b"Satchel-Secret: " + secret + b"\r\nhost:", 1)
        status, _ = link.ask(request)
        if status != 204:
            sys.exit(f"a revoke: {status}")
        with self.lock:
            self.gone.add(name)

    def fill(self, address, count):
        """Uploads so many blobs from several connections."""
        bodies, numbers = Bodies(SIZE), iter(range(count))

        def work():
            with Link(address) as link:
                while True:
                    with self.lock:
                        if next(numbers, None) is None:
                            return
                        body = bodies.make()
                    self.upload(link, body)

        in_parallel(work)

    def wrong(self, address):
        """How many blobs are not as they should be."""
        wanted, wrong = iter([*((name, 200) for name in self.held), *((name, 410) for name in self.gone)]), []

        def work():
            with Link(address) as link:
                while True:
                    with self.lock:
                        name, status = next(wanted, (None, None))
                    if name is None:
                        return
                    found, body = link.ask(plain("GET", f"/{name}"))
                    if found != status or found == 200 and hashlib.sha256(body).hexdigest() != name:
                        wrong.append(name)

        in_parallel(work)
        return len(wrong)


def in_parallel(work):
    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Serving:
    """A server by its settings file."""

    def __init__(self, options, path):
        self.process = subprocess.Popen([options.satcheld, "serve", "--config", str(path)], stdout=subprocess.PIPE, text=True)
        self.address = address_of(self.process.stdout.readline().split("ready at ")[1].split()[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class Living:
    """Somebody who uploads and revokes all the while."""

    def __init__(self, ledger, address):
        self.ledger, self.address, self.is_over = ledger, address, threading.Event()
        self.changes = 0

    def __enter__(self):
        self.thread = threading.Thread(target=self.live)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()

    def live(self):
        bodies = Bodies(SIZE)
        with Link(self.address) as link:
            for number in itertools.count():
                if self.is_over.is_set():
                    return
                self.ledger.upload(link, bodies.make())
                if number % 3 == 0:
                    self.ledger.revoke(link)
                self.changes += 1
                # At full speed it would take the copy's share of a small machine, and no round would find both the same.
                self.is_over.wait(0.05)


def copy(options, source, sink, *flags):
    """Copies; gives the reports of its rounds and the seconds that it took."""
    begin = time.monotonic()
    done = subprocess.run([options.satcheld, "copy", "--from", str(source), "--to", str(sink), "--json", *flags],
                          stdout=subprocess.PIPE, text=True)
    # 1 says that the source goes on changing.
    if done.returncode not in ([0] if flags else [0, 1]):
        sys.exit(f"copy: status {done.returncode}")
    return [json.loads(line) for line in done.stdout.splitlines()], time.monotonic() - begin


def move(options, table, ledger, name, source, sink):
    with Serving(options, source) as server:
        with Living(ledger, server.address) as life:
            rounds, seconds = copy(options, source, sink)
        first = rounds[0]
        table.row(f"{name}, while it is served", f"{first['blobs']} blobs, {len(rounds)} rounds", f"{seconds:.1f} s",
                  f"{text(first['blobs'] / seconds)} blobs a second", f"{life.changes} uploads meanwhile")
    rounds, seconds = copy(options, source, sink, "--last")
    table.row(f"{name}, the last round", f"{rounds[0]['blobsChanged']} blobs changed", f"{seconds:.1f} s", "", "served by nobody")
    with Serving(options, sink) as server:
        wrong = ledger.wrong(server.address)
    table.row(f"{name}, every blob looked at", f"{len(ledger.held)} held, {len(ledger.gone)} gone", "", f"{wrong} wrong", "",
              bound="0", kept=wrong == 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--store", choices=["ceph", "seaweedfs"], default="ceph")
    parser.add_argument("--blobs", type=int, default=10_000)
    options = parser.parse_args()
    if options.quick:
        options.blobs = 500
    with workplace(options.folder) as work, engine(options.store) as (store, _), engine("postgres") as (database, _):
        os.environ |= {"AWS_ACCESS_KEY_ID": store["accessKey"], "AWS_SECRET_ACCESS_KEY": store["secretKey"]}
        common = {
            "listen": "127.0.0.1:0", "keep-free": 0, "accept": "any", "allow-anonymous-uploads": True, "log-level": "error",
            "bytes-per-subject": "none", "leases-per-subject": 100_000_000, "leases-per-subject-and-day": 100_000_000,
            "address-request-rate": "none", "subject-request-rate": "none",
        }
        node = {
            "database": database["connection"], "cache": str(work / "cache"),
            "objects": f"{store['endpoint']}/moving?bucket={store['bucket']}&region={store['region']}",
        }
        places = {}
        for name, settings in (("disk", {"storage": str(work / "disk")}), ("node", node), ("back", {"storage": str(work / "back")})):
            places[name] = work / f"{name}.json"
            places[name].write_text(json.dumps(common | settings))
        table = Table(f"Moving {options.blobs} blobs of 16 KiB to {options.store} and PostgreSQL and back", "step", "work", "time",
                      "rate", "beside it")
        ledger = Ledger()
        with Serving(options, places["disk"]) as server:
            ledger.fill(server.address, options.blobs)
        move(options, table, ledger, "from the disk", places["disk"], places["node"])
        move(options, table, ledger, "back to a disk", places["node"], places["back"])
    table.end()


if __name__ == "__main__":
    main()
