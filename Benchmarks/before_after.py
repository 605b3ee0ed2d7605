#!/usr/bin/env python3
"""Compares two builds of Satchel, such as before and after a change, on every path that must not become slower.

Runs of the old and the new programs alternate, and so does which of them comes first. A ratio is new to old: the median
of the ratios of neighbouring runs. Processor time is user and system time of the process in question: the server's for
reading and writing, the command's own for sweeping, sealing and sending.

Usage: Benchmarks/before_after.py --old DIR --new DIR [--pairs 9] [--rows WORD,WORD] [--seconds 2] [--folder DIR]

Each DIR holds `satchel` and `satcheld`. Rows whose name contains one of the words are run; without --rows all are.
Needs cc, wrk and openssl, and some GiB in --folder. Exits with 1 if a bound is missed.
"""

import argparse
import concurrent.futures
import contextlib
import http.client
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from side_by_side import (HERE, KIB, MIB, OPENSSL, Table, add_blobs, build_load, make_certificate, make_store,
                          processor_seconds, raise_file_limit, recount_store, run_load, run_wrk, sealed_bytes,
                          start_satcheld, text, workplace)

sys.path.insert(0, str(HERE.parent / "Tests" / "SystemTests" / "Peer"))
from fill_store import fill  # noqa: E402

CPU_BOUND = 1.05
READERS, TUS_WRITERS = 32, 8
SIZES = {"4 KiB": 4 * KIB, "100 KiB": 100 * KIB, "1 MiB": MIB, "64 MiB": 64 * MIB}
# How many uploads one run makes, and how many of them at once.
UPLOADS = {"4 KiB": (4 * KIB, 4000, 64), "100 KiB": (100 * KIB, 2000, 64), "16 MiB": (16 * MIB, 24, 8)}
TUS_SIZE, TUS_UPLOADS = 4 * MIB, 48
ENDED = 20_000
SEALED = 64 * MIB
SENT = {"100 KB": (100_000, 20), "5 MB": (5_000_000, 10)}


class Programs:
    """One build: its two programs, and a folder for whatever it makes."""

    def __init__(self, folder, work):
        self.satchel, self.satcheld = (str(pathlib.Path(folder).resolve() / name) for name in ("satchel", "satcheld"))
        for program in (self.satchel, self.satcheld):
            if not os.access(program, os.X_OK):
                sys.exit(f"{program} is missing or cannot be run")
        self.work = work
        work.mkdir()

    def fresh(self):
        """A folder that nothing was ever removed from (see `fresh` in writing.py)."""
        return pathlib.Path(tempfile.mkdtemp(dir=self.work))


class Comparison:
    """Both builds and the table; each row is a function that runs one build once and returns its figures."""

    def __init__(self, options, work):
        self.options, self.work = options, work
        subprocess.run(["chattr", "+T", work], check=False, capture_output=True)
        self.old, self.new = Programs(options.old, work / "old"), Programs(options.new, work / "new")
        self.load = build_load(work)
        self.table = Table("Before and after", "work", "old, CPU each", "new", "ratio", "old, each second", "new",
                           "ratio", "old, p99", "new", "ratio")

    def run(self):
        self.reading(None, self.plain_reads)
        self.reading(make_certificate(self.work), self.encrypted_reads)
        for name, run in UPLOADS.items():
            self.row(f"PUT {name}", lambda build, run=run: self.put(build, *run))
        self.row("resumable upload of 4 MiB by tus", self.upload_by_tus)
        self.row(f"sweep of {ENDED:,} ended blobs", self.sweep)
        self.sealing()
        self.sending()

    def wants(self, name):
        return any(word in name for word in self.options.rows.split(","))

    def row(self, name, run):
        if not self.wants(name):
            return
        run(self.old), run(self.new)
        pairs = []
        for number in range(self.options.pairs):
            figures = {}
            for build in (self.old, self.new) if number % 2 == 0 else (self.new, self.old):
                figures[build] = run(build)
            pairs.append((figures[self.old], figures[self.new]))
        cells, ratios = [name], {}
        for figure, unit in (("cpu", microseconds), ("rate", text), ("p99", microseconds)):
            if figure not in pairs[0][0]:
                cells += ["–"] * 3
                continue
            old, new = (statistics.median(pair[side][figure] for pair in pairs) for side in (0, 1))
            ratios[figure] = statistics.median(pair[1][figure] / pair[0][figure] for pair in pairs)
            cells += [unit(old), unit(new), f"{ratios[figure]:.3f}"]
        self.table.row(*cells, bound=f"CPU ≤ {CPU_BOUND}", kept=ratios["cpu"] <= CPU_BOUND)

    # Reading: both servers run throughout, each over a store of its own with the same blobs.

    def reading(self, tls, rows):
        names = {}
        rows(lambda name, *run: names.setdefault(name, run))
        if not any(map(self.wants, names)):
            return
        bodies = [sealed_bytes(size) for size in SIZES.values()]
        with contextlib.ExitStack() as servers:
            stores = {}
            for build in (self.old, self.new):
                storage = build.fresh() / "storage"
                make_store(build.satcheld, storage)
                addresses = add_blobs(storage, bodies)
                server = servers.enter_context(start_satcheld(build.satcheld, storage, "--gc-interval", "1h", tls=tls))
                stores[build] = server, {name: f"/{address}" for name, address in zip(SIZES, addresses)}
            for name, (blob, arguments) in names.items():
                self.row(name, lambda build: self.read(*stores[build], blob, arguments, bool(tls)))

    def plain_reads(self, add):
        for name in SIZES:
            add(f"GET {name}", name, [])
        add("ranges of 100 KiB in 64 MiB", "64 MiB", ["range", str(100 * KIB), str(SIZES["64 MiB"])])
        add("304", "100 KiB", ["field", "If-None-Match"])

    def encrypted_reads(self, add):
        add("TLS 1.3, GET 100 KiB", "100 KiB", [])

    def read(self, server, paths, blob, arguments, tls):
        if arguments == ["field", "If-None-Match"]:
            with urllib.request.urlopen(server.url(paths[blob])) as answer:
                arguments = [*arguments, answer.headers["ETag"]]
        environment = None
        if tls:
            (self.work / "openssl.cnf").write_text(OPENSSL)
            environment = {**os.environ, "OPENSSL_CONF": str(self.work / "openssl.cnf")}
        before = processor_seconds(server.pid)
        result = run_wrk(server.url(paths[blob], tls), self.options.seconds, READERS, arguments, environment)
        spent = processor_seconds(server.pid) - before
        # The end of a run cuts large bodies short, so they are counted by their bytes.
        count = result["bytes"] / MIB if SIZES[blob] >= MIB and not arguments else result["requests"]
        return {"cpu": spent / count, "rate": count / result["seconds"], "p99": result["p99_us"] / 1e6}

    # Writing: each run has a server over an empty store.

    @contextlib.contextmanager
    def new_server(self, build, *settings):
        folder = build.fresh()
        with start_satcheld(build.satcheld, folder / "storage", "--gc-interval", "1h", *settings) as server:
            yield server
        # Many small files stay until the end: ext4 looks past the inodes of removed ones.
        if sum(1 for _ in (folder / "storage" / "blobs.v1").glob("??/*")) < 100:
            shutil.rmtree(folder)
        os.sync()

    def put(self, build, size, count, writers):
        with self.new_server(build) as server:
            put = lambda count: run_load(
                self.load, "put", server.address, "--size", size, "--connections", writers, "--requests", count)
            put(writers)
            before = processor_seconds(server.pid)
            result = put(count)
            spent = processor_seconds(server.pid) - before
        return {"cpu": spent / count, "rate": result["per_second"], "p99": result["p99_us"] / 1e6}

    def upload_by_tus(self, build):
        block = os.urandom(TUS_SIZE)
        with self.new_server(build) as server, concurrent.futures.ThreadPoolExecutor(TUS_WRITERS) as writers:
            tus_upload(server, 0, block)
            before, start = processor_seconds(server.pid), time.monotonic()
            latencies = sorted(writers.map(lambda number: tus_upload(server, number, block), range(1, TUS_UPLOADS + 1)))
            seconds, spent = time.monotonic() - start, processor_seconds(server.pid) - before
        return {"cpu": spent / TUS_UPLOADS, "rate": TUS_UPLOADS / seconds, "p99": latencies[TUS_UPLOADS * 99 // 100]}

    # Commands: their own processor time and time, from start to end.

    def sweep(self, build):
        storage = build.fresh() / "storage"
        make_store(build.satcheld, storage)
        fill(storage, 2 * ENDED, ENDED)
        recount_store(storage)
        os.sync()
        cpu, seconds = timed([build.satcheld, "gc", "--storage", str(storage)])
        left = sum(1 for _ in (storage / "blobs.v1").glob("??/*"))
        if left != ENDED:
            sys.exit(f"{build.satcheld} left {left} files, not {ENDED}")
        return {"cpu": cpu / ENDED, "rate": ENDED / seconds}

    def sealing(self):
        plain = self.work / "plain"
        plain.write_bytes(os.urandom(SEALED))
        with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
            def seal(build):
                output = pathlib.Path(memory) / "sealed"
                output.unlink(missing_ok=True)
                cpu, seconds = timed([build.satchel, "seal", "--quiet", str(plain), "-o", str(output)])
                return {"cpu": cpu, "rate": 1 / seconds}

            self.row("seal 64 MiB", seal)

    def sending(self):
        for name, (size, count) in SENT.items():
            plain = self.work / f"{size}.bin"
            plain.write_bytes(os.urandom(size))

            def send(build):
                with self.new_server(build) as server:
                    state = build.fresh()
                    environment = {**os.environ, "XDG_STATE_HOME": str(state), "XDG_CONFIG_HOME": str(state)}
                    command = [build.satchel, "send", "--quiet", "--server", server.url(""), str(plain)]
                    runs = [timed(command, environment) for _ in range(count)]
                seconds = sorted(seconds for _, seconds in runs)
                return {"cpu": sum(cpu for cpu, _ in runs) / count, "rate": count / sum(seconds), "p99": seconds[-1]}

            self.row(f"send {name}", send)


def tus_upload(server, number, block):
    """Creates an upload and appends everything in two requests; returns the seconds that took."""
    body = sealed_bytes(64, number + 1) + os.urandom(8) + block[72:]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    start = time.monotonic()
    connection.request("POST", "/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": str(len(body))})
    place = expect(connection, 201).headers["Location"]
    path = "/uploads/" + place.rpartition("/")[2]
    half = len(body) // 2
    for offset, part in ((0, body[:half]), (half, body[half:])):
        connection.request("PATCH", path, part, {"Tus-Resumable": "1.0.0", "Upload-Offset": str(offset),
                                                 "Content-Type": "application/offset+octet-stream"})
        expect(connection, 204)
    connection.close()
    return time.monotonic() - start


def expect(connection, status):
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != status:
        sys.exit(f"the server answered {answer.status}, not {status}: {text.decode()}")
    return answer


def timed(command, environment=None):
    """Processor time and time of one run of a command. What it says is shown only if it fails."""
    with tempfile.TemporaryFile() as said:
        start = time.monotonic()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            said.seek(0)
            sys.exit(f"{' '.join(command)} ended with {child.returncode}: {said.read().decode()}")
    return usage.ru_utime + usage.ru_stime, seconds


def microseconds(seconds):
    return f"{text(seconds * 1e6)} µs"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", required=True, metavar="DIR", help="folder with the old satchel and satcheld")
    parser.add_argument("--new", required=True, metavar="DIR", help="folder with the new ones")
    parser.add_argument("--pairs", type=int, default=9, help="runs of each build that count; one more comes first")
    parser.add_argument("--rows", default="", metavar="WORD,WORD", help="rows whose name contains one of the words")
    parser.add_argument("--seconds", type=int, default=2, help="of each run of reading")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="on the disk to be measured")
    options = parser.parse_args()
    raise_file_limit()
    with workplace(options.folder) as work:
        comparison = Comparison(options, work)
        comparison.run()
    comparison.table.end()


if __name__ == "__main__":
    main()
