"""Sealed blob, version 1, written a second time from its description alone, for the tests.

Usage: sealed_blob.py seal KEY SALT PADDING PLAINTEXT BLOB
       sealed_blob.py open KEY BLOB PLAINTEXT [ROOT]
       sealed_blob.py range KEY BLOB SIZE FIRST LAST PLAINTEXT [ROOT]
       sealed_blob.py root BLOB
       sealed_blob.py salamander KEY OTHER-KEY SALT BLOB PLAINTEXT

KEY, SALT and ROOT in hexadecimal. Whole files in memory: it is for small ones. Needs Python 3.9 and `cryptography`.
"""

import hashlib
import hmac
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

HEADER = 64
CHUNK = 65536
TAG = 16
LEAF = 32
INDEXED_FROM = 1 << 20


class Refused(Exception):
    """A blob that is not what the message says; its text is the name of the error in the description."""


def check(holds, name):
    if not holds:
        raise Refused(name)


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


def make_header(key, salt, is_indexed):
    prefix = b"SBLB\x01\x01\x10" + (b"\x01" if is_indexed else b"\x00") + salt
    return prefix + key_schedule(key, prefix)[1]


def seal(key, salt, policy, plaintext, is_indexed=None):
    """By the rule for writers if `is_indexed` is left out: a padded plaintext of 1 MiB and more gets an index."""
    message = padded(plaintext, policy)
    if is_indexed is None:
        is_indexed = len(message) >= INDEXED_FROM
    return seal_padded(key, make_header(key, salt, is_indexed), message)


def seal_padded(key, header, message):
    count = -(-len(message) // CHUNK)
    aead = ChaCha20Poly1305(key_schedule(key, header[:32])[0])
    chunks = [aead.encrypt(nonce(i, i == count - 1), message[i * CHUNK:(i + 1) * CHUNK], None) for i in range(count)]
    index = b"".join(map(leaf, chunks)) if header[7] == 1 else b""
    return header + b"".join(chunks) + index


def leaf(chunk):
    return hashlib.sha256(chunk).digest()


def root_of(header, index):
    return hashlib.sha256(b"sealed-blob/v1 index\x00" + header[:HEADER] + index).digest()


class Geometry:
    """Where the chunks and the index of a blob are, from its length and its flags; both None if no blob has it."""

    def __init__(self, size, is_indexed):
        each = CHUNK + TAG + (LEAF if is_indexed else 0)
        self.count = -(-(size - HEADER) // each)
        self.index = size - self.count * LEAF if is_indexed else size
        self.is_possible = size > HEADER and self.index - self.start(self.count - 1) >= 8 + TAG
        self.largest_plaintext = self.index - HEADER - self.count * TAG - 8

    @staticmethod
    def start(i):
        return HEADER + i * (CHUNK + TAG)

    def chunk(self, blob, i):
        return blob[self.start(i):min(self.start(i + 1), self.index)]

    def leaf(self, blob, i):
        return blob[self.index + i * LEAF:self.index + (i + 1) * LEAF]


def begin(key, blob):
    """Everything that is checked before the first chunk, but for the index: the geometry and the chunks' cipher."""
    check(any(Geometry(len(blob), is_indexed).is_possible for is_indexed in (False, True)), "length")
    check(blob[:4] == b"SBLB", "magic")
    check(blob[4] == 1, "version")
    check(blob[5] == 1, "suite")
    check(blob[6] == 16 and blob[7] in (0, 1), "parameters")
    geometry = Geometry(len(blob), blob[7] == 1)
    check(geometry.is_possible, "length")
    chunk_key, commitment = key_schedule(key, blob[:32])
    check(hmac.compare_digest(blob[32:HEADER], commitment), "commitment")
    return geometry, ChaCha20Poly1305(chunk_key)


def open_chunk(aead, geometry, blob, i):
    try:
        return aead.decrypt(nonce(i, i == geometry.count - 1), geometry.chunk(blob, i), None)
    except InvalidTag:
        raise Refused(f"chunk({i})") from None


def check_end(geometry, message, start, size):
    """The end of the padded plaintext, of which `message` is what begins at `start`."""
    (claimed,) = struct.unpack(">Q", message[-8:])
    check(claimed <= geometry.largest_plaintext and claimed == size, "trailer")
    check(not any(message[max(size - start, 0):-8]), "padding")


def open_blob(key, blob, size=None, root=None, address=None):
    """The plaintext of a whole blob. What the message does not say is None and not checked."""
    geometry, aead = begin(key, blob)
    message = b"".join(open_chunk(aead, geometry, blob, i) for i in range(geometry.count))
    is_indexed = blob[7] == 1
    if is_indexed:
        for i in range(geometry.count):
            check(leaf(geometry.chunk(blob, i)) == geometry.leaf(blob, i), f"leaf({i})")
    if size is None:
        (size,) = struct.unpack(">Q", message[-8:])
    check_end(geometry, message, 0, size)
    check(root is None or (is_indexed and root_of(blob, blob[geometry.index:]) == root), "index")
    check(address is None or hashlib.sha256(blob).digest() == address, "digest")
    return message[:size]


def open_range(key, blob, size, first, last, root=None):
    """The plaintext bytes `first` to `last`, of the `size` that the message says: chunk by chunk, each with its leaf
    before its tag if the message has a root."""
    geometry, aead = begin(key, blob)
    check(root is None or (blob[7] == 1 and root_of(blob, blob[geometry.index:]) == root), "index")
    begun = first // CHUNK
    message = b""
    for i in range(begun, last // CHUNK + 1):
        check(root is None or leaf(geometry.chunk(blob, i)) == geometry.leaf(blob, i), f"leaf({i})")
        message += open_chunk(aead, geometry, blob, i)
        if i == geometry.count - 1:
            check_end(geometry, message, begun * CHUNK, size)
    return message[first - begun * CHUNK:last + 1 - begun * CHUNK]


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
        key, source, target, *root = arguments
        root = bytes.fromhex(root[0]) if root else None
        write(target, open_blob(bytes.fromhex(key), read(source), root=root))
    elif command == "range":
        key, source, size, first, last, target, *root = arguments
        root = bytes.fromhex(root[0]) if root else None
        write(target, open_range(bytes.fromhex(key), read(source), int(size), int(first), int(last), root))
    elif command == "root":
        (source,) = arguments
        blob = read(source)
        print(root_of(blob, blob[Geometry(len(blob), True).index:]).hex())
    elif command == "salamander":
        key, other, salt, blob, plaintext = arguments
        made, text = salamander(bytes.fromhex(key), bytes.fromhex(other), bytes.fromhex(salt))
        write(blob, made)
        write(plaintext, text)


if __name__ == "__main__":
    main(*sys.argv[1:])
