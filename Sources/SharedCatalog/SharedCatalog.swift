import Blobs
