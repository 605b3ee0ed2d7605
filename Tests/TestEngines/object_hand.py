#!/usr/bin/env python3
"""Puts, gives and removes objects of an S3-compatible store by hand, past the store that keeps them.

    object_hand.py ENDPOINT BUCKET REGION ACCESS_KEY SECRET_KEY

Each line of standard input is a command, each answered by one line: `ok`, `none` where there is no object, or a word and
why not. Bytes are in a file.

    get NAME FILE    put NAME FILE    delete NAME
"""

import datetime
import hashlib
import hmac
import http.client
import sys


class Hand:
    def __init__(self, endpoint, bucket, region, access_key, secret_key):
        self.host, self.bucket, self.region = endpoint.removeprefix("http://"), bucket, region
        self.access_key, self.secret_key = access_key, secret_key

    def ask(self, method, name, body=b""):
        """Signs by AWS Signature Version 4; gives status and body."""
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        path, digest = f"/{self.bucket}/{name}", hashlib.sha256(body).hexdigest()
        fields = {"host": self.host, "x-amz-content-sha256": digest, "x-amz-date": now}
        signed = ";".join(fields)
        canonical = "\n".join(
            [method, path, "", *(f"{key}:{value}" for key, value in fields.items()), "", signed, digest])
        scope = f"{now[:8]}/{self.region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + self.secret_key).encode()
        for part in (now[:8], self.region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        fields["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope},SignedHeaders={signed},Signature={signature}")
        connection = http.client.HTTPConnection(self.host, timeout=600)
        try:
            connection.request(method, path, body, fields)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def obey(self, line):
        command, name, *rest = line.split(" ")
        if command == "get":
            status, body = self.ask("GET", name)
            if status == 404:
                return "none"
            with open(rest[0], "wb") as file:
                file.write(body)
            return "ok" if status == 200 else f"failed {status}"
        if command == "put":
            with open(rest[0], "rb") as file:
                status, _ = self.ask("PUT", name, file.read())
        else:
            status, _ = self.ask("DELETE", name)
        return "ok" if status in (200, 204, 404) else f"failed {status}"


def main():
    hand = Hand(*sys.argv[1:])
    for line in sys.stdin:
        try:
            print(hand.obey(line.rstrip("\n")), flush=True)
        except OSError as error:
            print("failed", " ".join(str(error).split()), flush=True)


if __name__ == "__main__":
    main()
