"""Sealed blob, version 1, written a second time from its description alone, for the tests.

Usage: sealed_blob.py seal KEY SALT PADDING PLAINTEXT BLOB
       sealed_blob.py open KEY BLOB PLAINTEXT
       sealed_blob.py salamander KEY OTHER-KEY SALT BLOB PLAINTEXT

KEY and SALT in hexadecimal. Whole files in memory: it is for small ones. Needs Python 3.9 and `cryptography`.
"""

import hashlib
import hmac
import struct
import sys

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

CHUNK = 65536
TAG = 16


def key_schedule(key, prefix):
    material = hmac.new(key, b"sealed-blob/v1\x00" + prefix + b"\x01", hashlib.sha512).digest()
    return material[:32], material[32:]


def nonce(index, is_last):
    return b"\0\0\0" + struct.pack(">Q", index) + (b"\1" if is_last else b"\0")


def padded(plaintext, policy):
    size = len(plaintext) + 8
    if policy != "none":
        size = max(size, 4096)
        octave = size.bit_length() - 1
        step = 1 << (octave - {"sixteenths": 4, "eighths": 3, "power-of-two": 0}[policy])
        size = -(-size // step) * step
    if 1 <= size % CHUNK <= 7:
        size += 8 - size % CHUNK
    return plaintext + bytes(size - len(plaintext) - 8) + struct.pack(">Q", len(plaintext))


def seal(key, salt, policy, plaintext):
    prefix = b"SBLB\x01\x01\x10\x00" + salt
    chunk_key, commitment = key_schedule(key, prefix)
    message = padded(plaintext, policy)
    count = -(-len(message) // CHUNK)
    aead = ChaCha20Poly1305(chunk_key)
    chunks = (
        aead.encrypt(nonce(i, i == count - 1), message[i * CHUNK:(i + 1) * CHUNK], None) for i in range(count)
    )
    return prefix + commitment + b"".join(chunks)


def open_blob(key, blob):
    prefix, commitment, sealed = blob[:32], blob[32:64], blob[64:]
    assert prefix[:8] == b"SBLB\x01\x01\x10\x00", "header"
    chunk_key, expected = key_schedule(key, prefix)
    assert hmac.compare_digest(commitment, expected), "commitment"
    count = -(-len(sealed) // (CHUNK + TAG))
    aead = ChaCha20Poly1305(chunk_key)
    message = b"".join(
        aead.decrypt(nonce(i, i == count - 1), sealed[i * (CHUNK + TAG):(i + 1) * (CHUNK + TAG)], None)
        for i in range(count)
    )
    (size,) = struct.unpack(">Q", message[-8:])
    assert size <= len(message) - 8 and not any(message[size:-8]), "trailer or padding"
    return message[:size]


def salamander(key, other_key, salt):
    """A blob of one chunk whose tag is right under both keys: what a format without a commitment would open twice.

    Poly1305 is linear in the ciphertext's blocks. Two blocks are left free and solved for, so that both keys give
    the tag that was chosen beforehand; that takes a few tries, for a block must be below 2^128.
    """
    prime = 2**130 - 5
    prefix = b"SBLB\x01\x01\x10\x00" + salt
    chunk_key, commitment = key_schedule(key, prefix)
    other_chunk_key, _ = key_schedule(other_key, prefix)
    size = 64 - 8
    streams = [keystream(k, 64 + 64) for k in (chunk_key, other_chunk_key)]
    secrets = []
    for stream in streams:
        r = int.from_bytes(stream[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
        secrets.append((r, int.from_bytes(stream[16:32], "little")))
    trailer = bytes(a ^ b for a, b in zip(bytes(8) + struct.pack(">Q", size), streams[0][64 + 48:64 + 64]))
    lengths = struct.pack("<QQ", 0, 64)
    for attempt in range(100_000):
        first = hashlib.sha256(struct.pack(">Q", attempt)).digest()[:16]
        tag = int.from_bytes(hashlib.sha256(b"tag" + first).digest()[:16], "little")
        rows = []
        for r, s in secrets:
            # tag = first r^5 + x r^4 + y r^3 + trailer r^2 + lengths r + s, x and y unknown
            known = block(first) * r**5 + block(trailer) * r**2 + block(lengths) * r
            rows.append((pow(r, 4, prime), pow(r, 3, prime), ((tag - s) % 2**128 - known) % prime))
        (a, b, e), (c, d, f) = rows
        inverse = pow((a * d - b * c) % prime, -1, prime)
        x = (e * d - b * f) * inverse % prime - 2**128
        y = (a * f - e * c) * inverse % prime - 2**128
        if 0 <= x < 2**128 and 0 <= y < 2**128:
            sealed = first + x.to_bytes(16, "little") + y.to_bytes(16, "little") + trailer
            blob = prefix + commitment + sealed + tag.to_bytes(16, "little")
            ChaCha20Poly1305(other_chunk_key).decrypt(nonce(0, True), blob[64:], None)
            return blob, bytes(p ^ q for p, q in zip(sealed, streams[0][64:]))[:size]
    raise SystemExit("no salamander found")


def block(data):
    return int.from_bytes(data + b"\1", "little")


def keystream(key, count):
    cipher = Cipher(algorithms.ChaCha20(key, bytes(4) + nonce(0, True)), mode=None)
    return cipher.encryptor().update(bytes(count))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def main(command, *arguments):
    if command == "seal":
        key, salt, policy, source, target = arguments
        write(target, seal(bytes.fromhex(key), bytes.fromhex(salt), policy, read(source)))
    elif command == "open":
        key, source, target = arguments
        write(target, open_blob(bytes.fromhex(key), read(source)))
    elif command == "salamander":
        key, other, salt, blob, plaintext = arguments
        made, text = salamander(bytes.fromhex(key), bytes.fromhex(other), bytes.fromhex(salt))
        write(blob, made)
        write(plaintext, text)


if __name__ == "__main__":
    main(*sys.argv[1:])
