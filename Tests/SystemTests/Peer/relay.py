#!/usr/bin/env python3
"""Stands between a client and a server, counts what goes through, and breaks connections.

    relay.py TARGET LOG [cut=BYTES] [cuts=NUMBER] [hold=BYTES] [turn=BYTES] [turns=NUMBER]

Listens on a free port of 127.0.0.1, prints it, and passes everything on to TARGET, a port of 127.0.0.1 or the path of
a socket. After `cut` BYTES from the client on one connection both sides are reset, NUMBER times at most. The first
connection over which `hold` BYTES have gone in one direction passes on no further one: whoever waits for them finds a
transfer that is not over, however slow the machine. After `turn` BYTES from the server on one connection a bit of the
next one is turned, on the first NUMBER connections that come so far. LOG gets three numbers whenever they change: bytes that clients have
sent, that servers have, and cuts.
"""

import os
import socket
import struct
import sys
import threading
import time

target, log = sys.argv[1:3]
options = dict(argument.split("=") for argument in sys.argv[3:])
cut, cuts, hold, turn, turns = (int(options.get(name, 0)) for name in ("cut", "cuts", "hold", "turn", "turns"))
lock = threading.Lock()
sent = received = done = 0
held = False


def note(up=0, down=0, more_cuts=0):
    global sent, received, done
    with lock:
        sent += up
        received += down
        done += more_cuts
        with open(log + ".new", "w") as file:
            file.write(f"{sent} {received} {done}\n")
        os.replace(log + ".new", log)


def reset(*connections):
    for connection in connections:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def hold_on(passed, source):
    """Drops what else comes from `source` until it ends, if this is the connection to be held."""
    global held
    with lock:
        if not hold or held or passed < hold:
            return
        held = True
    while source.recv(65536):
        pass


def upward(client, server):
    passed = 0
    while True:
        room = min(65536, cut - passed) if cut and (not cuts or done < cuts) else 65536
        data = client.recv(room)
        if not data:
            return server.shutdown(socket.SHUT_WR)
        server.sendall(data)
        passed += len(data)
        breaks = cut and passed >= cut and (not cuts or done < cuts)
        note(up=len(data), more_cuts=int(bool(breaks)))
        if breaks:
            # What has been passed on shall arrive: only then the line goes dead.
            time.sleep(0.05)
            client.shutdown(socket.SHUT_RDWR)
            return reset(client, server)
        hold_on(passed, client)


def downward(server, client):
    passed = 0
    while data := server.recv(65536):
        client.sendall(turned(data, passed))
        passed += len(data)
        note(down=len(data))
        hold_on(passed, server)
    client.shutdown(socket.SHUT_WR)


def turned(data, passed):
    """The data that follows so many bytes, with a bit turned if the one to be turned is among them."""
    global turns
    place = turn - passed
    with lock:
        if not turns or not 0 <= place < len(data):
            return data
        turns -= 1
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1:]


def guarded(pump, *ends):
    try:
        pump(*ends)
    except OSError:
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def serve(client):
    try:
        if target.isdigit():
            server = socket.create_connection(("127.0.0.1", int(target)))
        else:
            server = socket.socket(socket.AF_UNIX)
            server.connect(target)
    except OSError:
        return reset(client)
    for pump, ends in ((upward, (client, server)), (downward, (server, client))):
        threading.Thread(target=guarded, args=(pump, *ends), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0), backlog=64)
note()
print(listener.getsockname()[1], flush=True)


while True:
    serve(listener.accept()[0])
