"""Passes TCP connections on to a port of this machine and keeps every byte of both directions.

usage: recorder.py PORTFILE FILE      prints the port it listens on; PORTFILE holds the other when the first client comes
"""
import socket
import sys
import threading

kept = open(sys.argv[2], "wb", buffering=0)


def pass_on(source, destination):
    try:
        while data := source.recv(65536):
            kept.write(data)
            destination.sendall(data)
    except OSError:
        pass
    for end in (source, destination):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    client, _ = listener.accept()
    with open(sys.argv[1]) as port:
        server = socket.create_connection(("127.0.0.1", int(port.read())))
    for ends in ((client, server), (server, client)):
        threading.Thread(target=pass_on, args=ends, daemon=True).start()
