"""Recipients' names, version 2, computed a second time from their description alone (docs/http-api.md, "Recipients").

Usage: recipient_names.py > ../Vectors/recipient-names-v2.json
"""

import base64
import hashlib
import hmac
import json

ASCENDING = bytes(range(64))
PERSON, ADDRESS, RECEIPT = ASCENDING[:16], ASCENDING[16:48], ASCENDING[48:]
CASES = [
    (PERSON, ADDRESS, RECEIPT),
    # Another blob with the same receipt secret, another receipt secret on the same blob, another person.
    (PERSON, ADDRESS[::-1], RECEIPT),
    (PERSON, ADDRESS, RECEIPT[::-1]),
    (PERSON[::-1], ADDRESS, RECEIPT),
    (bytes(16), bytes(32), bytes(16)),
    (b"\xff" * 16, b"\xff" * 32, b"\xff" * 16),
]


def name(person, address, receipt):
    message = b"satchel-recipient/2" + b"\0" + address + receipt
    return hmac.new(person, message, hashlib.sha256).digest()[:16]


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


print(json.dumps([
    {"person": person.hex(), "address": address.hex(), "receipt": receipt.hex(),
     "name": base64url(name(person, address, receipt))}
    for person, address, receipt in CASES], indent=2))
