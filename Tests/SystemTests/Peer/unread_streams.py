"""Sends requests over HTTP/2 of which none can be read, and tells how the server takes them.

    python3 unread_streams.py PORT KIND COUNT

KIND is `name` (an upper-case field name), `length` (a body of another length than announced) or `given-up` (a request
that is reset before its end). Prints `ended` where the server ends the connection, else `open` once it has answered
everything, and two pings one after the other.
"""

import socket
import ssl
import sys

from http2_frames import (DATA, END_HEADERS, END_STREAM, HEADERS, PING, RST_STREAM, SETTINGS, field, frame, request)

port, kind, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
tls.set_alpn_protocols(["h2"])


def unread(stream):
    if kind == "name":
        return frame(HEADERS, END_HEADERS | END_STREAM, stream, request("/healthz") + field("X-Upper", "1"))
    if kind == "length":
        head = request("/upload", b"PUT") + field("content-length", "3")
        return frame(HEADERS, END_HEADERS, stream, head) + frame(DATA, END_STREAM, stream, b"12345")
    return frame(HEADERS, END_HEADERS, stream, request("/" + "0" * 64)) + frame(RST_STREAM, 0, stream, b"\0\0\0\x08")


with tls.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost") as server:
    server.settimeout(900)
    frames = b"".join(unread(2 * number + 1) for number in range(count))
    try:
        server.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0) + frames)
        received = b""
        for ping in (b"behindit", b"and then"):
            server.sendall(frame(PING, 0, 0, ping))
            while ping not in received:
                more = server.recv(65536)
                if not more:
                    raise ConnectionError
                received += more
        print("open")
    except (ConnectionError, ssl.SSLError):
        print("ended")
