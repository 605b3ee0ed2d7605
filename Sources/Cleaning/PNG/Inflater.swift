/// Inflates small zlib streams: profiles and texts, up to a limit.
enum Inflater {
    /// The contents of a zlib stream; nil if it is damaged, or inflates to more than `limit` bytes. What follows its end is
    /// not looked at.
    static func zlib(_ stream: ArraySlice<UInt8>, limit: Int) -> [UInt8]? {
        var rest = stream
        var reader = DeflateReader(InflatedBytes(limit: limit)) {
            defer { rest = [] }
            return rest
        }
        guard case .whole(let sum)? = try? reader.read(), sum == Adler32.of(reader.sink.bytes) else { return nil }
        return reader.sink.bytes
    }
}

/// What was in a stream.
private struct InflatedBytes: DeflateSink {
    let limit: Int
    private(set) var bytes: [UInt8] = []

    init(limit: Int) { self.limit = limit }

    mutating func take(_ literals: ArraySlice<UInt8>) -> Bool {
        guard literals.count <= limit - bytes.count else { return false }
        bytes += literals
        return true
    }

    mutating func take(_ literal: UInt8) -> Bool {
        guard bytes.count < limit else { return false }
        bytes.append(literal)
        return true
    }

    mutating func repeats(_ length: Int, from distance: Int) -> Bool {
        guard distance <= bytes.count, length <= limit - bytes.count else { return false }
        for _ in 0..<length { bytes.append(bytes[bytes.count - distance]) }
        return true
    }
}
