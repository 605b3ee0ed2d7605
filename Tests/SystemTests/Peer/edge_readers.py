"""Reads a blob many times at once, and tells what came.

    python3 edge_readers.py PORT SHA256 COUNT [FIRST-LAST]

Prints a JSON object: how many answers were `right`, `cut` (fewer bytes than announced), `wrong` (complete, and with
another digest or other bytes than SHA256 names) or had another status.
"""

import collections
import hashlib
import http.client
import json
import sys
import threading

port, address, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
asked = sys.argv[4] if len(sys.argv) > 4 else None
found = collections.Counter()
lock = threading.Lock()
gate = threading.Barrier(count)


def read():
    gate.wait()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=900)
    try:
        connection.request("GET", "/" + address, headers={"Range": f"bytes={asked}"} if asked else {})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == (206 if asked else 200):
            outcome = "right" if asked or hashlib.sha256(body).hexdigest() == address else "wrong"
        else:
            outcome = str(answer.status)
    except (http.client.IncompleteRead, ConnectionError):
        outcome = "cut"
    with lock:
        found[outcome] += 1


threads = [threading.Thread(target=read) for _ in range(count)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(found, sort_keys=True))
