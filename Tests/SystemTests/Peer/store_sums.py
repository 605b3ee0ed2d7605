#!/usr/bin/env python3
"""Number and bytes of the blobs that are held: first as the catalog's kept sums tell them, then as the files do."""
import os
import sqlite3
import sys

storage = sys.argv[1]
catalog = sqlite3.connect(f"file:{storage}/catalog.sqlite?mode=ro", uri=True)
print(*catalog.execute("SELECT count, bytes FROM tally WHERE kind = 1").fetchone())
count = size = 0
for shard in os.scandir(os.path.join(storage, "blobs.v1")):
    if shard.is_dir():
        for blob in os.scandir(shard.path):
            count, size = count + 1, size + blob.stat().st_size
print(count, size)
