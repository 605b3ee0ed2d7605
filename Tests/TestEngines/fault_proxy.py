#!/usr/bin/env python3
"""Stands between a client of S3 and a store of the tests, and spoils answers as it is told.

    fault_proxy.py STORE_PORT [CERTIFICATE KEY]

Speaks TLS where it has a certificate. Prints its port, and ends when its standard input does. Each line there is a JSON object; `ok` answers it:

    {"fault": NAME, "operations": [put, get, size, list, remove …], "times": N, …}    spoils so many of the next ones
    {"heal": true}                                                                     ends all faults, lets go on what hangs
    {"requests": true}            is answered with what came since the last time: a JSON list of [operation, status, fault]

A fault is one of these; where it says nothing else, the store did what it was asked.

    status     the answer is `status`, with a document of `code` and perhaps Retry-After; the store knows nothing of it
    after      the same, after the store has done it
    error      200, with a document of an error (`code`)
    cut        the answer breaks off in the middle of its body, or of its head where it has none
    late       the answer comes after `seconds`
    hang       nothing is answered until `heal`, and the store knows nothing of it
    drop       the connection is closed once the request has come; the store knows nothing of it
    lose       the connection is closed instead of the answer
    early      200 before any of the body was read, and the connection is closed; the store knows nothing of it
    absent     404 NoSuchKey
    flip       a bit of the answer's body is another
    bend       a bit of the request's body is another
    short      the answer's body has a byte less, and says so
    unlisted   a listing without an object
    endless    an answer without an end
    clock      the store's clock is ahead by `seconds`
"""

import datetime
import http.client
import json
import ssl
import sys
import threading
import time
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import object_engines

store = int(sys.argv[1])
lock = threading.Condition()
faults, requests, healed = [], [], [0]
HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length"}


def document(code):
    return f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>a fault</Message></Error>'.encode()


def next_fault(operation):
    """The fault of one request, which uses it up."""
    with lock:
        for fault in faults:
            if operation in fault["operations"] and fault["times"] > 0:
                fault["times"] -= 1
                return fault
    return {"fault": "none"}


def flipped(body):
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1:] if body else body


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def operation(self):
        path, _, query = self.path.partition("?")
        if self.command == "GET":
            return "list" if "list-type" in query else "versioning" if query == "versioning=" else "get"
        return {"PUT": "put", "HEAD": "size", "POST": "remove"}[self.command]

    def handle_any(self):
        operation = self.operation()
        fault = next_fault(operation)
        length = 0 if fault["fault"] == "early" else int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        self.note = [operation, None, fault["fault"]]
        with lock:
            requests.append(self.note)
        getattr(self, f"do_{fault['fault']}")(fault, body)

    do_GET = do_PUT = do_HEAD = do_POST = handle_any

    # Faults

    def do_none(self, fault, body):
        self.answer(*self.ask(body))

    def do_status(self, fault, body):
        fields = [("Retry-After", str(fault["retry"]))] if fault.get("retry") is not None else []
        self.answer(fault["status"], fields, document(fault["code"]) if fault.get("code") else b"")

    def do_after(self, fault, body):
        self.ask(body)
        self.do_status(fault, body)

    def do_error(self, fault, body):
        self.answer(200, [], document(fault["code"]))

    def do_cut(self, fault, body):
        status, fields, payload = self.ask(body)
        self.answer(status, fields, payload, cut=True)
        self.hang_up()

    def do_late(self, fault, body):
        answer = self.ask(body)
        time.sleep(fault["seconds"])
        self.answer(*answer)

    def do_hang(self, fault, body):
        with lock:
            seen = healed[0]
            lock.wait_for(lambda: healed[0] > seen)
        self.hang_up()

    def do_drop(self, fault, body):
        self.hang_up()

    def do_early(self, fault, body):
        self.answer(200, [], b"")
        self.hang_up()

    def do_lose(self, fault, body):
        self.ask(body)
        self.hang_up()

    def do_absent(self, fault, body):
        self.answer(404, [], document("NoSuchKey"))

    def do_flip(self, fault, body):
        status, fields, payload = self.ask(body)
        self.answer(status, fields, flipped(payload))

    def do_bend(self, fault, body):
        self.answer(*self.ask(flipped(body)))

    def do_short(self, fault, body):
        status, fields, payload = self.ask(body)
        self.answer(status, fields, payload[:-1])

    def do_unlisted(self, fault, body):
        self.answer(200, [], b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")

    def do_endless(self, fault, body):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"10000\r\n" + b"<" * 0x10000 + b"\r\n")
        except OSError:
            self.hang_up()

    def do_clock(self, fault, body):
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=fault["seconds"])
        stamp = datetime.datetime.strptime(self.headers["x-amz-date"], "%Y%m%dT%H%M%S%z")
        if abs((stamp - now).total_seconds()) > 900:
            return self.answer(403, [("Date", format_datetime(now, usegmt=True))], document("RequestTimeTooSkewed"))
        # To the store behind, this moment is another.
        path, _, query = self.path.partition("?")
        names = self.headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
        fields = {name: self.headers[name] for name in names if name not in ("host", "x-amz-date")}
        digest = fields.pop("x-amz-content-sha256")
        signed = object_engines.sign(self.command, self.headers["host"], path, query, fields, digest)
        self.answer(*self.ask(body, signed))

    # HTTP

    def ask(self, body, fields=None):
        """The store's own answer: its status, fields and body."""
        upstream = http.client.HTTPConnection("127.0.0.1", store)
        fields = dict(fields or {name: value for name, value in self.headers.items() if name.lower() not in HOP})
        if self.command in ("PUT", "POST"):
            fields["Content-Length"] = str(len(body))
        upstream.request(self.command, self.path, body or None, fields)
        answer = upstream.getresponse()
        payload = answer.read()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP]
        if self.command == "HEAD":
            kept.append(("Content-Length", answer.getheader("Content-Length") or "0"))
        upstream.close()
        return answer.status, kept, payload

    def answer(self, status, fields, payload, cut=False):
        self.note[1] = status
        head = f"HTTP/1.1 {status} {http.client.responses.get(status, 'Unknown')}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in fields)
        if self.command != "HEAD":
            head += "" if status == 204 else f"Content-Length: {len(payload)}\r\n"
        elif not any(name.lower() == "content-length" for name, _ in fields):
            head += "Content-Length: 0\r\n"
        text = head.encode() + b"\r\n"
        if self.command != "HEAD":
            text += payload
        if cut:
            text = text[:len(text) - max(len(payload) // 2, 3)]
        try:
            self.wfile.write(text)
        except OSError:
            self.close_connection = True

    def hang_up(self):
        self.close_connection = True


def obey(command):
    with lock:
        if command.get("heal"):
            faults.clear()
            healed[0] += 1
            lock.notify_all()
        elif command.get("requests"):
            told, requests[:] = json.dumps(requests), []
            return told
        else:
            faults.append(command)
    return "ok"


def main():
    ThreadingHTTPServer.request_queue_size = 256
    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    for line in sys.stdin:
        print(obey(json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
