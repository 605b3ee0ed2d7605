#!/usr/bin/env python3
"""Compares durable uploads to satcheld with the disk alone, and with nginx's WebDAV, which syncs nothing.

Uploads come from 64 connections, each body different; the reference is fio with 64 jobs that create, write, fsync and close
files of the same size on the same disk. strace counts the server's syncs in a run of its own. One upload of 2 GiB is
compared with SHA-256 alone and `dd conv=fsync` alone.

Usage: Benchmarks/writing.py [--satcheld PATH] [--folder DIR] [--quick] [--only WORD] [--rounds 5] [--seconds 3]

Needs cc, nginx, fio and strace. Exits with 1 if a bound is missed.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

from side_by_side import (GIB, KIB, MIB, Table, add_arguments, build_load, compare, processor_seconds, raise_file_limit,
                          run_load, start_nginx, start_satcheld, text, workplace)

CONNECTIONS = 64
SIZES = {"4 KiB": 4 * KIB, "100 KiB": 100 * KIB}
DURABLE_BOUND, SYNC_BOUND, DAV_BOUND, SINGLE_BOUND = 0.7, 0.2, 2.0, 0.8


class Contest:
    def __init__(self, options, work, table):
        self.options, self.work, self.table = options, work, table
        self.load = build_load(work)
        spread(work)

    def wants(self, name):
        return self.options.only in name

    def start(self, *arguments, **named):
        """A server over a new store."""
        return start_satcheld(self.options.satcheld, fresh(self.work) / "storage", *arguments, **named)

    def put(self, server, size, *arguments):
        return run_load(self.load, "put", server.address, "--size", size, "--connections", CONNECTIONS, *arguments)

    # Durable uploads beside fio

    def durable(self, name, size):
        jobs = Fio(self.work, size)
        figures = compare(self.options.rounds, lambda: self.uploads(size), lambda: jobs.run(self.options.seconds))
        ours, theirs, ratio = figures["speed"]
        self.table.row(f"durable PUT {name}, 64 connections", f"{text(ours)} a second", "fio, 64 jobs",
                       f"{text(theirs)} files a second", f"{ratio:.2f}", bound=f"≥ {DURABLE_BOUND}",
                       kept=ratio >= DURABLE_BOUND)

    def uploads(self, size):
        with self.start() as server:
            self.put(server, size, "--requests", 200)
            result = self.put(server, size, "--seconds", self.options.seconds)
        settle()
        return {"speed": result["per_second"]}

    # What is synced

    def syncs(self, name, size):
        trace = self.work / "trace"
        wrapper = ["strace", "-f", "--seccomp-bpf", "-qq", "-y", "-e", "trace=fsync,fdatasync,syncfs", "-e",
                   "signal=none", "-o", str(trace)]
        with self.start(wrapper=wrapper) as server:
            before = trace.read_text()
            uploads = self.put(server, size, "--seconds", self.options.seconds)["requests"]
            calls = trace.read_text()[len(before):]
        commits = len(re.findall(r"f(?:data)?sync\(\d+<[^>]*catalog\.sqlite-wal", calls)) / uploads
        names = len(re.findall(r"syncfs\(", calls)) / uploads
        files = len(re.findall(r"f(?:data)?sync\(\d+<[^>]*/staging/", calls)) / uploads
        self.table.row(f"syncs of one PUT {name}", f"{commits:.3f} of the catalog, {names:.3f} of names",
                       "", f"{files:.2f} of its file", "", bound=f"≤ {SYNC_BOUND} each",
                       kept=max(commits, names) <= SYNC_BOUND)

    # Processor time beside nginx

    def webdav(self, size):
        requests = 4000 if self.options.quick else 10000

        def run(server, *arguments):
            before = processor_seconds(server.pid)
            self.put(server, size, "--requests", requests, *arguments)
            return {"cpu": (processor_seconds(server.pid) - before) / requests}

        def ours():
            with self.start() as server:
                return run(server)

        def theirs():
            with start_nginx(fresh(self.work) / "nginx") as server:
                return run(server, "--dav")

        mine, other, ratio = compare(self.options.rounds, ours, theirs)["cpu"]
        self.table.row("PUT 100 KiB, processor", f"{text(mine * 1e6)} µs", "nginx dav_methods PUT",
                       f"{text(other * 1e6)} µs", f"{ratio:.2f}", bound=f"≤ {DAV_BOUND}", kept=ratio <= DAV_BOUND)

    # One large upload

    def single(self, size):
        runs = {"upload": [], "hash": [], "disk": []}
        for _ in range(1 if self.options.quick else 3):
            runs["upload"].append(self.upload_one(size))
            runs["hash"].append(hash_alone(size))
            runs["disk"].append(write_alone(self.work / "dd", size))
        upload, hashing, disk = (statistics.median(seconds) for seconds in runs.values())
        ratio = max(hashing, disk) / upload
        self.table.row(
            f"one PUT of {size / GIB:.2g} GiB", f"{size / upload / 1e9:.2f} GB/s", "SHA-256; dd conv=fsync",
            f"{size / hashing / 1e9:.2f}; {size / disk / 1e9:.2f} GB/s", f"{ratio:.2f}", bound=f"≥ {SINGLE_BOUND}",
            kept=ratio >= SINGLE_BOUND)

    def upload_one(self, size):
        with self.start() as server:
            seconds = run_load(self.load, "put", server.address, "--size", size, "--connections", 1, "--requests", 1)[
                "seconds"]
        settle()
        return seconds


class Fio:
    """Files per second, each created, written by one write, synced and closed, one after another in each job."""

    def __init__(self, work, size):
        self.work, self.size = work, size
        self.files_each_second = None

    def run(self, seconds):
        # The first run finds out how many files make so many seconds.
        files = int((self.files_each_second or 3000) * seconds / CONNECTIONS) + 1
        folder = fresh(self.work)
        command = ["fio", "--name=files", f"--directory={folder}", f"--numjobs={CONNECTIONS}", "--ioengine=psync",
                   "--rw=write", f"--bs={self.size}", f"--filesize={self.size}", f"--nrfiles={files}", "--openfiles=1",
                   "--file_service_type=sequential", "--create_on_open=1", "--fallocate=none", "--fsync=1",
                   "--refill_buffers", "--group_reporting", "--output-format=json"]
        output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder).stdout
        job = json.loads(output[output.index("{"):])["jobs"][0]
        written = job["write"]["total_ios"]
        if job["error"] or written != files * CONNECTIONS:
            sys.exit(f"fio wrote {written} files, not {files * CONNECTIONS}")
        self.files_each_second = written / (job["write"]["runtime"] / 1000)
        settle()
        return {"speed": self.files_each_second}


def spread(folder):
    """Makes ext4 spread the folders created in this one over the disk."""
    subprocess.run(["chattr", "+T", folder], check=False, capture_output=True)


def fresh(work):
    """A folder that nothing was ever deleted from: ext4 skips every inode freed within the last minutes, so after many
    deletions creating a file costs any program many times as much."""
    return pathlib.Path(tempfile.mkdtemp(dir=work))


def settle():
    """Leaves nothing of this run to be written during the next."""
    os.sync()


def hash_alone(size):
    """Seconds that OpenSSL's SHA-256 takes for so many bytes, a megabyte at a time."""
    block = os.urandom(MIB)
    start = time.monotonic()
    digest = hashlib.sha256()
    for _ in range(size // MIB):
        digest.update(block)
    digest.digest()
    return time.monotonic() - start


def write_alone(path, size):
    start = time.monotonic()
    subprocess.run(["dd", "if=/dev/zero", f"of={path}", "bs=1M", f"count={size // MIB}", "conv=fsync"], check=True,
                   capture_output=True)
    seconds = time.monotonic() - start
    path.unlink()
    settle()
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 2, 1.5
    raise_file_limit()
    table = Table("Writing", "work", "satcheld", "beside", "its figure", "ratio")
    with workplace(options.folder) as work:
        contest = Contest(options, pathlib.Path(work), table)
        for name, size in SIZES.items():
            if contest.wants(f"durable PUT {name}"):
                contest.durable(name, size)
            if contest.wants(f"syncs of one PUT {name}"):
                contest.syncs(name, size)
        if contest.wants("PUT 100 KiB, processor"):
            contest.webdav(100 * KIB)
        if contest.wants("one PUT of 2 GiB"):
            contest.single(256 * MIB if options.quick else 2 * GIB)
    table.end()


if __name__ == "__main__":
    main()
