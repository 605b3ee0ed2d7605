#!/usr/bin/env python3
"""Runs one engine for tests, with its files in memory: PostgreSQL, or an object store. It listens on loopback alone, or at
the `address` of a host of the tests.

    engines.py postgres | ceph | seaweedfs [SETTING=VALUE …]

When it can be used, one line of JSON says where; where it cannot be started, {"failure": …}. It ends, and nothing of it is
left, when the standard input of this program does. Until then each line there is a command, answered by one line, `ok` or
why not:

    halt       ends it at once, as a crash does; of Ceph, the gateway
    again      starts it once more on the same files and ports
    pause      stops its processes where they are: it takes connections, and says nothing
    resume     lets them go on
    replica    (postgres) starts a synchronous standby beside it; `pair` reaches whichever of them writes
    promote    (postgres) ends the first as a crash does; the standby writes from then on
    quota N    (ceph) the user may hold N bytes and no more; `off` for no such limit
"""

import json
import os
import sys

import object_engines
from engine import Failure
from postgres_engine import Postgres

KINDS = {"postgres": Postgres, "ceph": object_engines.Ceph, "seaweedfs": object_engines.SeaweedFS}


def say(text):
    print(text, flush=True)


def obey(engine, line):
    name, *arguments = line.split()
    if name not in ("halt", "again", "pause", "resume", "quota", "replica", "promote") or not hasattr(engine, name):
        raise Failure(f"there is no command {name}")
    getattr(engine, name)(*arguments)


def main():
    # What ends the tests from a terminal is not for the engine: it still has to put its things away.
    os.setsid()
    settings = dict(argument.split("=", 1) for argument in sys.argv[2:])
    engine = KINDS[sys.argv[1]](settings)
    try:
        try:
            say(json.dumps(engine.start()))
        except (Failure, OSError) as failure:
            return say(json.dumps({"failure": str(failure)}))
        for line in sys.stdin:
            try:
                obey(engine, line)
                say("ok")
            except (Failure, OSError) as failure:
                say(" ".join(str(failure).split()))
    finally:
        engine.close()


if __name__ == "__main__":
    main()
