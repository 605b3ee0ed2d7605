"""Asks a server over TLS before and after its certificate changes, on a connection that stays open and on a new one.

Usage: renewal.py PORT, in a folder where certificate.pem is the certificate in force. Makes the file `connected` when the
first answer has come, waits until certificate.pem holds another one that the server shows, and prints a line for each
answer that counts: its status and the name in the certificate of its connection.
"""

import http.client
import ssl
import sys
import time

PORT = int(sys.argv[1])


def connect():
    context = ssl.create_default_context(cafile="certificate.pem")
    connection = http.client.HTTPSConnection("127.0.0.1", PORT, timeout=900, context=context)
    connection.connect()
    return connection


def ask(connection):
    """The status of an answer, and the name."""
    name = dict(part[0] for part in connection.sock.getpeercert()["subject"])["commonName"]
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    answer.read()
    return f"{answer.status} {name}"


def main():
    first = connect()
    print(ask(first), flush=True)
    open("connected", "w").close()
    deadline = time.monotonic() + 900
    while True:
        try:
            second = connect()
            if dict(part[0] for part in second.sock.getpeercert()["subject"])["commonName"] != "one.example":
                break
            second.close()
        except ssl.SSLError:
            pass  # The file is newer than what the server shows.
        if time.monotonic() > deadline:
            sys.exit("the server kept its certificate")
        # However long it takes, the first connection is never idle for longer than a server waits.
        ask(first)
        time.sleep(0.05)
    print(ask(first), ask(second), sep="\n", flush=True)


main()
