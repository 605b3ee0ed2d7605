#!/usr/bin/env python3
"""Compares reading blobs from satcheld with reading the same files from nginx: processor time and requests a second.

wrk with 32 keep-alive connections reads from both in turn; HTTP/2 by h2load with 8 connections of 4 streams. Large bodies
are counted by their bytes, so that requests in progress at the end of a run count.

Usage: Benchmarks/reading.py [--satcheld PATH] [--folder DIR] [--quick] [--only WORD] [--rounds 7] [--seconds 3]

Needs nginx, wrk, nghttp2-client (h2load) and openssl. Exits with 1 if a bound is missed.
"""

import argparse
import os
import re
import subprocess
import sys

from side_by_side import (KIB, MIB, OPENSSL, Table, add_arguments, add_blobs, compare, help_of, make_certificate,
                          make_store, processor_seconds, raise_file_limit, run_wrk, sealed_bytes, start_nginx, start_satcheld,
                          store_path, text, workplace)

SIZES = {"4 KiB": 4 * KIB, "100 KiB": 100 * KIB, "1 MiB": MIB, "64 MiB": 64 * MIB}
# From this size on, the end of a run cuts many bodies short.
LARGE = MIB
RANGE = 100 * KIB
CIPHER = "TLS_AES_128_GCM_SHA256"


class Contest:
    """Both servers over the same blobs; each row is one way of reading them."""

    def __init__(self, options, work, table):
        self.options, self.work, self.table = options, work, table
        self.blobs = {}

    def prepare(self):
        storage = self.work / "storage"
        make_store(self.options.satcheld, storage)
        addresses = add_blobs(storage, (sealed_bytes(size) for size in SIZES.values()))
        files = self.work / "nginx" / "files"
        files.mkdir(parents=True)
        for name, address in zip(SIZES, addresses):
            os.link(store_path(storage, address), files / address)
            self.blobs[name] = f"/{address}"

    def start(self, tls=None):
        return (start_satcheld(self.options.satcheld, self.work / "storage", tls=tls),
                start_nginx(self.work / "nginx", tls=tls))

    # Rows

    def row(self, name, ours, theirs, cpu_bound, speed_bound=None):
        """One comparison; `ours` and `theirs` each run the load once and return their figures."""
        if self.options.only not in name:
            return
        figures = compare(self.options.rounds, ours, theirs)
        cpu, speed = figures["cpu"], figures["speed"]
        bounds = [f"CPU ≤ {cpu_bound}"] + ([f"speed ≥ {speed_bound}"] if speed_bound else [])
        kept = cpu[2] <= cpu_bound and speed[2] >= (speed_bound or 0)
        self.table.row(
            name, f"{text(cpu[0] * 1e6)} µs", f"{text(cpu[1] * 1e6)} µs", f"{cpu[2]:.2f}", text(speed[0]), text(speed[1]),
            f"{speed[2]:.2f}", bound=", ".join(bounds), kept=kept)

    def wrk(self, server, path, tls=False, size=None, arguments=()):
        """A run of wrk against one server, as a function."""
        environment = self.wrk_environment() if tls else None

        def run():
            before = processor_seconds(server.pid)
            result = run_wrk(server.url(path, tls), self.options.seconds, 32, arguments, environment)
            spent = processor_seconds(server.pid) - before
            requests = result["bytes"] / size if size and size >= LARGE else result["requests"]
            return {"cpu": spent / requests, "speed": requests / result["seconds"]}

        return run

    def h2load(self, server, path):
        command = ["h2load", "-c8", "-m4", "-t1", f"--duration={self.options.seconds}", server.url(path, tls=True)]

        def run():
            before = processor_seconds(server.pid)
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            spent = processor_seconds(server.pid) - before
            done, succeeded, failed = (
                int(re.search(rf"(\d+) {word}", output)[1]) for word in ("done", "succeeded", "failed"))
            if failed or not succeeded or "Application protocol: h2" not in output or CIPHER not in output:
                sys.exit(f"{' '.join(command)}: {output}")
            return {"cpu": spent / done, "speed": done / self.options.seconds}

        return run

    # Groups of rows

    def plain(self):
        ours, theirs = self.start()
        with ours, theirs:
            for name, size in SIZES.items():
                path = self.blobs[name]
                self.row(f"GET {name}", self.wrk(ours, path, size=size), self.wrk(theirs, path, size=size),
                         0.9 if size == 4 * KIB else 1.1, 1.0)
            self.ranges(ours, theirs)
            self.conditions(ours, theirs)

    def ranges(self, ours, theirs):
        path, arguments = self.blobs["64 MiB"], ["range", str(RANGE), str(SIZES["64 MiB"])]
        self.row("ranges of 100 KiB in 64 MiB", self.wrk(ours, path, arguments=arguments),
                 self.wrk(theirs, path, arguments=arguments), 1.1)

    def conditions(self, ours, theirs):
        path = self.blobs["100 KiB"]
        # nginx makes entity tags of time and size, so each server gets its own.
        runs = [self.wrk(server, path, arguments=["field", "If-None-Match", entity_tag(server, path)])
                for server in (ours, theirs)]
        self.row("304", *runs, 1.0)

    def encrypted(self):
        certificate = make_certificate(self.work)
        (self.work / "openssl.cnf").write_text(OPENSSL)
        ours, theirs = self.start(tls=certificate)
        with ours, theirs:
            for server in (ours, theirs):
                self.check_cipher(server)
            for name in ("100 KiB", "1 MiB"):
                path, size = self.blobs[name], SIZES[name]
                self.row(f"TLS 1.3, GET {name}", self.wrk(ours, path, True, size), self.wrk(theirs, path, True, size), 1.2)
            path = self.blobs["100 KiB"]
            self.row("HTTP/2, GET 100 KiB", self.h2load(ours, path), self.h2load(theirs, path), 1.5)

    def check_cipher(self, server):
        """Checks the cipher that wrk negotiates with this server; h2load reports its own."""
        output = subprocess.run(
            ["openssl", "s_client", "-brief", "-connect", f"127.0.0.1:{server.tls_port}"], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, env=self.wrk_environment()).stderr
        if "TLSv1.3" not in output or CIPHER not in output:
            sys.exit(f"not TLS 1.3 with {CIPHER}: {output}")

    def wrk_environment(self):
        return {**os.environ, "OPENSSL_CONF": str(self.work / "openssl.cnf")}


def entity_tag(server, path):
    import urllib.request

    with urllib.request.urlopen(server.url(path)) as answer:
        return answer.headers["ETag"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3)
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 3, 1
    raise_file_limit()
    table = Table("Reading", "work", "satcheld, CPU each", "nginx", "ratio", "satcheld, each second", "nginx", "ratio")
    with workplace(options.folder) as work:
        contest = Contest(options, work, table)
        contest.prepare()
        contest.plain()
        if "--tls-certificate" in help_of(options.satcheld):
            contest.encrypted()
        else:
            table.row("TLS, HTTP/2", "–", "–", "–", "–", "–", "–", kept=False)
    table.end()


if __name__ == "__main__":
    main()
