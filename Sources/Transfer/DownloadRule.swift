/// Where the body of an answer goes, decided from its head before the first byte of it.
enum BodyDestination: Hashable, Sendable {
    /// Into the blob's file, from this offset.
    case file(offset: Int64)
    /// Into a small bounded buffer: it is no blob.
    case memory
    /// Nowhere; the transfer ends, for this reason.
    case refused(String)

    /// Decides for a download of a blob of `size` bytes of which `offset` are here already and were not asked for.
    init(for response: HTTPResponse, offset: Int64, size: Int64) {
        switch response.status {
        case 200: self = Self.whole(response, size)
        case 206: self = Self.part(response, offset, size)
        default: self = .memory
        }
    }

    private static func whole(_ response: HTTPResponse, _ size: Int64) -> BodyDestination {
        guard let length = response["content-length"], Int64(length) != size else { return .file(offset: 0) }
        return .refused("it has \(length) bytes where the blob has \(size)")
    }

    private static func part(_ response: HTTPResponse, _ offset: Int64, _ size: Int64) -> BodyDestination {
        guard offset > 0, let text = response["content-range"], let range = ContentRange(text) else {
            return .refused("a part that was not asked for")
        }
        guard range.offset == offset, range.size == size, range.last == size - 1 else {
            return .refused("bytes \(range.offset)-\(range.last)/\(range.size) where \(offset)-\(size - 1) were asked")
        }
        return .file(offset: offset)
    }
}

/// How a download ended.
package enum DownloadOutcome: Sendable {
    /// As many bytes as the blob has are in the file; whether they are the right ones is not known.
    case complete
    /// The server answered something else than the blob.
    case answered(HTTPResponse)
    /// The connection broke on the way; the file holds what came. `entityTag` is the blob's, if it is a strong one.
    case broken(TransferError, entityTag: String?)
}
