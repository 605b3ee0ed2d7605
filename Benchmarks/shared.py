#!/usr/bin/env python3
"""Compares a node of a shared store with the object store behind it, and with a store on a disk.

Both engines run here, with their files in memory: Ceph or SeaweedFS, and PostgreSQL. The raw store is asked with signed
requests of our own making, from as many connections as the node. Runs alternate; a ratio is the median of neighbouring
runs. Processor time is that of the named processes, from /proc; the database's is that of all its processes.

Usage: Benchmarks/shared.py [--satcheld PATH] [--store ceph|seaweedfs] [--rounds 5] [--seconds 3] [--only WORD]

Needs PostgreSQL and the object store (scripts/test installs them; SATCHEL_WEED names SeaweedFS's program). Exits with 1 if
a bound is missed.
"""

import argparse
import base64
import contextlib
import datetime
import hashlib
import hmac
import json
import math
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import threading
import time

from side_by_side import (HERE, KIB, Table, add_arguments, compare, processor_seconds, run_wrk, start_satcheld, text,
                          workplace)

CONNECTIONS = 16
SIZE = 100 * KIB
ENGINES = HERE.parent / "Tests" / "TestEngines" / "engines.py"
PUT_BOUND, GET_BOUND, READY_BOUND, PROCESSOR_BOUND = 0.8, 0.8, 0.95, 1.3
# An end waits 1.1 s; its request and the commit take time too.
END_SECONDS = 1.3
# With this many clients. A batch asks for rows, then writes and commits.
MANY_CONNECTIONS = 64
ROUND_TRIPS_OF_A_BATCH = 2
DATABASE_MICROSECONDS, DATABASE_ROUND_TRIPS, NODE_SPREAD, DATABASE_SPREAD = 80, 0.1, 0.1, 0.2


@contextlib.contextmanager
def engine(kind):
    """What an engine says of itself, with its process; it ends with its input."""
    settings = [f"program={os.environ['SATCHEL_WEED']}"] if kind == "seaweedfs" and "SATCHEL_WEED" in os.environ else []
    process = subprocess.Popen([sys.executable, "-B", str(ENGINES), kind, *settings], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    facts = json.loads(process.stdout.readline())
    if "failure" in facts:
        sys.exit(f"{kind}: {facts['failure']}")
    try:
        yield facts, process
    finally:
        process.stdin.close()
        process.wait()


# Requests


class Signer:
    """Signs requests to an S3-compatible store (AWS Signature Version 4), the hash of the body included."""

    def __init__(self, facts):
        self.facts = facts
        self.host = facts["endpoint"].removeprefix("http://")

    def request(self, method, name, body=b"", digest=None):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        day, region = now[:8], self.facts["region"]
        path = f"/{self.facts['bucket']}/{name}"
        content = digest or hashlib.sha256(body).hexdigest()
        fields = {"host": self.host, "x-amz-content-sha256": content, "x-amz-date": now}
        names = ";".join(fields)
        canonical = "\n".join([method, path, "", *(f"{key}:{value}" for key, value in fields.items()), "", names, content])
        scope = f"{day}/{region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + self.facts["secretKey"]).encode()
        for part in (day, region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        head = [f"{method} {path} HTTP/1.1", *(f"{key}: {value}" for key, value in fields.items()),
                f"content-length: {len(body)}",
                f"authorization: AWS4-HMAC-SHA256 Credential={self.facts['accessKey']}/{scope},SignedHeaders={names},"
                f"Signature={signature}"]
        return ("\r\n".join(head) + "\r\n\r\n").encode() + body


def plain(method, target, body=b""):
    head = [f"{method} {target} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}"]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


def exchange(connection, request, buffer):
    """Sends a request and reads its response; gives the status and the body's length."""
    connection.sendall(request)
    data = b""
    while b"\r\n\r\n" not in data:
        count = connection.recv_into(buffer)
        if not count:
            raise ConnectionError("closed")
        data += buffer[:count]
    head, _, rest = data.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    status = int(lines[0].split()[1])
    length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
    left = length - len(rest)
    while left > 0:
        count = connection.recv_into(buffer, min(left, len(buffer)))
        if not count:
            raise ConnectionError("closed")
        left -= count
    return status, length


def drive(addresses, make, seconds, expected, connections=CONNECTIONS):
    """Sends what `make(number)` gives from many connections, spread over addresses; gives requests a second."""
    numbers, lock = iter(range(1 << 40)), threading.Lock()
    counts, wrong = [0] * connections, []
    end = time.monotonic() + seconds

    def work(place):
        buffer = memoryview(bytearray(1 << 18))
        host, port = addresses[place % len(addresses)]
        with socket.create_connection((host, port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while time.monotonic() < end:
                with lock:
                    number = next(numbers)
                status, _ = exchange(connection, make(number), buffer)
                if status not in expected:
                    wrong.append(status)
                    return
                counts[place] += 1

    threads = [threading.Thread(target=work, args=(place,)) for place in range(connections)]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        sys.exit(f"unexpected statuses: {sorted(set(wrong))}")
    return sum(counts), time.monotonic() - begin


def address_of(url):
    host, port = url.removeprefix("http://").split(":")
    return host, int(port)


class Bodies:
    """Bodies that all differ, and are quickly made."""

    def __init__(self, size):
        self.rest = os.urandom(size - 16)
        self.next = int.from_bytes(os.urandom(8)) << 64

    def make(self):
        self.next += 1
        return self.next.to_bytes(16) + self.rest


# The contest


class Contest:
    def __init__(self, options, work, table, store, database):
        self.options, self.work, self.table = options, work, table
        (self.store, _), (self.database, _) = store, database
        self.signer = Signer(self.store)
        self.raw = address_of(self.store["endpoint"])
        self.schema = 0

    def wants(self, name):
        return self.options.only in name

    @contextlib.contextmanager
    def nodes(self, count):
        """Nodes of a new store."""
        self.schema += 1
        target = f"{self.store['endpoint']}/s{self.schema}?bucket={self.store['bucket']}&region={self.store['region']}"
        environment = os.environ | {"AWS_ACCESS_KEY_ID": self.store["accessKey"],
                                    "AWS_SECRET_ACCESS_KEY": self.store["secretKey"]}
        started, servers = [], []
        try:
            for number in range(count):
                process = subprocess.Popen(
                    [str(self.options.satcheld), "serve", "--listen", "127.0.0.1:0", "--database",
                     self.database["connection"], "--database-schema", f"bench{self.schema}", "--objects", target,
                     "--cache", str(self.work / f"cache{self.schema}.{number}"), "--keep-free", "0", "--accept", "any",
                     "--allow-anonymous-uploads", "--node-name", f"node{number}", "--bytes-per-subject", "none",
                     "--leases-per-subject", "100000000", "--leases-per-subject-and-day", "100000000",
                     "--address-request-rate", "none", "--subject-request-rate", "none", "--log-level", "error"],
                    stdout=subprocess.PIPE, text=True, env=environment)
                started.append(process)
                ready = process.stdout.readline()
                servers.append((process.pid, address_of(ready.split("ready at ")[1].split()[0])))
            yield servers
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait()

    def put(self, addresses, seconds, connections=CONNECTIONS):
        bodies, lock = Bodies(SIZE), threading.Lock()

        def make(_):
            with lock:
                body = bodies.make()
            return plain("PUT", "/upload", body)

        return drive(addresses, make, seconds, {201}, connections)

    def put_raw(self, seconds):
        bodies, lock, mark = Bodies(SIZE), threading.Lock(), os.urandom(6).hex()

        def make(number):
            with lock:
                body = bodies.make()
            return self.signer.request("PUT", f"raw/{mark}/{number}", body)

        return drive([self.raw], make, seconds, {200})

    def fill(self, address, count):
        """Uploads blobs; gives their addresses."""
        bodies, names = Bodies(SIZE), []
        buffer = memoryview(bytearray(1 << 18))
        with socket.create_connection(address) as connection:
            for _ in range(count):
                body = bodies.make()
                if exchange(connection, plain("PUT", "/upload", body), buffer)[0] != 201:
                    sys.exit("an upload failed")
                names.append(hashlib.sha256(body).hexdigest())
        return names

    def row(self, name, figures, theirs, bound, unit="a second"):
        ours, others, ratio = figures
        self.table.row(name, f"{text(ours)} {unit}", theirs, f"{text(others)} {unit}", f"{ratio:.2f}", bound=f"≥ {bound}",
                       kept=ratio >= bound)

    def writing(self):
        seconds = self.options.seconds
        with self.nodes(1) as [(pid, address)]:
            def ours():
                before = processor_seconds(pid)
                count, time_taken = self.put([address], seconds)
                return {"speed": count / time_taken, "processor": (processor_seconds(pid) - before) / count * 1e6}

            def theirs():
                count, time_taken = self.put_raw(seconds)
                return {"speed": count / time_taken}

            runs = [(ours(), theirs()) for _ in range(self.options.rounds)]
        self.row("PUT 100 KiB", self.medians(runs, "speed"), "raw signed PUT", PUT_BOUND)
        ours = statistics.median(run[0]["processor"] for run in runs)
        with start_satcheld(self.options.satcheld, self.work / "disk", "--accept", "any") as server:
            disk = []
            for _ in range(self.options.rounds):
                before = processor_seconds(server.pid)
                count, _ = self.put([("127.0.0.1", server.port)], seconds)
                disk.append((processor_seconds(server.pid) - before) / count * 1e6)
        theirs = statistics.median(disk)
        self.table.row("processor for a PUT of 100 KiB", f"{ours:.0f} µs", "the disk store", f"{theirs:.0f} µs",
                       f"{ours / theirs:.2f}", bound=f"≤ {PROCESSOR_BOUND}", kept=ours / theirs <= PROCESSOR_BOUND)

    @staticmethod
    def medians(runs, key):
        return (statistics.median(run[0][key] for run in runs), statistics.median(run[1][key] for run in runs),
                statistics.median(run[0][key] / run[1][key] for run in runs))

    def reading(self):
        count = 150 * self.options.rounds
        with self.nodes(2) as [(_, first), (_, second)]:
            names = self.fill(first, count)
            bodies = Bodies(SIZE)
            buffer = memoryview(bytearray(1 << 18))
            with socket.create_connection(self.raw) as connection:
                for number in range(count):
                    exchange(connection, self.signer.request("PUT", f"read/{number}", bodies.make()), buffer)
            runs = []
            for place in range(self.options.rounds):
                part = names[place * 150:(place + 1) * 150]
                runs.append(({"speed": self.once(second, [plain("GET", f"/{name}") for name in part])},
                             {"speed": self.once(self.raw, [self.signer.request("GET", f"read/{place * 150 + index}")
                                                            for index in range(150)])}))
            self.row("GET 100 KiB, not cached", self.medians(runs, "speed"), "raw signed GET", GET_BOUND)
            with start_satcheld(self.options.satcheld, self.work / "disk-reads", "--accept", "any") as server:
                disk = ("127.0.0.1", server.port)
                [theirs] = self.fill(disk, 1)
                figures = compare(self.options.rounds, lambda: self.ready(second, names[0]), lambda: self.ready(disk, theirs))
            self.row("GET 100 KiB, ready", figures["speed"], "the disk store", READY_BOUND)

    def ready(self, address, name):
        """Reads one blob over and over; gives requests a second."""
        host, port = address
        result = run_wrk(f"http://{host}:{port}/{name}", math.ceil(self.options.seconds), CONNECTIONS)
        return {"speed": result["requests"] / result["seconds"]}

    def once(self, address, requests):
        """Each of the requests once, from several connections; gives requests a second."""
        rest, lock = iter(requests), threading.Lock()

        def work():
            buffer = memoryview(bytearray(1 << 18))
            with socket.create_connection(address) as connection:
                while True:
                    with lock:
                        request = next(rest, None)
                    if request is None:
                        return
                    status, length = exchange(connection, request, buffer)
                    if (status, length) != (200, SIZE):
                        sys.exit(f"status {status}, {length} bytes")

        begin = time.monotonic()
        threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(requests) / (time.monotonic() - begin)

    def growing(self):
        """Processor time of an upload at one, two and three nodes: of nodes, and of the database."""
        postmaster = int((pathlib.Path(self.database["folder"]) / "data" / "postmaster.pid").read_text().split()[0])
        figures, batches = [], []
        for count in (1, 2, 3):
            with self.nodes(count) as servers:
                addresses = [address for _, address in servers]
                self.put(addresses, 1, MANY_CONNECTIONS)
                before = [processor_seconds(pid) for pid, _ in servers], processor_seconds(postmaster)
                committed = self.committed()
                uploads, _ = self.put(addresses, self.options.seconds * 2, MANY_CONNECTIONS)
                nodes = sum(processor_seconds(pid) - start for (pid, _), start in zip(servers, before[0]))
                figures.append((nodes / uploads * 1e6, (processor_seconds(postmaster) - before[1]) / uploads * 1e6))
                batches.append((self.committed() - committed) / uploads)
        for place, (name, limit) in enumerate((("nodes", NODE_SPREAD), ("database", DATABASE_SPREAD))):
            values = [figure[place] for figure in figures]
            spread = max(values) / values[0] - 1
            self.table.row(f"processor of {name} for a PUT, 1 to 3 nodes", ", ".join(f"{value:.0f}" for value in values) + " µs",
                           "one node", "", f"{1 + spread:.2f}", bound=f"≤ {1 + limit:.1f}", kept=spread <= limit)
        database = figures[0][1]
        self.table.row("processor of the database for a PUT", f"{database:.0f} µs", "", "", "",
                       bound=f"≤ {DATABASE_MICROSECONDS} µs", kept=database <= DATABASE_MICROSECONDS)
        trips = batches[0] * ROUND_TRIPS_OF_A_BATCH
        self.table.row("round trips to the database for a PUT, by what it committed", f"{trips:.2f}", "", "", "", bound=f"≤ {DATABASE_ROUND_TRIPS}",
                       kept=trips <= DATABASE_ROUND_TRIPS)

    def committed(self):
        """Transactions that the database has committed, as far as its sessions have told."""
        command = ["psql", self.database["connection"], "-Atc", "SELECT sum(xact_commit) FROM pg_stat_database"]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def ends(self):
        """How long a revoke takes with three nodes, and what the others answer right behind it."""
        times = []
        with self.nodes(3) as servers:
            addresses = [address for _, address in servers]
            for number in range(self.options.rounds):
                secret = os.urandom(16)
                owner = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
                body = Bodies(SIZE).make()
                request = plain("PUT", "/upload", body).replace(
                    b"host:", b"Satchel-Owner: " + base64.urlsafe_b64encode(hashlib.sha256(secret).digest()).rstrip(b"=")
                    + b"\r\nhost:", 1)
                times.append(self.one_end(addresses, request, hashlib.sha256(body).hexdigest(), owner))
        longest = max(times)
        self.table.row("an end, heard everywhere when it is acknowledged", f"{longest:.2f} s at most", "", "", "",
                       bound=f"≤ {END_SECONDS} s", kept=longest <= END_SECONDS)

    def one_end(self, addresses, request, name, owner):
        buffer = memoryview(bytearray(1 << 18))
        links = [socket.create_connection(address) for address in addresses]
        try:
            status, _ = exchange(links[0], request, buffer)
            if status != 201:
                sys.exit(f"an upload: {status}")
            for link in links:
                if exchange(link, plain("GET", f"/{name}"), buffer)[0] != 200:
                    sys.exit("a node does not have the blob")
            begin = time.monotonic()
            revoke = plain("DELETE", f"/{name}").replace(b"host:", f"Satchel-Secret: {owner}\r\nhost:".encode(), 1)
            status, _ = exchange(links[0], revoke, buffer)
            taken = time.monotonic() - begin
            if status != 204:
                sys.exit(f"a revoke: {status}")
            for link in links:
                if exchange(link, plain("GET", f"/{name}"), buffer)[0] != 410:
                    sys.exit("a node serves what has ended")
            return taken
        finally:
            for link in links:
                link.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--store", choices=["ceph", "seaweedfs"], default="ceph")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 2, 1.5
    with workplace(options.folder) as work, engine(options.store) as store, engine("postgres") as database:
        table = Table(f"A node on {options.store} and PostgreSQL", "work", "figure", "beside", "its figure", "ratio")
        contest = Contest(options, pathlib.Path(work), table, store, database)
        for name in ("writing", "reading", "growing", "ends"):
            if contest.wants(name):
                getattr(contest, name)()
    table.end()


if __name__ == "__main__":
    main()
