"""Stands between an edge and its origin, writes down what is asked, and spoils answers.

    python3 origin_relay.py ORIGIN_PORT

Prints its port. `PUT /-/faults` takes a JSON object, which applies to the GETs of blobs that follow:

    times     how many answers are spoilt; all, where it is absent
    reset     the connection breaks off behind so many bytes of the body
    flip      a bit of the byte at this offset of the blob is turned
    status    the answer has this status instead, and no body
    tag       the answer has this ETag
    length    the answer announces so many bytes
    whole     a range is answered with 200 and the whole
    hold      behind so many bytes the body goes on by a byte a second, until faults are set without this
    away      connections are closed without an answer
    size      the answer to a range says that the blob has so many bytes
    head      answers to HEADs, which are all spoilt: an object with `status` or `length`

`GET /-/requests` gives what was asked since the last time: a JSON list of [method, path, range, bytes sent].
"""

import http.client
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

origin = int(sys.argv[1])
lock = threading.Condition()
state = {"faults": {}, "requests": []}
HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"}


def take_faults():
    """The faults of one answer, which uses them up."""
    with lock:
        faults = state["faults"]
        if "times" in faults:
            if faults["times"] <= 0:
                return {}
            faults["times"] -= 1
        return dict(faults)


class Relay(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        if self.path.startswith("/-/"):
            return self.control()
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length) if length else None
        is_blob = self.command == "GET" and len(self.path) == 65
        faults = take_faults() if is_blob else {}
        note = [self.command, self.path, self.headers.get("Range"), 0]
        with lock:
            state["requests"].append(note)
            away = state["faults"].get("away")
            heads = state["faults"].get("head", {}) if self.command == "HEAD" and len(self.path) == 65 else {}
        if away:
            self.close_connection = True
            return self.connection.close()
        upstream = http.client.HTTPConnection("127.0.0.1", origin)
        fields = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        if faults.get("whole"):
            fields.pop("Range", None)
        upstream.request(self.command, self.path, body, fields)
        answer = upstream.getresponse()
        if self.path.startswith("/changes"):
            return self.follow(answer)
        payload = answer.read()
        status = heads.get("status", faults.get("status", answer.status))
        if "status" in faults:
            payload = b""
        start = 0
        if answer.status == 206:
            start = int(answer.getheader("Content-Range").split()[1].split("-")[0])
        flip = faults.get("flip", -1) - start
        if 0 <= flip < len(payload):
            payload = payload[:flip] + bytes([payload[flip] ^ 1]) + payload[flip + 1:]
        self.send_response_only(status)
        for name, value in answer.getheaders():
            if name.lower() in HOP or name.lower() == "content-length":
                continue
            if name.lower() == "content-range" and "size" in faults:
                value = f"{value.split('/')[0]}/{faults['size']}"
            self.send_header(name, faults["tag"] if name.lower() == "etag" and "tag" in faults else value)
        if self.command == "HEAD" or status in (204, 304):
            if answer.getheader("Content-Length"):
                self.send_header("Content-Length", str(heads.get("length", answer.getheader("Content-Length"))))
            self.end_headers()
            return
        self.send_header("Content-Length", str(faults.get("length", len(payload))))
        self.end_headers()
        end = faults.get("reset", len(payload))
        if "hold" in faults:
            held = faults["hold"]
            self.wfile.write(payload[:held])
            # Bytes that come now and then: an edge gives up an origin that is silent.
            while held < len(payload) and not self.is_let_go():
                self.wfile.write(payload[held:held + 1])
                held += 1
            note[3] = held
            payload = payload[held:]
        for at in range(0, min(end, len(payload)), 1 << 16):
            piece = payload[at:min(at + (1 << 16), end)]
            self.wfile.write(piece)
            note[3] += len(piece)
        self.wfile.flush()
        if end < len(payload) or faults.get("length", len(payload)) > len(payload):
            self.close_connection = True
            self.connection.close()

    def is_let_go(self):
        """Whether bodies are no longer held, a second from now at the latest."""
        with lock:
            return lock.wait_for(lambda: "hold" not in state["faults"], 1)

    def follow(self, answer):
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        while True:
            line = answer.readline()
            with lock:
                if state["faults"].get("away") or not line:
                    break
            self.wfile.write(line)
            self.wfile.flush()
        self.close_connection = True

    def control(self):
        with lock:
            if self.command == "PUT":
                state["faults"] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                lock.notify_all()
                payload = b""
            else:
                payload = json.dumps(state["requests"]).encode()
                state["requests"] = []
        self.send_response_only(200)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, ValueError, OSError):
            self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = do_OPTIONS = handle_any

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
