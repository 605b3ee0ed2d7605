import FoundationEssentials
import NIOCore
import Store

/// What another process asks the owner of a store to do, as one line of JSON: exactly one of these.
struct ControlRequest: Codable {
    var collect: CollectOptions?
    var check: CheckOptions?
    var remove: RemoveOptions?
    var removeSubject: RemoveSubjectOptions?
    /// True to report what is held.
    var statistics: Bool?
    /// True to report whether the store can do its work.
    var health: Bool?
    /// Of an edge: true to report what is cached.
    var cache: Bool?
    /// Of an edge: the address of a blob to drop, or `all`.
    var drop: String?

    /// The longest line of a request.
    static let byteLimit = 4096

    /// Does what is asked; `progress` hears how far a check is.
    func perform(
        on store: any BlobStore & Upkeep, progress: @escaping @Sendable (CheckProgress) -> Void
    ) async throws(StoreError) -> ControlReply {
        if let collect { return ControlReply(collected: try await store.collect(collect)) }
        if let check { return ControlReply(checked: try await store.check(check, progress: progress)) }
        if let remove { return ControlReply(removed: try await store.remove(remove)) }
        if let removeSubject { return ControlReply(removedSubject: try await store.remove(removeSubject)) }
        if statistics == true { return ControlReply(statistics: try await store.statistics()) }
        if health == true { return ControlReply(health: HealthReport(unreadiness: await store.unreadiness())) }
        return ControlReply(error: "the request asks for nothing")
    }
}

/// What the owner answers: any number of lines with progress, then one with a report or an error.
struct ControlReply: Codable {
    var progress: CheckProgress?
    var collected: CollectReport?
    var checked: CheckReport?
    var removed: RemoveReport?
    var removedSubject: RemoveSubjectReport?
    var statistics: StoreStatistics?
    var health: HealthReport?
    var cache: CacheReport?
    /// How many blobs were dropped.
    var dropped: Int?
    var error: String?

    /// The longest line of a reply: a report lists at most a thousand findings.
    static let byteLimit = 4 << 20
}

/// Whether a server can store and serve.
struct HealthReport: Codable {
    /// Why not, in one sentence; nil if it can.
    let unreadiness: String?
}

/// The other side broke the protocol.
struct ControlError: Error, CustomStringConvertible {
    let description: String
}

/// Lines of JSON in a stream of bytes.
struct LineBuffer {
    private var bytes: [UInt8] = []
    private let byteLimit: Int

    init(byteLimit: Int) {
        self.byteLimit = byteLimit
    }

    /// Takes the next bytes; throws if a line is longer than the limit.
    mutating func append(_ buffer: ByteBuffer) throws(ControlError) {
        bytes.append(contentsOf: buffer.readableBytesView)
        guard bytes.count <= byteLimit else { throw ControlError(description: "a line is too long") }
    }

    /// The next whole line, if it has arrived.
    mutating func next() -> [UInt8]? {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        defer { bytes.removeSubrange(...end) }
        return Array(bytes[..<end])
    }
}

extension Encodable {
    /// One line of JSON, newline included.
    func line() throws -> ByteBuffer {
        var bytes = Array(try JSONEncoder().encode(self))
        bytes.append(UInt8(ascii: "\n"))
        return ByteBuffer(bytes: bytes)
    }
}
