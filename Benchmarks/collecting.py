#!/usr/bin/env python3
"""Measures garbage collection in a large store: how fast a sweep deletes, and how much it slows readers and uploaders.

    python3 Benchmarks/collecting.py [--satcheld PROGRAM] [--folder FOLDER] [--quick]

Creates a store of a million blobs (sparse files, rows in bulk), serves it, and lets 200,000 leases expire at once: first
beside readers of a few hot blobs, then beside uploaders. The duration of each sweep comes from the server's own metrics.
--quick uses a tenth of everything.
"""

import argparse
import contextlib
import pathlib
import re
import sqlite3
import sys
import time
import urllib.request

from side_by_side import (
    HERE, KIB, MIB, Table, add_arguments, build_load, free_port, make_store, raise_file_limit, recount_store,
    resident_bytes, run_load, start_satcheld, text, workplace)

sys.path.insert(0, str(HERE.parent / "Tests" / "SystemTests" / "Peer"))
from fill_store import fill  # noqa: E402

SPEED_BOUND, IDLE_BOUND_SECONDS, LATENCY_BOUND, UPLOAD_BOUND = 10_000, 0.010, 3, 0.7
READ_RATE = 2000


class Collecting:
    def __init__(self, options, work, table):
        self.options, self.work, self.table = options, work, table
        self.blobs = 100_000 if options.quick else 1_000_000
        self.ended = self.blobs // 5
        self.storage = work / "storage"
        self.load = build_load(work)
        self.admin = free_port()

    def run(self):
        make_store(self.options.satcheld, self.storage)
        fill(self.storage, self.blobs, 0)
        recount_store(self.storage)
        with start_satcheld(self.options.satcheld, self.storage, "--gc-interval", "1s", "--accept", "any",
                            "--admin-listen", str(self.admin), "--allow-anonymous-uploads") as server:
            self.idle()
            self.beside_readers(server)
            self.beside_uploaders(server)
            self.wait_for_sweep(0)
        self.compare_sums()

    # What is measured

    def idle(self):
        # The first pass after a start looks for files without a row too.
        self.wait_for_passes(1)
        before = self.passes()
        self.wait_for_passes(before[0] + 5)
        after = self.passes()
        seconds = (after[1] - before[1]) / (after[0] - before[0])
        self.table.row("a pass with nothing to do", f"{seconds * 1000:.1f} ms", "", "", "",
                       bound=f"< {IDLE_BOUND_SECONDS * 1000:.0f} ms", kept=seconds < IDLE_BOUND_SECONDS)

    def beside_readers(self, server):
        paths = self.work / "paths"
        paths.write_text("".join(f"/{address}\n" for address in self.some_live(64)))
        arguments = ["get", server.address, "--paths", paths, "--rate", READ_RATE, "--connections", 32, "--seconds"]
        run_load(self.load, *arguments, 3)
        quiet = run_load(self.load, *arguments, 10)["p99_us"]
        before = resident_bytes(server.pid)
        with self.sweep() as sweep:
            during = run_load(self.load, *arguments, self.expected_seconds())["p99_us"]
        grown = resident_bytes(server.pid) - before
        ratio = during / quiet
        self.table.row("hot reads beside a sweep, p99", f"{text(during)} µs", "quiet", f"{text(quiet)} µs",
                       f"{ratio:.2f}", bound=f"≤ {LATENCY_BOUND}", kept=ratio <= LATENCY_BOUND)
        self.told(sweep, "readers")
        self.table.row("memory that a sweep adds", f"{grown / MIB:.1f} MiB", "", "", "", bound="≤ 16 MiB",
                       kept=grown <= 16 * MIB)

    def beside_uploaders(self, server):
        arguments = ["put", server.address, "--size", 100 * KIB, "--connections", 32, "--seconds"]
        run_load(self.load, *arguments, 3)
        quiet = run_load(self.load, *arguments, 10)["per_second"]
        with self.sweep() as sweep:
            during = run_load(self.load, *arguments, self.expected_seconds())["per_second"]
        ratio = during / quiet
        self.table.row("uploads beside a sweep", f"{text(during)}/s", "quiet", f"{text(quiet)}/s", f"{ratio:.2f}",
                       bound=f"≥ {UPLOAD_BOUND}", kept=ratio >= UPLOAD_BOUND)
        self.told(sweep, "uploaders")

    def told(self, sweep, company):
        speed = sweep["removed"] / sweep["seconds"]
        # Uploads come first, so beside them there is no bound.
        is_bound = company == "readers"
        self.table.row(f"blobs removed beside {company}", f"{text(speed)}/s", "", "", "",
                       bound=f"≥ {SPEED_BOUND}" if is_bound else "", kept=speed >= SPEED_BOUND if is_bound else None)

    def compare_sums(self):
        with contextlib.closing(sqlite3.connect(f"file:{self.storage}/catalog.sqlite?mode=ro", uri=True)) as catalog:
            told = catalog.execute("SELECT count, bytes FROM tally WHERE kind = 1").fetchone()
        files = [path.stat().st_size for path in (self.storage / "blobs.v1").glob("??/*")]
        found = (len(files), sum(files))
        self.table.row("blobs and bytes, told and on disk", f"{told[0]}, {told[1]}", "files", f"{found[0]}, {found[1]}",
                       "", bound="the same", kept=told == found)

    # Sweeps

    def expected_seconds(self):
        """No longer than a sweep at the bound takes, since what is measured is the time beside it."""
        return self.ended / SPEED_BOUND / 2

    @contextlib.contextmanager
    def sweep(self):
        """Lets leases expire, waits until the sweep has started, and, after the body, until it has ended."""
        result = {}
        _, seconds = self.passes()
        removed = self.metric("satcheld_gc_blobs_removed_total")
        self.end_leases()
        while self.metric("satcheld_gc_backlog", 'kind="leases_due"') == self.ended: time.sleep(0.01)
        yield result
        self.wait_for_sweep(removed + self.ended)
        result["seconds"] = self.passes()[1] - seconds
        result["removed"] = self.metric("satcheld_gc_blobs_removed_total") - removed

    def end_leases(self):
        now = int(time.time())
        with contextlib.closing(sqlite3.connect(self.storage / "catalog.sqlite", timeout=30)) as catalog:
            catalog.execute(
                """UPDATE lease SET expires = ? WHERE id IN (
                       SELECT id FROM lease WHERE ended IS NULL AND subject LIKE 'fill:%' AND blob % 7 <> 0 LIMIT ?)""",
                (now - 3600, self.ended))
            catalog.execute(
                "UPDATE blob SET sunset = ?1 WHERE id IN (SELECT blob FROM lease WHERE ended IS NULL AND expires = ?1)",
                (now - 3600,))
            catalog.commit()

    def some_live(self, count):
        """Addresses of small blobs that no sweep of this script deletes."""
        with contextlib.closing(sqlite3.connect(f"file:{self.storage}/catalog.sqlite?mode=ro", uri=True)) as catalog:
            rows = catalog.execute(
                "SELECT address FROM blob WHERE state = 1 AND id % 7 = 0 AND size <= 16384 LIMIT ?", (count,))
            return [address.hex() for (address,) in rows]

    def wait_for_sweep(self, removed):
        """Waits until so many blobs are deleted and the pass that did it has ended."""
        while self.metric("satcheld_gc_blobs_removed_total") < removed: time.sleep(0.1)

    def wait_for_passes(self, count):
        while self.passes()[0] < count: time.sleep(0.1)

    def passes(self):
        """Passes so far and the seconds they took together."""
        return self.metric("satcheld_gc_pass_seconds_count"), self.metric("satcheld_gc_pass_seconds_sum")

    def metric(self, name, label=""):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics", timeout=30) as answer:
            page = answer.read().decode()
        labels = r"\{" + re.escape(label) + r"\}" if label else ""
        return float(re.search(rf"^{name}{labels} (\S+)$", page, re.M).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    options = parser.parse_args()
    raise_file_limit()
    table = Table("Collecting", "work", "figure", "beside", "its figure", "ratio")
    with workplace(options.folder) as work:
        Collecting(options, pathlib.Path(work), table).run()
    table.end()


if __name__ == "__main__":
    main()
