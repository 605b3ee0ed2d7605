#!/usr/bin/env python3
"""Measures satcheld under crowds: idle connections, slow readers, cold files, uploads, a sweep, a million blobs.

Memory is the resident memory of the server's process. Latencies come from open load: requests are due at a fixed rate, and
latency counts from when each was due. Server and load generator have a core each, and quiet runs alternate with loud ones.

Usage: Benchmarks/crowds.py [--satcheld PATH] [--folder DIR] [--quick] [--only WORD] [--rounds 5] [--seconds 4]

Needs cc, nginx and taskset; 12 GiB of disk. Exits with 1 if a bound is missed. 20,000 connections need a limit of 65,536
open files, which only root can raise; otherwise there are as many as the limit allows.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time

from side_by_side import (KIB, MIB, Table, add_arguments, add_blobs, available_bytes, build_load, children, compare,
                          end_load, make_store, memory, raise_file_limit, resident_bytes, run_load, sealed_bytes,
                          start_load, start_nginx, start_satcheld, store_path, text, wait_until_quiet, workplace)

SERVER_CORE, LOAD_CORE = 0, 1
IDLE, IDLE_UPLOADS, IDLE_BOUND = 20000, 64, 8 * KIB
SLOW, SLOW_BOUND = 1000, 100 * MIB
COLD, COLD_SIZE, COLD_BOUND = 1000, 4 * MIB, 2.0
HOT, HOT_SIZE, BUSY_BOUND = 1000, 4 * KIB, 3.0
GARBAGE = 100_000
FEW, MANY = 1000, 1_000_000
START_BOUND, MANY_BOUND, MANY_UPLOADS_BOUND = 1.0, 1.2, 0.9


def connection_limit(files, uploads):
    """How many connections a server accepts with this limit of open files and of uploads: of what the store leaves, a
    quarter is for cached blobs, and each upload has one."""
    return (files - 256) * 3 // 4 - uploads - 100


class Crowds:
    def __init__(self, options, work, table, file_limit):
        self.options, self.work, self.table = options, work, table
        self.load = build_load(work)
        self.idle_count = min(IDLE, connection_limit(file_limit, IDLE_UPLOADS))

    def run(self):
        for name in ("idle", "slow", "cold", "uploads", "sweep", "million"):
            if self.options.only in name:
                getattr(self, name)()

    def new_store(self, name, bodies):
        """A new store with these blobs, and their paths."""
        storage = self.work / name
        make_store(self.options.satcheld, storage)
        return storage, [f"/{address}" for address in add_blobs(storage, bodies)]

    def start(self, storage, *settings, core=SERVER_CORE):
        server = start_satcheld(self.options.satcheld, storage, "--gc-interval", "1h", *settings, core=core)
        wait_until_quiet(server.pid)
        return server

    def list_paths(self, name, paths):
        file = self.work / f"{name}.paths"
        file.write_text("".join(f"{path}\n" for path in paths))
        return file

    # Memory

    def idle(self):
        storage, paths = self.new_store("idle-store", [sealed_bytes(HOT_SIZE)])
        with self.start(storage, "--uploads", str(IDLE_UPLOADS), core=None) as server:
            ours, fell, slab = self.hold_idle(server, paths[0])
        nginx = self.work / "nginx"
        (nginx / "files").mkdir(parents=True)
        (nginx / "files" / "blob").write_bytes(sealed_bytes(HOT_SIZE))
        with start_nginx(nginx) as server:
            theirs, _, _ = self.hold_idle(server, "/blob")
        self.table.row(
            f"{self.idle_count:,} idle connections", f"{text(ours)} bytes each",
            f"nginx {text(theirs)}; MemAvailable fell by {text(fell)}, of it the kernel's slabs for both ends {text(slab)}",
            bound=f"≤ {IDLE_BOUND}", kept=ours <= IDLE_BOUND)

    def hold_idle(self, server, path):
        """Bytes per connection: resident in the server, lost from MemAvailable without the load generator's own, and used by
        the kernel's slabs for the sockets of both ends."""
        run_load(self.load, "get", server.address, "--paths", self.list_paths("one", [path]), "--requests", 1000)
        time.sleep(2)
        slabs = "SUnreclaim", "KReclaimable"
        before = resident_of_all(server), available_bytes(), memory(*slabs)
        process = start_load(self.load, "idle", server.address, "--path", path, "--connections", self.idle_count)
        ready = json.loads(process.stdout.readline())
        time.sleep(2)
        after = resident_of_all(server), available_bytes() + resident_bytes(process.pid), memory(*slabs)
        process.stdin.close()
        ended = json.loads(process.stdout.readline())
        process.wait()
        if ready["lost"] or ended["lost"]:
            sys.exit(f"idle connections were lost: {ended}")
        resident, available, slab = ((now - then) / self.idle_count for now, then in zip(after, before))
        return resident, -available, slab

    def slow(self):
        storage, paths = self.new_store("slow-store", [sealed_bytes(64 * MIB)])
        with self.start(storage, core=None) as server:
            process = start_load(self.load, "slow", server.address, "--path", paths[0], "--connections", SLOW)
            process.stdout.readline()
            peak = 0
            for _ in range(5 if self.options.quick else 20):
                time.sleep(1)
                peak = max(peak, resident_bytes(server.pid))
            process.stdin.close()
            ended = json.loads(process.stdout.readline())
            process.wait()
        if ended["lost"] or ended["bytes"] < SLOW:
            sys.exit(f"slow readers were lost: {ended}")
        self.table.row(f"{SLOW:,} slow readers of 64 MiB", f"{peak / MIB:.0f} MiB resident",
                       f"{ended['bytes'] / ended['seconds'] / KIB:,.0f} KiB read a second", bound="≤ 100 MiB",
                       kept=peak <= SLOW_BOUND)

    # Latency of hot reads

    def hot_rate(self, server, paths):
        """Half of the server's maximum rate on its core."""
        result = run_load(self.load, "get", server.address, "--paths", paths, "--connections", 32, "--seconds",
                          self.options.seconds, core=LOAD_CORE)
        return max(1, int(result["per_second"] / 2))

    def hot(self, server, paths, rate, seconds=3600):
        return start_load(self.load, "get", server.address, "--paths", paths, "--connections", 32, "--rate", rate,
                          "--seconds", seconds, core=LOAD_CORE)

    def settle(self, server):
        """Writes back what the previous run has left."""
        os.sync()
        wait_until_quiet(server.pid)

    def quiet(self, server, paths, rate):
        self.settle(server)
        return latency(end_load(self.hot(server, paths, rate, self.options.seconds)))

    def beside(self, server, paths, rate, noise):
        """The latency of hot reads while `noise` runs."""
        process = self.hot(server, paths, rate)
        noise()
        return latency(end_load(process, tell=True))

    def latency_row(self, name, figures, rate, bound, more=""):
        loud, quiet, ratio = figures["p99"]
        self.table.row(
            name, f"p99 {text(loud)} µs",
            f"quiet {text(quiet)} µs at {rate:,} reads a second; {ratio:.2f}{more}",
            bound=f"≤ {bound}" if bound else "", kept=ratio <= bound if bound else None)

    def hot_bodies(self):
        return [sealed_bytes(HOT_SIZE, number) for number in range(HOT)]

    def cold(self):
        count = COLD // 10 if self.options.quick else COLD
        bodies = (sealed_bytes(COLD_SIZE, number) for number in range(count))
        storage, cold = self.new_store("cold-store", bodies)
        hot = [f"/{address}" for address in add_blobs(storage, self.hot_bodies())]
        hot_paths, cold_paths = self.list_paths("hot", hot), self.list_paths("cold", cold)
        os.sync()

        def read_cold():
            result = run_load(self.load, "get", server.address, "--paths", cold_paths, "--connections", 1, "--in-order",
                              "--requests", count, core=LOAD_CORE)
            seconds.append(result["seconds"])

        def loud():
            for path in cold:
                forget(store_path(storage, path[1:]))
            return self.beside(server, hot_paths, rate, read_cold)

        seconds = []
        with self.start(storage) as server:
            rate = self.hot_rate(server, hot_paths)
            figures = compare(self.options.rounds, loud, lambda: self.quiet(server, hot_paths, rate))
        speed = count * COLD_SIZE / statistics.median(seconds) / 1e6
        self.latency_row(f"hot reads while one client reads {count:,} cold blobs of 4 MiB", figures, rate, COLD_BOUND,
                         f" (cold at {speed:,.0f} MB/s)")

    def uploads(self):
        storage, hot = self.new_store("busy-store", self.hot_bodies())
        paths = self.list_paths("hot", hot)
        with self.start(storage) as server:
            rate = self.hot_rate(server, paths)
            most = self.put(server, "--connections", 64)["per_second"]
            for name, pace, bound in (("a quarter of the most uploads", int(most / 4), BUSY_BOUND),
                                      ("uploads as fast as 16 connections can", 0, None)):
                arguments = ["--rate", pace] if pace else []

                def noise():
                    result = self.put(server, "--connections", 16, *arguments)
                    done.append(result["per_second"])

                done = []
                figures = compare(self.options.rounds, lambda: self.beside(server, paths, rate, noise),
                                  lambda: self.quiet(server, paths, rate))
                self.latency_row(f"hot reads beside {name}", figures, rate, bound,
                                 f" ({statistics.median(done):,.0f} uploads of 100 KiB a second)")

    def put(self, server, *arguments):
        return run_load(self.load, "put", server.address, "--size", 100 * KIB, "--seconds", self.options.seconds,
                        *arguments, core=LOAD_CORE)

    def sweep(self):
        count = GARBAGE // 10 if self.options.quick else GARBAGE
        pairs, reports = [], []
        for turn in range(1 if self.options.quick else 2):
            storage, hot = self.new_store(f"sweep-store-{turn}", self.hot_bodies())
            paths = self.list_paths("hot", hot)
            # Long enough for the files to be made and the quiet run to end; then all of it is garbage at once.
            lifetime = 25 + count // 5000
            made = time.time()
            add_blobs(storage, (sealed_bytes(100, number) for number in range(count)), lifetime)
            os.sync()
            with self.start(storage) as server:
                rate = self.hot_rate(server, paths)
                quiet = self.quiet(server, paths, rate)
                time.sleep(max(0, made + lifetime + 2 - time.time()))
                loud = self.beside(server, paths, rate, lambda: reports.append(self.collect(storage)))
                pairs.append((loud, quiet))
        if any(report["blobsRemoved"] != count for report in reports):
            sys.exit(f"the sweep did not remove {count} blobs: {reports}")
        figures = {"p99": tuple(map(statistics.median, zip(*(
            (loud["p99"], quiet["p99"], loud["p99"] / quiet["p99"]) for loud, quiet in pairs))))}
        seconds = statistics.median(report["seconds"] for report in reports)
        self.latency_row(
            f"hot reads while gc removes {count:,} blobs", figures, rate, BUSY_BOUND, f" ({seconds:.0f} s)")

    def collect(self, storage):
        command = ["taskset", "-c", str(LOAD_CORE), self.options.satcheld, "gc", "--json", "--storage", str(storage)]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    # Many blobs

    def million(self):
        many = MANY // 20 if self.options.quick else MANY
        stores = [self.new_store(name, (sealed_bytes(100, number) for number in range(count)))
                  for name, count in (("many", many), ("few", FEW))]
        os.sync()
        self.starting(stores[0][0], many)
        with contextlib.ExitStack() as stack:
            large, small = (stack.enter_context(self.start(storage)) for storage, _ in stores)
            few_of_many = self.list_paths("few-of-many", stores[0][1][:: many // FEW])
            all_of_many = self.list_paths("many", stores[0][1])
            few = self.list_paths("few", stores[1][1])
            rate = self.hot_rate(small, few) // 2
            self.reads(f"GET, a thousand of {many:,} blobs", (large, few_of_many), (small, few), rate, MANY_BOUND)
            self.reads(f"GET, each another of {many:,} blobs", (large, all_of_many), (small, few), rate, None)
            self.many_uploads(large, small, many)

    def starting(self, storage, many):
        times = []
        for _ in range(self.options.rounds):
            with start_satcheld(self.options.satcheld, storage, "--gc-interval", "1h") as server:
                times.append(server.start_seconds)
        seconds = statistics.median(times)
        self.table.row(f"start to ready with {many:,} blobs", f"{seconds:.3f} s", "", bound=f"≤ {START_BOUND} s",
                       kept=seconds <= START_BOUND)

    def reads(self, name, ours, other, rate, bound):
        figures = compare(self.options.rounds, lambda: self.quiet(*ours, rate), lambda: self.quiet(*other, rate))
        half, tail = figures["p50"], figures["p99"]
        self.table.row(
            name, f"p50 {text(half[0])}, p99 {text(tail[0])} µs",
            f"of a store of a thousand: {text(half[1])}, {text(tail[1])} µs; {half[2]:.2f}, {tail[2]:.2f}",
            bound=f"≤ {bound} each" if bound else "", kept=max(half[2], tail[2]) <= bound if bound else None)

    def many_uploads(self, large, small, many):
        def upload(server):
            return {"speed": run_load(self.load, "put", server.address, "--connections", 64, "--seconds",
                                      self.options.seconds, core=LOAD_CORE)["per_second"]}

        ours, other, ratio = compare(self.options.rounds, lambda: upload(large), lambda: upload(small))["speed"]
        self.table.row(f"uploads of 4 KiB into a store of {many:,} blobs", f"{text(ours)} a second",
                       f"into a store of a thousand: {text(other)}; {ratio:.2f}", bound=f"≥ {MANY_UPLOADS_BOUND}",
                       kept=ratio >= MANY_UPLOADS_BOUND)


def latency(result):
    if result["missed"]:
        sys.exit(f"the server could not keep up: {result}")
    return {"p50": max(result["p50_us"], 1), "p99": max(result["p99_us"], 1)}


def resident_of_all(server):
    return sum(resident_bytes(process) for process in [server.pid, *children(server.pid)])


def forget(path):
    """Drops a file from the page cache."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 2, 1.5
    file_limit = raise_file_limit()
    table = Table("Crowds", "work", "satcheld", "beside")
    with workplace(options.folder) as work:
        Crowds(options, work, table, file_limit).run()
    table.end()


if __name__ == "__main__":
    main()
