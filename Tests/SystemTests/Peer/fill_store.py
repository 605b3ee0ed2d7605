#!/usr/bin/env python3
"""Fills the store of a satcheld that is not running: rows in bulk, files sparse.

    fill_store.py STORAGE --blobs 100000 --ended 20000

Of the blobs, so many have a lease whose time was up an hour ago; the others have one for a month. A file has its size
and nothing but holes, so it is no blob to `fsck`; to a sweep it is one.
"""
import argparse
import os
import sqlite3
import time


def fill(storage, blobs, ended):
    catalog = sqlite3.connect(os.path.join(storage, "catalog.sqlite"), isolation_level=None)
    catalog.execute("PRAGMA synchronous = OFF")
    # Addresses are random, so every page of their index is wanted all the time: 1 GiB of them in memory.
    catalog.execute("PRAGMA cache_size = -1048576")
    now = int(time.time())
    catalog.execute("BEGIN IMMEDIATE")
    first = catalog.execute("SELECT coalesce(max(id), 0) + 1 FROM blob").fetchone()[0]
    numbers = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ? - 1)"
    # Sizes from 1 KiB to 1 MiB, evenly on a logarithmic scale of eleven steps.
    catalog.execute(
        f"""{numbers} INSERT INTO blob (id, address, size, state, uploaded, leases, sunset)
            SELECT ? + i, randomblob(32), 1024 << (i % 11), 1, ? - i % 1000000, 1, 0 FROM n""",
        (blobs, first, now))
    # Those that have ended lie spread among the others.
    step = max(1, blobs // max(1, ended))
    catalog.execute(
        f"""{numbers} INSERT INTO lease (blob, owner, subject, created, expires, limit_seconds, hashes)
            SELECT ? + i, randomblob(32), 'fill:' || (i % 1000), ? - i % 1000000,
                   CASE WHEN i % ? = 0 AND i / ? < ? THEN ? - 3600 ELSE ? + 2592000 END, 2592000, 0 FROM n""",
        (blobs, first, now, step, step, ended, now, now))
    catalog.execute(
        "UPDATE blob SET sunset = (SELECT max(expires) FROM lease WHERE lease.blob = blob.id) WHERE id >= ?", (first,))
    # An older program may not count the leases of a day.
    rest = ", 0" * (len(catalog.execute("PRAGMA table_info(charge)").fetchall()) - 3)
    catalog.execute(
        f"""INSERT INTO charge SELECT subject, count(*), sum(max(size, 4096)){rest}
           FROM lease JOIN blob ON blob.id = lease.blob WHERE lease.blob >= ? GROUP BY subject
           ON CONFLICT (subject) DO UPDATE SET leases = leases + excluded.leases, bytes = bytes + excluded.bytes""",
        (first,))
    # The sums are kept by whoever changes rows: here that is this script.
    catalog.execute(
        """UPDATE tally SET count = (SELECT count(*) FROM blob WHERE state = kind),
           bytes = (SELECT coalesce(sum(size), 0) FROM blob WHERE state = kind) WHERE kind <= 4""")
    catalog.execute(
        "UPDATE tally SET count = (SELECT count(*) FROM lease WHERE (ended IS NULL) = (kind = 5)) WHERE kind IN (5, 6)")
    catalog.execute("COMMIT")
    folders = {}
    for address, size in catalog.execute("SELECT address, size FROM blob WHERE id >= ? ORDER BY address", (first,)):
        name = address.hex()
        shard = folders.get(name[:2])
        if shard is None:
            shard = folders[name[:2]] = os.open(os.path.join(storage, "blobs.v1", name[:2]), os.O_RDONLY)
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400, dir_fd=shard)
        os.ftruncate(file, size)
        os.close(file)
    for shard in folders.values():
        os.close(shard)
    catalog.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    catalog.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("storage")
    parser.add_argument("--blobs", type=int, required=True)
    parser.add_argument("--ended", type=int, required=True)
    options = parser.parse_args()
    fill(options.storage, options.blobs, options.ended)
