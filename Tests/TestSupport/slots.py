#!/usr/bin/env python3
"""A server of slots (XEP-0363) that misbehaves as it is told, for the tests of the client.

    slots.py LOG [tls=CERTIFICATE,KEY] [file=PATH] [NAME=BEHAVIOUR,BEHAVIOUR… …]

Listens on a free port of 127.0.0.1, prints the port, and ends when its standard input does. What is PUT to a path is
there under that path, and `file` under each other. NAME is put, head or get: each such request takes the next behaviour
of its list; when the list is used up it is served as it should be. Every request is written to LOG as one line of JSON.

status:N answers so, redirect:PLACE with 302, drop hangs up, cut:N hangs up after N bytes of the body, sizeless gives no
length, size:N a wrong one.
"""

import http.server
import json
import re
import socket
import ssl
import sys
import threading

files = {}
others = None
behaviours = {}
lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def next_behaviour(self):
        with lock:
            rest = behaviours.get(self.command.lower(), [])
            behaviour = rest.pop(0) if rest else "ok"
            with open(sys.argv[1], "a") as log:
                fields = {name.lower(): value for name, value in self.headers.items()}
                log.write(json.dumps({"method": self.command, "path": self.path, "fields": fields}) + "\n")
        return behaviour.partition(":")[::2]

    def hang_up(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def answer(self, status, body=b"", fields=(), length=None):
        self.send_response(status)
        if length != "":
            self.send_header("Content-Length", length or str(len(body)))
        else:
            self.close_connection = True
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def common(self, kind, detail):
        if kind == "status":
            self.answer(int(detail))
        elif kind == "redirect":
            self.answer(302, b"", [("Location", detail)])
        elif kind == "drop":
            self.hang_up()
        else:
            return False
        return True

    def do_PUT(self):
        kind, detail = self.next_behaviour()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.common(kind, detail):
            files[self.path] = body
            self.answer(201)

    def do_HEAD(self):
        kind, detail = self.next_behaviour()
        body = files.get(self.path, others)
        if self.common(kind, detail):
            return
        if body is None and kind != "size":
            return self.answer(404)
        self.answer(200, body or b"", length={"sizeless": "", "size": detail}.get(kind))

    def do_GET(self):
        kind, detail = self.next_behaviour()
        body = files.get(self.path, others)
        if self.common(kind, detail):
            return
        if body is None:
            return self.answer(404)
        whole, status, fields = len(body), 200, [("ETag", '"one"')]
        part = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if part:
            status, body = 206, body[int(part[1]):]
            fields.append(("Content-Range", f"bytes {part[1]}-{whole - 1}/{whole}"))
        if kind == "cut":
            self.answer(status, body[:int(detail)], fields, str(len(body)))
            self.wfile.flush()
            return self.hang_up()
        self.answer(status, body, fields)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that hangs up is part of the game."""


def main():
    global others
    identity = None
    for argument in sys.argv[2:]:
        name, _, value = argument.partition("=")
        if name == "tls":
            identity = value.split(",")
        elif name == "file":
            with open(value, "rb") as file:
                others = file.read()
        else:
            behaviours[name] = value.split(",")
    server = Server(("127.0.0.1", 0), Handler)
    if identity:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*identity)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


main()
