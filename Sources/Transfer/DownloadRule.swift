/// Where the body of a response goes, decided from its head before its first byte.
enum BodyDestination: Hashable, Sendable {
    /// Into the blob's file, from this offset.
    case file(offset: Int64)
    /// Into a small bounded buffer: it is not a blob.
    case memory
    /// Nowhere: the transfer ends, for this reason.
    case refused(String)

    /// Decides for a download of a blob of `size` bytes that was requested from `offset` on.
    init(for response: HTTPResponse, offset: Int64, size: Int64) {
        switch response.status {
        case 200: self = Self.whole(response, size)
        case 206: self = Self.part(response, offset, size)
        default: self = .memory
        }
    }

    private static func whole(_ response: HTTPResponse, _ size: Int64) -> BodyDestination {
        guard let length = response["content-length"], Int64(length) != size else { return .file(offset: 0) }
        return .refused("it has \(length) bytes, but the blob has \(size)")
    }

    private static func part(_ response: HTTPResponse, _ offset: Int64, _ size: Int64) -> BodyDestination {
        guard offset > 0, let text = response["content-range"], let range = ContentRangeHeader(text) else {
            return .refused("it is a range that was not requested")
        }
        guard range.offset == offset, range.size == size, range.last == size - 1 else {
            return .refused("it has the range \(range.offset)-\(range.last)/\(range.size) instead of \(offset)-\(size - 1)")
        }
        return .file(offset: offset)
    }
}

/// How a download ended.
package enum DownloadOutcome: Sendable {
    /// The file has as many bytes as the blob; whether they are the right ones is not known.
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
