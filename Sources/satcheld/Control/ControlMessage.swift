import FoundationEssentials
import NIOCore
import Store

/// What another process asks the owner of a store, as one line of JSON.
struct ControlRequest: Codable {
    var collect: CollectOptions?
    var check: CheckOptions?
    var remove: RemoveOptions?
    /// Whether to tell what is held.
    var statistics: Bool?

    /// The most bytes of a request's line.
    static let byteLimit = 4096
}

/// What the owner answers: lines of progress, if there is any, then one with a report or an error.
struct ControlReply: Codable {
    var progress: CheckProgress?
    var collected: CollectReport?
    var checked: CheckReport?
    var removed: RemoveReport?
    var statistics: StoreStatistics?
    var error: String?

    /// The most bytes of a reply's line: a report lists at most a thousand findings.
    static let byteLimit = 4 << 20

    var isLast: Bool { progress == nil }
}

/// Lines of JSON in a stream of bytes.
struct LineBuffer {
    private var bytes: [UInt8] = []
    private let byteLimit: Int

    init(byteLimit: Int) {
        self.byteLimit = byteLimit
    }

    /// Takes what came; throws if a line grows past its limit.
    mutating func append(_ buffer: ByteBuffer) throws(SettingsError) {
        bytes.append(contentsOf: buffer.readableBytesView)
        guard bytes.count <= byteLimit else { throw SettingsError(description: "a line is too long") }
    }

    /// The next whole line, if it is there.
    mutating func next() -> [UInt8]? {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        defer { bytes.removeSubrange(...end) }
        return Array(bytes[..<end])
    }
}

extension Encodable {
    /// One line of JSON, its end included.
    func line() throws -> ByteBuffer {
        var bytes = Array(try JSONEncoder().encode(self))
        bytes.append(UInt8(ascii: "\n"))
        return ByteBuffer(bytes: bytes)
    }
}
