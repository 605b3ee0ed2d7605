#!/usr/bin/env python3
"""A small blob server that misbehaves as it is told, for the tests of the client.

    peer.py LOG [NAME=BEHAVIOUR,BEHAVIOUR… …]

Listens on a free port of 127.0.0.1, prints the port, and ends when its standard input does. NAME is what is asked:
check (HEAD /upload), put (PUT /upload), blob (GET /<sha256>), lease (GET /<sha256>/lease), renew (PATCH of it), revoke
(DELETE /<sha256>), hold (POST /<sha256>/leases), receipt (PUT /<sha256>/receipts/<recipient>), quota (GET /quota);
and of a resumable upload (tus 1.0) create (POST /uploads), look, append and cancel (HEAD, PATCH and DELETE of it).
Each such request takes the next behaviour of its list; when the list is used up it is served as it should be. Every
request is written to LOG as one line of JSON. cap=BYTES lets no larger body pass, as a proxy would. mirrors=TEXT,TEXT…
is what it says of other places; @ in them stands for the address of the blob. forged=PATH is what it gives instead of a
blob where it is told forged.
"""

import base64
import hashlib
import http.server
import json
import secrets
import socket
import sys
import threading
import time

blobs = {}
leases = {}
received = {}
uploads = {}
cap = None
mirrors = []
forgery = None
behaviours = {}
lock = threading.Lock()


def pattern(size):
    return bytes((i * 7 + (i >> 8)) & 0xFF for i in range(size))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "peer"

    def log_message(self, *_):
        pass

    def next_behaviour(self, name):
        with lock:
            rest = behaviours.get(name, [])
            behaviour = rest.pop(0) if rest else "ok"
            with open(sys.argv[1], "a") as log:
                log.write(json.dumps({"name": name, "path": self.path, "as": behaviour,
                                      "fields": {k.lower(): v for k, v in self.headers.items()}}) + "\n")
        return behaviour.partition(":")[::2]

    def answer(self, status, body=b"", fields=(), length=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def problem(self, status, code, reason=None, fields=()):
        body = {"type": "/problems/" + code, "title": code, "status": status}
        if reason:
            body["reason"] = reason
        self.answer(status, json.dumps(body).encode(),
                    [("Content-Type", "application/problem+json"), ("X-Reason", reason or code), *fields])

    def hang_up(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def common(self, kind, detail):
        """Serves what every request may be told to do; True if it was one of these."""
        if kind == "busy":
            self.problem(503, "unavailable", fields=[("Retry-After", detail)] if detail else [])
        elif kind == "gone":
            self.problem(410, "gone", detail)
        elif kind == "missing":
            self.problem(404, "not-found")
        elif kind == "status":
            code, _, status = detail.rpartition("/")
            self.problem(int(status), code)
        elif kind == "redirect":
            self.answer(302, b"", [("Location", detail)])
        elif kind == "drop":
            self.hang_up()
        elif kind == "gateway":
            self.answer(int(detail), b"<html>Bad gateway</html>", [("Content-Type", "text/html")])
        elif kind == "portal":
            self.answer(403, b"<html>Sign in</html>", [("Content-Type", "text/html")])
        elif kind == "html":
            self.answer(200, b"<html>Sign in</html>", [("Content-Type", "text/html")])
        elif kind == "garbage":
            self.wfile.write(b"\0\1\2 this is no HTTP\r\n\r\n")
            self.hang_up()
        elif kind == "bighead":
            self.answer(200, b"", [("X-Field", "x" * 1000)] * 90)
        elif kind == "bigproblem":
            self.answer(404, b" " * 1_000_000)
        elif kind == "stall":
            threading.Event().wait(20)
        else:
            return False
        return True

    def do_HEAD(self):
        if self.path.startswith("/uploads/"):
            return self.look()
        kind, detail = self.next_behaviour("check")
        if not self.common(kind, detail):
            self.answer(200, fields=[("Satchel-Public-URL", detail)] if kind == "at" else [])

    def do_GET(self):
        part = self.path.rpartition("/")[2].split(".")[0]
        if part == "lease":
            self.get_lease()
        elif part == "quota":
            self.get_quota()
        else:
            self.get_blob(part)

    def get_quota(self):
        kind, detail = self.next_behaviour("quota")
        if self.common(kind, detail):
            return
        body = {"bytes": {"used": 5_000_000, "reserved": 1000, "limit": 20_000_000},
                "leases": {"used": 3, "limit": 10_000}, "uploads": {"used": 1}, "next_end": 1_790_000_000}
        self.answer(200, json.dumps(body).encode(), [("Content-Type", "application/json")])

    def get_lease(self):
        address = self.path.split("/")[-2]
        kind, detail = self.next_behaviour("lease")
        if self.common(kind, detail):
            return
        if address not in leases:
            return self.problem(404, "not-found")
        self.answer_lease(address, kind, detail)

    def answer_lease(self, address, kind, detail, expires=4_000_000_000):
        body = {"sha256": "0" * 64 if kind == "other" else address, "size": len(blobs[address]), "state": leases[address],
                "created": 1, "expires": expires, "recipients": None,
                "received": [{"recipient": name, "at": 5} for name in received.get(address, {})],
                **self.mirrors(address)}
        if kind == "state":
            body["state"] = detail
        self.answer(200, json.dumps(body).encode(), [("Content-Type", "application/json")])

    def mirrors(self, address):
        return {"mirrors": [text.replace("@", address) for text in mirrors]} if mirrors else {}

    def get_blob(self, address):
        kind, detail = self.next_behaviour("blob")
        if self.common(kind, detail):
            return
        if address not in blobs:
            return self.problem(404, "not-found")
        blob = blobs[address]
        tag = [("ETag", f'"{address}"'), ("Content-Type", "application/octet-stream")]
        if kind == "forged":
            blob = forgery
        if kind == "wrong":
            for place in map(int, (detail or "1000").split("+")):
                blob = blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1:]
        if kind == "long":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            body = blob + b"x"
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
            return
        if kind == "longer":
            return self.answer(200, blob + b"x", tag)
        first, end, asked = 0, len(blob), self.headers.get("Range")
        if asked and kind != "whole":
            first, last = asked.removeprefix("bytes=").split("-")
            first, end = int(first), int(last) + 1 if last else len(blob)
            shown = first + 1 if kind == "wrongpart" else first
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {shown}-{end - 1}/{len(blob)}")
        else:
            self.send_response(200)
        if kind != "nolength":
            self.send_header("Content-Length", str(end - first))
        for name, value in tag:
            self.send_header(name, value)
        self.end_headers()
        if kind == "drip":
            for index in range(int(detail)):
                self.wfile.write(blob[index:index + 1])
                time.sleep(0.05)
            return self.hang_up()
        end = first + int(detail) if kind in ("cut", "nolength") else end
        self.wfile.write(blob[first:end])
        if kind in ("cut", "nolength"):
            self.wfile.flush()
            self.hang_up()

    def handle_expect_100(self):
        with lock:
            rest = behaviours.get("append" if self.command == "PATCH" else "put", [])
            refuses = rest and rest[0].split(":")[0] in ("busy", "status", "gone", "redirect", "missing")
        refuses = refuses or self.is_too_large()
        return True if refuses else super().handle_expect_100()

    # Resumable uploads

    def create(self):
        kind, detail = self.next_behaviour("create")
        if self.common(kind, detail):
            return
        name = secrets.token_hex(16)
        fields = dict(pair.split(" ") for pair in self.headers["Upload-Metadata"].split(","))
        uploads[name] = {"length": int(self.headers["Upload-Length"]), "bytes": b"",
                         "sha256": base64.b64decode(fields["sha256"]).decode()}
        if kind == "lost":
            return self.hang_up()
        self.answer(201, b"", [("Location", f"http://elsewhere.example/uploads/{name}"), ("Tus-Resumable", "1.0.0")])

    def standing(self, status, upload):
        fields = [("Upload-Offset", str(len(upload["bytes"]))), ("Tus-Resumable", "1.0.0")]
        if leases.get(upload["sha256"]) == "held" and len(upload["bytes"]) == upload["length"]:
            place = f"http://127.0.0.1:{self.server.server_port}/public/{upload['sha256']}"
            fields.append(("Content-Location", place))
        self.answer(status, b"", fields)

    def look(self):
        kind, detail = self.next_behaviour("look")
        upload = uploads.get(self.path.rpartition("/")[2])
        if self.common(kind, detail):
            return
        if upload is None:
            return self.problem(404, "not-found")
        self.standing(200, upload)

    def append(self):
        kind, detail = self.next_behaviour("append")
        length = int(self.headers["Content-Length"])
        upload = uploads.get(self.path.rpartition("/")[2])
        if kind in ("busy", "status", "missing") or self.is_too_large():
            self.close_connection = True
            return self.common(kind, detail) or self.answer(413, b"<html>Too large</html>")
        if kind == "drop":
            return self.hang_up()
        if upload is None or int(self.headers["Upload-Offset"]) != len(upload["bytes"]):
            self.close_connection = True
            return self.problem(404, "not-found") if upload is None else self.problem(409, "wrong-offset")
        wanted = int(detail) if kind in ("cut", "nothing") else length
        body = self.rfile.read(wanted) if kind == "nothing" else self.take_part(upload, wanted)
        if kind == "nothing" or len(body) < wanted:
            return self.hang_up()
        if len(upload["bytes"]) == upload["length"]:
            address = hashlib.sha256(upload["bytes"]).hexdigest()
            if address != upload["sha256"]:
                return self.problem(422, "digest-mismatch")
            if kind == "full":
                return self.problem(429, "quota", fields=[("Retry-After", "1")])
            blobs[address] = upload["bytes"]
            leases[address] = "held"
        if kind in ("cut", "lost"):
            return self.hang_up()
        self.standing(204, upload)

    def take_part(self, upload, wanted):
        """Keeps what comes as it comes: what a connection that breaks has brought is there."""
        came = b""
        while piece := self.rfile.read1(min(65536, wanted - len(came))) if len(came) < wanted else b"":
            came += piece
            upload["bytes"] += piece
        return came

    def cancel_upload(self):
        kind, detail = self.next_behaviour("cancel")
        if not self.common(kind, detail):
            upload = uploads.pop(self.path.rpartition("/")[2], None)
            self.answer(204) if upload else self.problem(404, "not-found")

    def is_too_large(self):
        return cap is not None and int(self.headers["Content-Length"]) > cap

    def do_PATCH(self):
        if self.path.startswith("/uploads/"):
            return self.append()
        kind, detail = self.next_behaviour("renew")
        if not self.common(kind, detail):
            expires = 1_700_000_000 + int(self.headers.get("Satchel-Lifetime", "1"))
            self.answer_lease(self.path.split("/")[-2], kind, detail, expires)

    def do_DELETE(self):
        if self.path.startswith("/uploads/"):
            return self.cancel_upload()
        kind, detail = self.next_behaviour("revoke")
        if not self.common(kind, detail):
            leases[self.path.split("/")[-1]] = "revoked"
            self.answer(204)

    def do_POST(self):
        if self.path == "/uploads":
            return self.create()
        kind, detail = self.next_behaviour("hold")
        address = self.path.split("/")[-2]
        if self.common(kind, detail):
            return
        if address not in blobs:
            return self.problem(404, "not-found")
        leases[address] = "held"
        if kind == "lost":
            return self.hang_up()
        self.answer_descriptor(address, kind)

    def answer_descriptor(self, address, kind):
        shown = "0" * 64 if kind == "other" else address
        place = "https://elsewhere.example" if kind == "elsewhere" else f"http://127.0.0.1:{self.server.server_port}"
        body = {"url": f"{place}/{shown}", "sha256": shown,
                "size": len(blobs[address]), "type": "application/octet-stream", "uploaded": 1,
                "expires": 9_223_372_036_854_775_807 if kind == "wild" else 4_000_000_000, **self.mirrors(address)}
        self.answer(201, json.dumps(body).encode(), [("Content-Type", "application/json")])

    def do_receipt(self):
        kind, detail = self.next_behaviour("receipt")
        if not self.common(kind, detail):
            received.setdefault(self.path.split("/")[-3], {})[self.path.split("/")[-1]] = True
            self.answer(204)

    def do_PUT(self):
        if "/receipts/" in self.path:
            return self.do_receipt()
        kind, detail = self.next_behaviour("put")
        length = int(self.headers["Content-Length"])
        if kind in ("busy", "status", "gone", "redirect") or self.is_too_large():
            self.close_connection = True
            return self.common(kind, detail) or self.answer(413, b"<html>Too large</html>")
        if kind == "half":
            self.rfile.read(length // 2)
            return self.hang_up()
        body = self.rfile.read(length)
        if self.common(kind, detail):
            return
        address = hashlib.sha256(body).hexdigest()
        blobs[address] = body
        leases[address] = "held"
        if kind == "lost":
            return self.hang_up()
        self.answer_descriptor(address, kind)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that hangs up is part of the game."""


def main():
    global cap, mirrors, forgery
    for argument in sys.argv[2:]:
        name, _, value = argument.partition("=")
        if name == "size":
            blob = pattern(int(value))
            blobs[hashlib.sha256(blob).hexdigest()] = blob
        elif name == "cap":
            cap = int(value)
        elif name == "forged":
            with open(value, "rb") as file:
                forgery = file.read()
        elif name == "mirrors":
            mirrors = value.split(",")
        elif name == "file":
            with open(value, "rb") as file:
                blob = file.read()
            blobs[hashlib.sha256(blob).hexdigest()] = blob
        else:
            behaviours[name] = value.split(",")
    server = Server(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


main()
