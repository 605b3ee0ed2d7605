#!/usr/bin/env python3
"""Counts the user-space instructions of one request, of satcheld and of nginx beside it. Times differ from processor to
processor; for one program, instructions hardly do.

valgrind's callgrind counts them, over one connection on which every request waits for the answer before. A figure is the
difference between a run of many requests and one of few that lasts as long, so that start, warm-up and what is done by the
second drop out. The kernel's part is not counted.

Usage: Benchmarks/instructions.py [--satcheld PATH] [--only WORD] [--requests 20000] [--top N] [--no-nginx] [--check]

`--requests` are reads; of uploads there are a twentieth. `--top N` names the N functions that cost most. `--check` compares
with `Benchmarks/instructions.json` instead, and exits with 1 where a count has grown by more than a tenth. Needs valgrind and a
C compiler; nginx unless `--no-nginx`.
"""

import argparse
import collections
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

from side_by_side import (HERE, KIB, MIB, START_SECONDS, UNLIMITED, Table, add_arguments, add_blobs, help_of, make_store,
                          nginx_command, sealed_bytes, start_satcheld, wait_for_port, workplace, write_nginx)
from slots import SECRET, word

KNOWN = HERE / "instructions.json"
SHORT = 300
RANGE = 100 * KIB
# Each row: method or kind, size of the blob, and the bound on instructions.
ROWS = {
    "GET 4 KiB": ("GET", 4 * KIB, 11_000),
    "GET 100 KiB": ("GET", 100 * KIB, 12_000),
    "range of 100 KiB": ("range", MIB, 14_000),
    "304": ("304", 100 * KIB, 11_000),
    "PUT 4 KiB": ("PUT", 4 * KIB, 350_000),
    "GET of a slot, 4 KiB": ("slot", 4 * KIB, 11_500),
}
# As long as ejabberd makes them: a person, a secret and a name.
SLOT = f"{'4ef7c2fb' * 5}/{'Zk3XvQ9a' * 5}/photo.jpg"
# dispatch_main waits in sigsuspend with a mask in read-only memory, which valgrind 3.19 writes to.
SHIM = """#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>
int sigsuspend(const sigset_t *mask) {
    unsigned long copy = *(const unsigned long *)mask;
    return (int)syscall(SYS_rt_sigsuspend, &copy, sizeof copy);
}
"""


def request(kind, name, tag, size, number):
    """The bytes of one request for what `name` names, and the statuses that answer it."""
    host = b"Host: 127.0.0.1\r\n"
    if kind == "PUT":
        return b"PUT /upload HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n" % (host, size) + sealed_bytes(size, number), (201,)
    fields, status = b"", 200
    if kind == "range":
        fields, status = b"Range: bytes=%d-%d\r\n" % (size // 4, size // 4 + RANGE - 1), 206
    if kind == "304":
        fields, status = b"If-None-Match: %b\r\n" % tag, 304
    return b"GET /%b HTTP/1.1\r\n%b%b\r\n" % (name.encode(), host, fields), (status,)


class Client:
    """One connection, whose requests are answered one after another."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.settimeout(10 * START_SECONDS)
        self.answers = self.socket.makefile("rb")

    def ask(self, sent, statuses):
        """Sends a request, reads the answer to its end, and returns its entity tag."""
        self.socket.sendall(sent)
        status = int(self.answers.readline().split()[1])
        if status not in statuses:
            sys.exit(f"answered with {status}: {sent[:200]!r}")
        length, tag = 0, b""
        while (line := self.answers.readline()) != b"\r\n":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            elif name.lower() == b"etag":
                tag = value.strip()
        if status != 304:
            self.answers.read(length)
        return tag

    def close(self):
        self.answers.close()
        self.socket.close()


def fill_slot(port, size):
    """Uploads to a slot, and returns what names it."""
    client, name = Client(port), f"slots/chat/{SLOT}"
    client.ask(b"PUT /%b%b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%b" % (
        name.encode(), word(SLOT, size).encode(), size, sealed_bytes(size)), (201,))
    client.close()
    return name


def drive(port, kind, name, size, count):
    client = Client(port)
    tag = client.ask(*request("GET", name, b"", size, 0)) if kind == "304" else b""
    for number in range(count):
        client.ask(*request(kind, name, tag, size, os.getpid() << 32 | number))
    client.close()


class Counter:
    """Runs servers under callgrind."""

    def __init__(self, options, work):
        self.options, self.work = options, work
        self.program = work / "satcheld"
        # valgrind cannot read Swift's debugging information.
        subprocess.run(["strip", "-g", "-o", self.program, options.satcheld], check=True)
        source, self.shim = work / "shim.c", work / "shim.so"
        source.write_text(SHIM)
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", self.shim, source], check=True)
        self.runs = 0

    def count(self, command, port_of, load, seconds=0):
        """Instructions of one run of `command` while `load` drives it, callgrind's file, and how many seconds that took: idle
        at the end, where there are fewer than `seconds`. `port_of` waits until it is ready."""
        self.runs += 1
        file, log = self.work / f"callgrind.{self.runs}", self.work / f"valgrind.{self.runs}.log"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SATCHELD_")} | {"LD_PRELOAD": str(self.shim)}
        process = subprocess.Popen(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={file}", f"--log-file={log}", *map(str, command)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        try:
            port = port_of(process)
            began = time.monotonic()
            load(port)
            time.sleep(max(0, began + seconds - time.monotonic()))
            seconds = time.monotonic() - began
        finally:
            end(process)
        found = re.search(r"Collected : (\d+)", log.read_text())
        if not found:
            sys.exit(f"no count: {log.read_text()[-2000:]}")
        return int(found[1]), file, seconds

    def each(self, kind, run):
        """Instructions of one request, where `run(count, seconds)` does so many of them and lasts so long; and both files."""
        many, after, seconds = run(SHORT + self.requests(kind), 0)
        few, before, _ = run(SHORT, seconds)
        return (many - few) / self.requests(kind), before, after

    def requests(self, kind):
        """How many requests there are to count. Starting twice differs by a million and a half instructions: little to each
        of many reads, or of fewer uploads."""
        return max(1, self.options.requests // 20) if kind == "PUT" else self.options.requests

    def satcheld(self, kind, size):
        template = self.work / f"store.{kind}.{size}"
        shutil.rmtree(template, ignore_errors=True)
        make_store(self.options.satcheld, template)
        settings = ["--slot-secrets", str(self.secret()), "--bytes-per-door", "none"] if kind == "slot" else []
        if kind == "slot":
            with start_satcheld(self.options.satcheld, template, *settings) as server:
                name = fill_slot(server.port, size)
        else:
            name = add_blobs(template, [sealed_bytes(size)])[0]
        limits = [word for pair in UNLIMITED.items() if f" {pair[0]}" in help_of(self.options.satcheld)
                  for word in pair if word]

        def run(count, seconds):
            storage = self.work / "run"
            shutil.rmtree(storage, ignore_errors=True)
            shutil.copytree(template, storage, ignore=lambda _, names: [name for name in names if name.endswith(".sock")])
            command = [self.program, "serve", "--storage", storage, "--listen", "127.0.0.1:0", *limits, *settings]
            return self.count(command, port_in_line, lambda port: drive(port, kind, name, size, count), seconds)

        return self.each(kind, run)

    def secret(self):
        """The file with the secret of the door."""
        file = self.work / "chat.secret"
        file.touch(mode=0o600)
        file.write_text(SECRET)
        return file

    def nginx(self, kind, size):
        folder = self.work / "nginx"
        (folder / "files").mkdir(parents=True, exist_ok=True)
        (folder / "files" / "blob").write_bytes(sealed_bytes(size))

        def run(count, seconds):
            port, _ = write_nginx(folder, connections=512, workers=1)

            def wait(process):
                wait_for_port(port, process, folder / "error.log")
                return port

            return self.count([*nginx_command(folder), "-g", "master_process off;"], wait,
                              lambda port: drive(port, kind, "blob", size, count), seconds)

        return self.each(kind, run)

    def costliest(self, kind, before, after, each):
        """The functions that a request costs most in, as lines."""
        symbols = {}
        listing = subprocess.run(["nm", "-n", "--defined-only", self.program], check=True, capture_output=True, text=True).stdout
        for address, _, name in (line.split(maxsplit=2) for line in listing.splitlines()):
            symbols.setdefault(int(address, 16), name)
        tables = [functions(file, symbols) for file in (before, after)]
        costs = {name: (tables[1][name] - tables[0][name]) / self.requests(kind) for name in tables[1]}
        rows = sorted(costs.items(), key=lambda row: -row[1])[:self.options.top]
        names = subprocess.run(["swift", "demangle", "--simplified"], input="\n".join(name for name, _ in rows), check=True,
                               capture_output=True, text=True).stdout.splitlines()
        return [f"{cost:9,.0f}  {cost / each:6.1%}  {name[:130]}" for (_, cost), name in zip(rows, names)]


def port_in_line(process):
    """The port that a satcheld tells of once it is ready."""
    found = re.search(r"https?://\S+:(\d+)", process.stdout.readline())
    return int(found[1]) if found else sys.exit("satcheld did not start")


def end(process):
    """nginx may overlook a signal that comes just before it waits: it is said again."""
    while process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            pass


def functions(file, symbols):
    """Instructions by function, of the function alone."""
    listing = subprocess.run(["callgrind_annotate", "--threshold=99.9", file], check=True, capture_output=True, text=True).stdout
    table = collections.Counter()
    for line in listing.splitlines():
        found = re.match(r"\s*([\d,]+) \(\s*[\d.]+%\)\s+(\S+:\S.*?) \[", line)
        if not found or "PROGRAM" in found[2]:
            continue
        place = re.match(r"\?\?\?:0x([0-9a-f]+)", found[2])
        name = symbols.get(int(place[1], 16), found[2]) if place else found[2].split(":", 1)[1]
        table[name] += int(found[1].replace(",", ""))
    return table


def check(counter, options):
    """Whether no count has grown by more than a tenth."""
    known, is_fine = json.loads(KNOWN.read_text()), True
    for name, before in known.items():
        if options.only in name:
            kind, size, _ = ROWS[name]
            now = counter.satcheld(kind, size)[0]
            is_fine &= now <= 1.1 * before
            print(f"{name}: {now:,.0f} user-space instructions, {now / before:.2f} of the {before:,} on record", flush=True)
    if not is_fine:
        sys.exit(f"more than a tenth over {KNOWN.name}: find out why, or record the new count there and say why")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--top", type=int, default=0)
    parser.add_argument("--no-nginx", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    with workplace(options.folder) as work:
        counter = Counter(options, work)
        if options.check:
            return check(counter, options)
        table = Table("User-space instructions a request", "work", "satcheld", "nginx", "ratio")
        lists = {}
        for name, (kind, size, bound) in ROWS.items():
            if options.only not in name:
                continue
            ours, before, after = counter.satcheld(kind, size)
            theirs = None if options.no_nginx or kind in ("PUT", "slot") else counter.nginx(kind, size)[0]
            ratio = f"{ours / theirs:.2f}" if theirs else ""
            table.row(name, f"{ours:,.0f}", f"{theirs:,.0f}" if theirs else "", ratio, bound=f"≤ {bound:,}", kept=ours <= bound)
            if options.top:
                lists[name] = counter.costliest(kind, before, after, ours)
        for name, lines in lists.items():
            print(f"\n{name}:", *lines, sep="\n")
        table.end()


if __name__ == "__main__":
    main()
