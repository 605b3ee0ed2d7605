"""Writes the test vectors of indexed blobs, by the peer: indexed_vectors.py Vectors/sealed-blob-v1-indexed.json

A reading is what one reader makes of one blob: the base blob (an entry of `cases`), its edits, and what the message
says of it. `whole` and `range` are the errors of the two readers, null where the blob opens. An edit puts bytes at an
offset: `hex`, or `count` bytes that the base blob has at `from`. `flips` say the same of every byte from `first` to
`last`, of which the bits `xor` are turned. The range reader is asked for all plaintext bytes; the address in the
message is that of the edited blob unless `address` is there.
"""

import hashlib
import json
import sys

sys.dont_write_bytecode = True
import sealed_blob as peer  # noqa: E402

KEY = bytes(range(0x00, 0x20))
SALT = bytes(range(0x40, 0x58))
OTHER_SALT = bytes(range(0x60, 0x78))

# Name, plaintext bytes, padding, chunks. The rule for writers gives only the last three an index: the first three are
# for readers.
CASES = [
    ("one", 5, "none", 1),
    ("two", 65_531, "none", 2),
    ("three", 196_600, "none", 3),
    ("255", 16_654_321, "none", 255),
    ("256", 16_777_208, "none", 256),
    ("20 MiB", 20_971_520, "eighths", 352),
]


def plaintext(count):
    """Byte i is (i ^ i>>8 ^ i>>16) & 255."""
    low = bytes(range(256))
    blocks = ((b ^ b >> 8) & 255 for b in range(-(-count // 256)))
    return b"".join(low.translate(bytes(i ^ b for i in low)) for b in blocks)[:count]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def describe(name, count, padding, chunks):
    text = plaintext(count)
    blob = peer.seal(KEY, SALT, padding, text, is_indexed=True)
    if len(peer.padded(text, padding)) >= peer.INDEXED_FROM:
        assert blob == peer.seal(KEY, SALT, padding, text)
    geometry = peer.Geometry(len(blob), True)
    assert geometry.count == chunks
    root = peer.root_of(blob, blob[geometry.index:])
    assert peer.open_blob(KEY, blob, count, root, hashlib.sha256(blob).digest()) == text
    case = {
        "name": name,
        "plaintext_bytes": count,
        "padding": padding,
        "padded_bytes": geometry.largest_plaintext + 8,
        "chunks": chunks,
        "index_offset": geometry.index,
        "blob_bytes": len(blob),
        "sha256": sha256(blob),
        "index_sha256": sha256(blob[geometry.index:]),
        "first_leaf": geometry.leaf(blob, 0).hex(),
        "last_leaf": geometry.leaf(blob, chunks - 1).hex(),
        "root": root.hex(),
    }
    if chunks == 1:
        case["blob"] = blob.hex()
    return case, blob


def ranges(case, blob):
    """What to ask a store for, and the SHA-256 of the plaintext."""
    size = case["plaintext_bytes"]
    for first, last in [(0, 0), (65_535, 65_536), (100_000, 131_071), (size - 1, size - 1), (0, size - 1)]:
        if first <= last < size:
            opened = peer.open_range(KEY, blob, size, first, last, bytes.fromhex(case["root"]))
            end = min(peer.Geometry.start(last // peer.CHUNK + 1), case["index_offset"])
            yield {
                "case": case["name"],
                "first": first,
                "last": last,
                "sealed_first": peer.Geometry.start(first // peer.CHUNK),
                "sealed_last": end - 1,
                "sha256": sha256(opened),
            }


def errors(blob, size, root, address):
    """The errors of the reader of the whole and of the reader of ranges."""
    for read in (
        lambda: peer.open_blob(KEY, blob, size, root, address),
        lambda: peer.open_range(KEY, blob, size, 0, size - 1, root),
    ):
        try:
            read()
            yield None
        except peer.Refused as error:
            yield str(error)


def flips(case, blob):
    """Every byte of the blob, in stretches of one error."""
    count, index = case["chunks"], case["index_offset"]
    stretches = [
        (0, 4, 0x80), (4, 5, 0x80), (5, 6, 0x80), (6, 7, 0x80), (7, 8, 0x80), (7, 8, 0x01), (8, 32, 0x80),
        (32, 64, 0x80),
    ]
    for i in range(count):
        stretches.append((peer.Geometry.start(i), min(peer.Geometry.start(i + 1), index), 0x80))
    for i in range(count):
        stretches.append((index + i * peer.LEAF, index + (i + 1) * peer.LEAF, 0x80))
    root, size = bytes.fromhex(case["root"]), case["plaintext_bytes"]
    for first, end, bits in stretches:
        found = set()
        for offset in range(first, end) if len(blob) < 1000 else (first, (first + end) // 2, end - 1):
            edited = blob[:offset] + bytes([blob[offset] ^ bits]) + blob[offset + 1:]
            found.add(tuple(errors(edited, size, root, hashlib.sha256(blob).digest())))
        ((whole, ranged),) = found
        yield {
            "case": case["name"], "first": first, "last": end - 1, "xor": f"{bits:02x}", "whole": whole,
            "range": ranged,
        }


class Forger:
    """Someone who has the key, and with it makes what the tags alone would take for genuine."""

    def __init__(self, case, blob):
        self.case, self.blob = case, blob
        self.geometry = peer.Geometry(len(blob), True)
        self.message = bytearray(peer.padded(plaintext(case["plaintext_bytes"]), case["padding"]))

    def sealed(self, header, change):
        message = bytearray(self.message)
        change(message)
        return peer.seal_padded(KEY, header, bytes(message))

    def leaf_at(self, i):
        return self.geometry.index + i * peer.LEAF


def differences(old, new):
    """Edits that make `new` of `old`, which is as long."""
    edits, position = [], 0
    while position < len(old):
        if old[position] == new[position]:
            position += 1
            continue
        start = position
        while position < len(old) and old[position:position + 16] != new[position:position + 16]:
            position += 1
        end = position
        while old[end - 1] == new[end - 1]:
            end -= 1
        edits.append({"at": start, "hex": new[start:end].hex()})
    return edits


def apply(blob, edits):
    edited = bytearray(blob)
    for edit in edits:
        data = bytes.fromhex(edit["hex"]) if "hex" in edit else blob[edit["from"]:edit["from"] + edit["count"]]
        edited[edit["at"]:edit["at"] + len(data)] = data
    return bytes(edited)


def readings(bases):
    two, three = bases["two"], bases["three"]
    in_one, in_two, in_three = Forger(*bases["one"]), Forger(*two), Forger(*three)
    right = {name: case["root"] for name, (case, _) in bases.items()}
    other_header = peer.make_header(KEY, OTHER_SALT, True)

    def reading(title, base, edits, root="the same", address=None, blob_bytes=None, size=None):
        case, blob = base
        edited = apply(blob, edits)[:blob_bytes]
        if root == "the same":
            root = case["root"]
        size = case["plaintext_bytes"] if size is None else size
        expected = bytes.fromhex(address) if address else hashlib.sha256(edited).digest()
        whole, ranged = errors(edited, size, bytes.fromhex(root) if root else None, expected)
        result = {"name": title, "case": case["name"], "edits": edits, "root": root}
        if address:
            result["address"] = address
        if blob_bytes is not None:
            result["blob_bytes"] = blob_bytes
        if size != case["plaintext_bytes"]:
            result["plaintext_bytes"] = size
        return {**result, "whole": whole, "range": ranged}

    def forged(base, forger, header, change, keeping_index):
        new = forger.sealed(header, change)
        if keeping_index:
            new = new[:forger.geometry.index] + base[1][forger.geometry.index:]
        return differences(base[1], new)

    def change_first(message):
        message[1000] ^= 1

    def change_padding(message):
        message[-9] = 1

    def change_size(message):
        message[-8:] = (len(message) - 9).to_bytes(8, "big")

    yield reading("as sealed", three, [])
    yield reading("without a root in the message", three, [], root=None)
    yield reading("the address of another", two, [], address=bases["one"][0]["sha256"])
    yield reading("the root of another", three, [], root=right["two"])
    # Another blob under the same key, with other bytes in every chunk.
    foreign = peer.seal(KEY, OTHER_SALT, "none", bytes(three[0]["plaintext_bytes"]), is_indexed=True)
    foreign_index = {"at": in_three.geometry.index, "hex": foreign[in_three.geometry.index:].hex()}
    foreign_root = peer.root_of(foreign, foreign[in_three.geometry.index:]).hex()
    yield reading("the index of another blob", three, [foreign_index])
    yield reading("the index of another blob, and its root", three, [foreign_index], root=foreign_root)
    yield reading(
        "the index of another blob, and the root of both together", three, [foreign_index],
        root=peer.root_of(three[1], foreign[in_three.geometry.index:]).hex())
    yield reading("the index of another blob, without a root", three, [foreign_index], root=None)
    header_edit = {"at": 0, "hex": other_header.hex()}
    yield reading("a right index under another header", three, [header_edit])
    yield reading(
        "a right index under another header, and the root of both together", three, [header_edit],
        root=peer.root_of(other_header, three[1][in_three.geometry.index:]).hex())
    swapped = [
        {"at": 64, "from": 65_616, "count": 65_552},
        {"at": 65_616, "from": 64, "count": 65_552},
    ]
    swapped_leaves = [
        {"at": in_three.leaf_at(0), "from": in_three.leaf_at(1), "count": 32},
        {"at": in_three.leaf_at(1), "from": in_three.leaf_at(0), "count": 32},
    ]
    yield reading("two chunks swapped", three, swapped)
    yield reading("two leaves swapped", three, swapped_leaves)
    yield reading("two chunks swapped with their leaves", three, swapped + swapped_leaves)
    both = apply(three[1], swapped + swapped_leaves)
    yield reading(
        "two chunks swapped with their leaves, and the root to it", three, swapped + swapped_leaves,
        root=peer.root_of(both, both[in_three.geometry.index:]).hex())
    for base, forger in ((two, in_two), (three, in_three)):
        header = base[1][:64]
        kept = forged(base, forger, header, change_first, True)
        remade = forged(base, forger, header, change_first, False)
        name = base[0]["name"]
        yield reading(f"an insider's chunk with a right tag, in {name}", base, kept)
        yield reading(f"an insider's chunk with a right tag, without a root, in {name}", base, kept, root=None)
        yield reading(f"an insider's chunk with a right tag and a right leaf, in {name}", base, remade)
    # Wrong in two ways: the first in the order is told.
    late = {"at": 64 + 65_552, "hex": bytes(16).hex()}
    yield reading(
        "an insider's first chunk, and a second one that is not authentic", three,
        forged(three, in_three, three[1][:64], change_first, True) + [late])
    for title, forger, change in (
        ("padding that is not empty", in_two, change_padding),
        ("a size that is not the message's", in_two, change_size),
        ("a size that is not the message's, in one", in_one, change_size),
    ):
        base = (forger.case, forger.blob)
        sealed = forger.sealed(forger.blob[:64], change)
        own_root = peer.root_of(sealed, sealed[forger.geometry.index:]).hex()
        edits = differences(forger.blob, sealed)
        yield reading(title, base, edits)
        yield reading(f"{title}, and the root to it", base, edits, root=own_root)
        unlisted = sealed[:forger.geometry.index] + forger.blob[forger.geometry.index:]
        yield reading(f"{title}, without its leaf", base, differences(forger.blob, unlisted))
    yield reading("a message's size that is not the blob's", two, [], size=65_530)
    # Plain blobs of the lengths that indexed ones have: the flags tell which it is.
    one, blob = bases["one"]
    plain = peer.seal(KEY, SALT, "none", plaintext(37), is_indexed=False)
    assert len(plain) == len(blob)
    whole = [{"at": 0, "hex": plain.hex()}]
    yield reading("a plain blob, where the message has a root", (one, blob), whole, size=37)
    yield reading("a plain blob, where the message has none", (one, blob), whole, root=None, size=37)
    # A length can be one of plain blobs only, or of indexed ones only: that is told once the flags are known.
    yield reading("cut before the index ends", (one, blob), [], blob_bytes=len(blob) - 1)
    yield reading("cut to less than any blob", (one, blob), [], blob_bytes=87)
    yield reading("cut to a length of plain blobs only", (one, blob), [], blob_bytes=119)
    plain_header = {"at": 0, "hex": peer.make_header(KEY, SALT, False).hex()}
    yield reading(
        "a plain blob cut to a length of indexed ones only", two, [plain_header], root=None, blob_bytes=65_636)


def by_size():
    """What a writer does without being told: the padded length alone decides."""
    for count, padding in [(1_048_567, "none"), (1_048_568, "none"), (917_500, "eighths"), (1_000_000, "eighths")]:
        blob = peer.seal(KEY, SALT, padding, plaintext(count))
        yield {
            "plaintext_bytes": count,
            "padding": padding,
            "padded_bytes": len(peer.padded(plaintext(count), padding)),
            "indexed": blob[7] == 1,
            "blob_bytes": len(blob),
            "sha256": sha256(blob),
        }


def main(path):
    bases = {entry[0]: describe(*entry) for entry in CASES}
    header = bases["one"][1][:64]
    chunk_key, commitment = peer.key_schedule(KEY, header[:32])
    vectors = {
        "plaintext": "byte i = (i ^ i>>8 ^ i>>16) & 255",
        "key": KEY.hex(),
        "salt": SALT.hex(),
        "header": header.hex(),
        "chunk_key": chunk_key.hex(),
        "commitment": commitment.hex(),
        "by_size": list(by_size()),
        "cases": [case for case, _ in bases.values()],
        "ranges": [entry for name in ("one", "two", "three", "20 MiB") for entry in ranges(*bases[name])],
        "flips": [entry for name in ("one", "three") for entry in flips(*bases[name])],
        "readings": list(readings(bases)),
    }
    with open(path, "w", encoding="ascii") as file:
        file.write(json.dumps(vectors, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
