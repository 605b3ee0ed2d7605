"""Frames of HTTP/2 (RFC 9113) and fields of HPACK (RFC 7541), as bytes."""

DATA, HEADERS, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def string(text):
    """A string of HPACK (RFC 7541 §5.2) without Huffman coding."""
    data = text if isinstance(text, bytes) else text.encode()
    if len(data) < 127:
        return bytes([len(data)]) + data
    rest, prefix = len(data) - 127, b"\x7f"
    while rest >= 128:
        prefix += bytes([rest % 128 + 128])
        rest //= 128
    return prefix + bytes([rest]) + data


def field(name, value):
    """A field that no table keeps (RFC 7541 §6.2.2)."""
    return b"\0" + string(name) + string(value)


def request(path, method=b"GET"):
    return (field(":method", method) + field(":scheme", "https") + field(":authority", "localhost")
            + field(":path", path))
