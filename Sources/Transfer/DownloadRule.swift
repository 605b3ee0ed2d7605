package import Blobs

/// A part of a blob that is asked for: all of it, the rest of it, or some bytes in the middle.
package struct BlobPart: Hashable, Sendable {
    package let range: ByteRange
    /// Bytes of the whole blob.
    package let size: Int64

    /// `range` is within a blob of `size` bytes.
    package init(_ range: ByteRange, of size: Int64) {
        precondition(range.end <= size, "a part that passes the blob's end")
        self.range = range
        self.size = size
    }

    var isWhole: Bool { range.count == size }

    /// The value of a `Range` field; nil for the whole. What goes to the end is asked for
    /// without a last byte.
    var rangeField: String? {
        if isWhole { return nil }
        return "bytes=\(range.offset)-\(range.end == size ? "" : "\(range.last)")"
    }
}

/// Where the body of a response goes, decided from its head before its first byte.
enum BodyDestination: Hashable, Sendable {
    /// Into the blob's file, from this offset up to an end.
    case file(offset: Int64, end: Int64)
    /// Into a small bounded buffer: it is not a blob.
    case memory
    /// Nowhere: the transfer ends, for this reason.
    case refused(String)

    /// Decides for a request of this part.
    init(for response: HTTPResponse, _ part: BlobPart) {
        switch response.status {
        case 200: self = Self.whole(response, part.size)
        case 206: self = Self.part(response, part)
        default: self = .memory
        }
    }

    private static func whole(_ response: HTTPResponse, _ size: Int64) -> BodyDestination {
        guard let length = response["content-length"], Int64(length) != size else {
            return .file(offset: 0, end: size)
        }
        return .refused("it has \(length) bytes, but the blob has \(size)")
    }

    private static func part(_ response: HTTPResponse, _ part: BlobPart) -> BodyDestination {
        guard !part.isWhole, let text = response["content-range"], let range = ContentRangeHeader(text) else {
            return .refused("it is a range that was not requested")
        }
        let asked = part.range
        guard range.offset == asked.offset, range.last == asked.last, range.size == part.size else {
            return .refused(
                "it has the range \(range.offset)-\(range.last)/\(range.size) instead of "
                    + "\(asked.offset)-\(asked.last)")
        }
        return .file(offset: asked.offset, end: asked.end)
    }
}

/// How a download ended.
package enum DownloadOutcome: Sendable {
    /// The file has all bytes of the part; whether they are the right ones is not known.
    case complete
    /// The response is something else than the blob.
    case answered(HTTPResponse)
    /// The connection was lost on the way; the file has what arrived. `entityTag` is the blob's, if it is a strong one.
    case broken(TransferError, entityTag: String?)
}

/// The value of a `Content-Range` field (RFC 9110 §14.4): `bytes 5-9/10` is an offset of 5 and a size of 10.
package struct ContentRangeHeader: Hashable, Sendable {
    package let offset: Int64
    package let last: Int64
    package let size: Int64

    /// Nil for another unit, an unknown size, or numbers that contradict each other.
    package init?(_ text: String) {
        let parts = text.split(separator: " ")
        guard parts.count == 2, parts[0].lowercased() == "bytes" else { return nil }
        let numbers = parts[1].split(omittingEmptySubsequences: false) { $0 == "-" || $0 == "/" }.map(Self.number)
        guard numbers.count == 3, let offset = numbers[0], let last = numbers[1], let size = numbers[2],
            offset <= last, last < size
        else { return nil }
        self.offset = offset
        self.last = last
        self.size = size
    }

    private static func number(_ digits: Substring) -> Int64? {
        digits.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(digits) : nil
    }
}
