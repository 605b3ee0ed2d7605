package import Blobs
import Store

/// The body of an answer with several ranges (RFC 9110 §14.6), laid out before a byte of it is read:
///
///     for each part   --boundary CRLF  Content-Type: … CRLF  Content-Range: bytes a-b/n CRLF  CRLF  bytes  CRLF
///     at the end      --boundary-- CRLF
package struct MultipartLayout: Hashable, Sendable {
    package struct Part: Hashable, Sendable {
        /// What stands before the bytes, the line end of the part before included.
        package let head: String
        package let range: ByteRange
    }

    package let boundary: String
    package let parts: [Part]
    package let tail: String
    /// Bytes of the whole body.
    package let contentLength: Int64

    /// Lays out `ranges` of the blob at `address`. Its own digest is the boundary: no blob can contain that.
    package init(_ ranges: [ByteRange], of address: BlobAddress, size: Int64) {
        let boundary = address.hex
        var parts: [Part] = []
        var length: Int64 = 0
        for range in ranges {
            let head =
                "\(parts.isEmpty ? "" : "\r\n")--\(boundary)\r\n"
                + "Content-Type: application/octet-stream\r\n"
                + "Content-Range: \(ContentRange.text(range, size: size))\r\n\r\n"
            parts.append(Part(head: head, range: range))
            // Cannot overflow: the ranges together are no larger than the blob, the heads a few kilobytes.
            length += Int64(head.utf8.count) + range.count
        }
        self.boundary = boundary
        self.parts = parts
        tail = "\r\n--\(boundary)--\r\n"
        contentLength = length + Int64(tail.utf8.count)
    }

    package var contentType: String { "multipart/byteranges; boundary=\(boundary)" }
}

/// The Content-Range field (RFC 9110 §14.4).
package enum ContentRange {
    package static func text(_ range: ByteRange, size: Int64) -> String {
        "bytes \(range.offset)-\(range.last)/\(size)"
    }

    package static func unsatisfied(size: Int64) -> String { "bytes */\(size)" }
}
