"""Uploads a file with tuspy, which knows nothing of this server.

Usage: tuspy_upload.py begin SERVER FILE         brings the first 200,000 bytes and prints the upload's URL
       tuspy_upload.py resume SERVER FILE URL    brings the rest
       tuspy_upload.py whole SERVER FILE         brings all of it, trying again where it is cut
"""
import hashlib
import sys

from tusclient import client

kind, server, path = sys.argv[1:4]
tus = client.TusClient(f"{server}/uploads")
with open(path, "rb") as file:
    digest = hashlib.sha256(file.read()).hexdigest()
if kind == "begin":
    uploader = tus.uploader(path, chunk_size=200_000, metadata={"filename": "holiday.bin", "sha256": digest})
    uploader.upload_chunk()
    print(uploader.url)
elif kind == "resume":
    uploader = tus.uploader(path, chunk_size=200_000, url=sys.argv[4])
    assert uploader.offset == 200_000, uploader.offset
    uploader.upload()
else:
    uploader = tus.uploader(
        path, chunk_size=1_000_000, retries=100, retry_delay=0, upload_checksum=True, metadata={"sha256": digest})
    uploader.upload()
