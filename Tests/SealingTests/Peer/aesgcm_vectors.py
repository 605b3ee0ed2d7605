"""Writes the test vectors of AES-256-GCM files (XEP-0454): aesgcm_vectors.py Vectors/aesgcm.json

Made with the Python package cryptography, from the bytes that indexed_vectors.py makes.
"""

import hashlib
import json
import sys

sys.dont_write_bytecode = True
from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: E402
from indexed_vectors import plaintext  # noqa: E402

KEY = bytes(range(0x00, 0x20))
NONCES = [bytes(range(0x60, 0x6c)), bytes(range(0x60, 0x70))]
# Around a block, around a buffer of 256 KiB.
SIZES = [0, 1, 15, 16, 17, 4096, 262_143, 262_144, 262_145, 1_048_576]


def case(size, nonce):
    file = AESGCM(KEY).encrypt(nonce, plaintext(size), None)
    return {"plaintext_bytes": size, "nonce": nonce.hex(), "sha256": hashlib.sha256(file).hexdigest(),
            "tag": file[-16:].hex()}


if __name__ == "__main__":
    with open(sys.argv[1], "w") as file:
        cases = [case(size, nonce) for nonce in NONCES for size in SIZES]
        json.dump({"key": KEY.hex(), "cases": cases}, file, indent=1)
        file.write("\n")
