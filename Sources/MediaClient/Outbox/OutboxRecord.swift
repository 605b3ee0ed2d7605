package import Blobs
package import MediaMessage
import Transfer

/// What is recorded of a send before its first byte leaves, and never changed: what is asked of the server, and the
/// message that will be printed. It holds the key.
///
/// A file with one JSON object, readable by its owner alone:
///
///     {"v":1,"at":…,"server":"https://…","sha256":"…","owner":"…","size":…,"receipts":["…"],"header":"…",
///      "padding":"eighths","lifetime":…,"recipients":…,"format":"json","message":"{…}"}
///
/// The members up to `recipients` are those of the sent log; `message` is the message as text.
package struct OutboxRecord: Sendable {
    let lease: LeaseRequest
    /// As it will be printed, except for its expiry, and its receipt secret where each recipient has their own.
    package let message: MediaMessage
    /// How it will be printed.
    package let format: MessageFormat

    /// The name of the entry, which is also that of the future lease.
    package var name: LeaseName { LeaseName(lease.address, owner: lease.owner) }
    package var server: String { lease.server.description }
    package var origin: HTTPOrigin { lease.server.origin }
    /// Bytes of the sealed blob.
    package var size: Int64 { lease.size }
    package var at: Timestamp { lease.at }

    init(_ lease: LeaseRequest, message: MediaMessage, format: MessageFormat) {
        self.lease = lease
        self.message = message
        self.format = format
    }
}

extension OutboxRecord {
    /// Nil for what this version cannot read.
    init?(parsing bytes: [UInt8]) {
        guard let members = JSONMembers(bytes), members.integer("v") == 1, let lease = LeaseRequest(members),
            !lease.receipts.isEmpty, let text = members.text("message"),
            let message = try? MediaMessage.read(text, requiresLocation: true), message.address == lease.address,
            let format = members.text("format").flatMap({ MessageFormat(rawValue: $0) })
        else { return nil }
        self.init(lease, message: message, format: format)
    }

    func text() throws(MediaClientError) -> String {
        var object = JSONWriter()
        object.add("v", integer: 1)
        object.add(lease.at, lease.server, lease.address, lease.owner)
        lease.addTerms(to: &object)
        object.add("format", string: format.rawValue)
        do { object.add("message", string: try message.encoded()) } catch { throw .message(error) }
        return object.text + "\n"
    }
}

/// How far a send has come, rewritten whenever something is learned.
///
///     {"v":1,"upload":"<32 digits>","acknowledged":…,"lease":"perhaps","failure":"…","failed_at":…}
///     {"v":1,"url":"https://…","mirrors":["https://…"],"expires":…}
///
/// The second form is that of a blob the server holds: only the message has still to be printed.
package struct OutboxProgress: Hashable, Sendable {
    /// The server's name for the upload.
    var upload: UploadID?
    /// Bytes that the server has last confirmed.
    package var acknowledged: Int64 = 0
    /// A request that makes a lease was sent, and its outcome is unknown.
    var mayBeHeld = false
    /// Why it has not been sent yet, in words.
    package var failure: String?
    package var failedAt: Timestamp?
    /// Where the blob is held; nil until it is.
    package var url: BlobURL?
    /// Where else it is.
    var mirrors: [BlobURL] = []
    package var expires: Timestamp?

    init() {}

    /// Something was begun at the server.
    var isAtServer: Bool { upload != nil || mayBeHeld || url != nil }
}

extension OutboxProgress {
    /// Nil for what cannot be read: then the server is asked.
    init?(parsing bytes: [UInt8]) {
        guard let members = JSONMembers(bytes), members.integer("v") == 1 else { return nil }
        upload = members.text("upload").flatMap { UploadID(hex: $0) }
        acknowledged = members.integer("acknowledged") ?? 0
        mayBeHeld = members.text("lease") == "perhaps"
        failure = members.text("failure")
        failedAt = members.timestamp("failed_at")
        url = members.text("url").flatMap { BlobURL($0) }
        mirrors = url.map { members.mirrors(of: $0.address) } ?? []
        expires = members.timestamp("expires")
    }

    var text: String {
        var object = JSONWriter()
        object.add("v", integer: 1)
        object.add("upload", string: upload?.hex)
        object.add("acknowledged", integer: acknowledged)
        if mayBeHeld { object.add("lease", string: "perhaps") }
        object.add("failure", string: failure)
        object.add("failed_at", integer: failedAt?.seconds)
        object.add("url", string: url?.description)
        object.add("mirrors", strings: mirrors.map(\.description))
        object.add("expires", integer: expires?.seconds)
        return object.text + "\n"
    }
}
