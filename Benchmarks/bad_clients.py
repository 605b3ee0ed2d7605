#!/usr/bin/env python3
"""Measures what other clients notice during attacks by bad ones (Tests/SystemTests/Peer/attacks.py).

Hot reads run as open load at half of the server's maximum rate. Server and load generator have a core each; the attackers
get what the load generator leaves of its core, by the idle scheduling policy (with nice alone they would delay it by a time
slice). An attack starts with the reads and outlasts them; its sudden end has a row of its own. Quiet runs alternate with
loud ones; the ratio is the median of the ratios of neighbouring runs. HTTP/2 attacks come over TLS, and so do the reads
beside them, by h2load at a fixed rate.

Usage: Benchmarks/bad_clients.py [--satcheld PATH] [--folder DIR] [--quick] [--only WORD] [--rounds 5] [--seconds 4]

Needs cc, taskset, chrt, openssl and h2load. Exits with 1 if a bound is missed. 10,000 connections need a higher limit of
open files than that, for both ends.
"""

import argparse
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time

from crowds import LOAD_CORE, SERVER_CORE, Crowds, connection_limit, latency
from side_by_side import (HERE, MIB, Table, add_arguments, add_blobs, compare, end_load, make_certificate, pinned,
                          raise_file_limit, resident_bytes, sealed_bytes, start_satcheld, text, wait_until_quiet,
                          workplace)

ATTACKS = HERE.parent / "Tests" / "SystemTests" / "Peer" / "attacks.py"
CROWD, AHEAD, BUSY, FEW = 10_000, 1000, 500, 50
UPLOADS = 1000  # in progress at once: the server's default limit
PLAIN = {"silence": CROWD, "slow-headers": BUSY, "slow-body": BUSY, "slow-reading": BUSY, "half-closed": FEW,
         "rubbish": FEW, "smuggling": FEW, "oversize": FEW, "receipts": FEW, "sent-ahead": BUSY, "crowd-ahead": AHEAD}
SECURE = {name: FEW for name in ("h2-settings", "h2-pings", "h2-continuation", "h2-headers", "h2-resets", "h2-empty",
                                 "h2-streams", "h2-questions", "h2-window", "h2-closed-window", "h2-endless-get")}
LATENCY_BOUND, MEMORY_BOUND = 2.0, 256 * MIB
# What the server may have resident where much waits: that, and what may wait on all connections (its default).
WAITING_BOUND = {"crowd-ahead": MEMORY_BOUND + 256 * MIB}
SECURE_CONNECTIONS = 8
MINUTE = 60


def open_files(process):
    return len(os.listdir(f"/proc/{process}/fd"))


class BadClients(Crowds):
    def __init__(self, options, work, table, file_limit):
        super().__init__(options, work, table, file_limit)
        self.crowd_limit = min(CROWD, connection_limit(file_limit, UPLOADS))

    def run(self):
        seconds = self.options.seconds
        storage, paths = self.new_store("store", self.hot_bodies())
        large = f"/{add_blobs(storage, [sealed_bytes(16 * MIB)])[0]}"
        hot = self.list_paths("hot", paths)
        with self.start(storage, "--uploads", str(UPLOADS)) as server:
            rate = self.hot_rate(server, hot)
            reads = lambda: latency(end_load(self.hot(server, hot, rate, seconds)))
            for name, count in PLAIN.items():
                self.measure(server, name, count, paths[0] if name == "sent-ahead" else large, rate, reads)
            self.measure(server, "silence", CROWD, large, rate, reads, ends=True)
        with self.start(storage, "--trusted-proxies", "127.0.0.0/8", "--allow-anonymous-uploads") as server:
            rate = self.hot_rate(server, hot)
            reads = lambda: latency(end_load(self.hot(server, hot, rate, seconds)))
            self.measure(server, "slots", FEW, large, rate, reads)
            self.begin_upload(server)
        with self.start(storage, tls=make_certificate(self.work)) as server:
            rate = self.secure_rate(server, paths[0])
            for name, count in SECURE.items():
                self.measure(server, name, count, large, rate, lambda: self.secure(server, paths[0], rate))

    def start(self, storage, *settings, tls=None, core=SERVER_CORE):
        server = start_satcheld(self.options.satcheld, storage, "--gc-interval", "1h", *settings, tls=tls, core=core)
        wait_until_quiet(server.pid)
        return server

    def measure(self, server, name, count, large, rate, reads, ends=False):
        """`reads` returns the latencies of some seconds of reads. With `ends`, the attack ends in the middle of them."""
        if self.options.only not in name:
            return
        count = min(count // 10 if self.options.quick else count, self.crowd_limit)
        peaks = []

        def quiet():
            self.settle(server)
            return reads()

        def loud():
            self.settle(server)
            process = self.attack(server, name, count, large, MINUTE if ends else self.options.seconds + 1)
            if ends:
                self.wait_for(server, count, process)
                threading.Timer(self.options.seconds / 2, process.kill).start()
            figures = reads()
            peaks.append(resident_bytes(server.pid))
            self.finish(name, process)
            return figures

        beside, calm, ratio = compare(self.options.rounds, loud, quiet)["p99"]
        memory, most = max(peaks), WAITING_BOUND.get(name, MEMORY_BOUND)
        self.table.row(
            f"{name}, {count:,} connections" + (" that end at once" if ends else ""), f"p99 {text(beside)} µs",
            f"quiet {text(calm)} µs at {rate:,} reads a second; {ratio:.2f}", f"{memory / MIB:.0f} MiB",
            bound=f"≤ {most // MIB} MiB" if ends else f"≤ {LATENCY_BOUND}, ≤ {most // MIB} MiB",
            kept=(ratio <= LATENCY_BOUND or ends) and memory <= most)

    def attack(self, server, name, count, large, seconds):
        tls = ["--tls"] if server.tls_port else []
        return subprocess.Popen(
            pinned(LOAD_CORE, ["chrt", "--idle", "0", sys.executable, str(ATTACKS), server.address, name, "--path", large,
                               "--connections", str(count), "--seconds", str(seconds), *tls]),
            stdout=subprocess.PIPE, text=True)

    def wait_for(self, server, count, process):
        """Waits for so many connections."""
        while open_files(server.pid) < count:
            if process.poll() is not None:
                sys.exit("the attack ended before all of it was there")
            time.sleep(0.01)

    def finish(self, name, process):
        output, _ = process.communicate()
        if process.returncode not in (0, -signal.SIGKILL) or output and not json.loads(output).get("connected"):
            sys.exit(f"{name} was no attack: {output}")

    def begin_upload(self, server):
        """Begins an upload as somebody who has none; nobody may have taken all places."""
        if self.options.only not in "slots":
            return
        connection = http.client.HTTPConnection(server.address)
        connection.request("POST", "/uploads", headers={"X-Forwarded-For": "198.51.100.1", "Tus-Resumable": "1.0.0",
                                                        "Upload-Length": "1000000", "Content-Length": "0"})
        status = connection.getresponse().status
        connection.close()
        self.table.row("another's upload behind slots", f"{status}", "", "", bound="201", kept=status == 201)

    # Reads over TLS

    def h2load(self, server, path, *arguments):
        return subprocess.Popen(
            pinned(LOAD_CORE, ["h2load", f"-c{SECURE_CONNECTIONS}", "-t1", *arguments, server.url(path, tls=True)]),
            stdout=subprocess.PIPE, text=True)

    def secure_rate(self, server, path):
        output = self.h2load(server, path, f"--duration={self.options.seconds:.0f}").communicate()[0]
        line = next(line for line in output.splitlines() if line.startswith("finished in"))
        return max(SECURE_CONNECTIONS, int(float(line.split(",")[1].split()[0]) / 2))

    def secure(self, server, path, rate):
        """Latencies from h2load's log, one request per line: start, status, duration."""
        log = self.work / "h2load.log"
        log.unlink(missing_ok=True)
        self.h2load(server, path, f"--duration={self.options.seconds:.0f}", f"--rps={rate / SECURE_CONNECTIONS:.1f}",
                    f"--log-file={log}").communicate()
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
