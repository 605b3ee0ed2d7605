#!/usr/bin/env python3
"""Measures what other clients notice while bad ones do their worst (Tests/SystemTests/Peer/attacks.py).

Hot reads go on as open load at half of what the server does at most; server and load maker have a core each, the bad
clients what the load maker leaves of its own (by the idle policy: merely nice, they would hold it up for a slice at a
time). Quiet runs alternate with loud ones; what counts is the median of the ratios of neighbours. Attacks that need
HTTP/2 come over TLS, and so do the reads beside them, by h2load at a fixed rate.

Usage: Benchmarks/bad_clients.py [--satcheld PATH] [--folder DIR] [--quick] [--only WORD] [--rounds 5] [--seconds 4]

Needs cc, taskset, chrt, openssl and h2load. Ends with 1 if a bound is missed. 10,000 connections need a limit of more open
files than that for both ends.
"""

import argparse
import subprocess
import sys

from crowds import LOAD_CORE, SERVER_CORE, Crowds
from side_by_side import (HERE, MIB, Table, add_arguments, add_blobs, compare, make_certificate, pinned,
                          raise_file_limit, resident_bytes, sealed_bytes, start_satcheld, text, wait_until_quiet,
                          workplace)

ATTACKS = HERE.parent / "Tests" / "SystemTests" / "Peer" / "attacks.py"
CROWD, BUSY, FEW = 10_000, 500, 50
PLAIN = {"silence": CROWD, "slow-headers": BUSY, "slow-body": BUSY, "slow-reading": BUSY, "half-closed": FEW,
         "rubbish": FEW, "smuggling": FEW, "oversize": FEW}
SECURE = {name: FEW for name in ("h2-settings", "h2-pings", "h2-continuation", "h2-headers", "h2-resets", "h2-empty",
                                 "h2-streams", "h2-window")}
LATENCY_BOUND, MEMORY_BOUND = 2.0, 256 * MIB
SECURE_CONNECTIONS = 8


class BadClients(Crowds):
    def __init__(self, options, work, table, file_limit):
        super().__init__(options, work, table, file_limit)
        self.crowd_limit = (file_limit - 600) * 3 // 8

    def run(self):
        storage, paths = self.new_store("store", self.hot_bodies())
        large = f"/{add_blobs(storage, [sealed_bytes(16 * MIB)])[0]}"
        hot = self.list_paths("hot", paths)
        with self.start(storage) as server:
            rate = self.hot_rate(server, hot)
            for name, count in PLAIN.items():
                self.measure(server, name, count, large, rate, lambda: self.quiet(server, hot, rate),
                             lambda noise: self.beside(server, hot, rate, noise))
        with self.start(storage, tls=make_certificate(self.work)) as server:
            rate = self.secure_rate(server, paths[0])
            for name, count in SECURE.items():
                self.measure(server, name, count, large, rate, lambda: self.secure(server, paths[0], rate),
                             lambda noise: self.secure(server, paths[0], rate, noise))

    def start(self, storage, *settings, tls=None, core=SERVER_CORE):
        server = start_satcheld(self.options.satcheld, storage, "--gc-interval", "1h", *settings, tls=tls, core=core)
        wait_until_quiet(server.pid)
        return server

    def measure(self, server, name, count, large, rate, quiet, beside):
        if self.options.only not in name:
            return
        count = min(count // 10 if self.options.quick else count, self.crowd_limit)
        peaks = []

        def noise():
            self.attack(server, name, count, large, self.options.seconds)
            peaks.append(resident_bytes(server.pid))

        loud, calm, ratio = compare(self.options.rounds, lambda: beside(noise), quiet)["p99"]
        self.table.row(
            f"{name}, {count:,} connections", f"p99 {text(loud)} µs",
            f"quiet {text(calm)} µs at {rate:,} reads a second; {ratio:.2f}", f"{max(peaks) / MIB:.0f} MiB",
            bound=f"≤ {LATENCY_BOUND}, ≤ {MEMORY_BOUND // MIB} MiB",
            kept=ratio <= LATENCY_BOUND and max(peaks) <= MEMORY_BOUND)

    def attack(self, server, name, count, large, seconds):
        tls = ["--tls"] if server.tls_port else []
        subprocess.run(
            pinned(LOAD_CORE, ["chrt", "--idle", "0", sys.executable, str(ATTACKS), server.address, name, "--path", large,
                               "--connections", str(count), "--seconds", str(seconds), *tls]),
            check=True, capture_output=True)

    # Reads over TLS

    def h2load(self, server, path, *arguments):
        return subprocess.Popen(
            pinned(LOAD_CORE, ["h2load", f"-c{SECURE_CONNECTIONS}", "-t1", *arguments, server.url(path, tls=True)]),
            stdout=subprocess.PIPE, text=True)

    def secure_rate(self, server, path):
        output = self.h2load(server, path, f"--duration={self.options.seconds}").communicate()[0]
        line = next(line for line in output.splitlines() if line.startswith("finished in"))
        return max(SECURE_CONNECTIONS, int(float(line.split(",")[1].split()[0]) / 2))

    def secure(self, server, path, rate, noise=None):
        """Latencies as h2load logs them, a request a line: when it began, its status, and how long it took."""
        log = self.work / "h2load.log"
        log.unlink(missing_ok=True)
        seconds = self.options.seconds + (1 if noise else 0)
        process = self.h2load(server, path, f"--duration={seconds}", f"--rps={rate / SECURE_CONNECTIONS:.1f}",
                              f"--log-file={log}")
        if noise:
            noise()
        process.communicate()
        lines = [line.split() for line in log.read_text().splitlines()]
        if not lines or any(status != "200" for _, status, _ in lines):
            sys.exit("reads beside bad clients failed")
        times = sorted(int(time) for _, _, time in lines)
        return {"p99": max(times[len(times) * 99 // 100], 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 2, 2
    file_limit = raise_file_limit()
    table = Table("Bad clients", "work", "satcheld", "beside", "resident")
    with workplace(options.folder) as work:
        BadClients(options, work, table, file_limit).run()
    table.end()


if __name__ == "__main__":
    main()
