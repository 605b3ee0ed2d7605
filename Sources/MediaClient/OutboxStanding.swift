package import Blobs
package import MediaMessage

/// How far a send has come, written anew whenever something is learned.
///
///     {"v":1,"upload":"<32 digits>","acknowledged":…,"lease":"perhaps","failure":"…","failed_at":…}
///     {"v":1,"url":"https://…","expires":…}
///
/// The second form is that of a blob which the server holds: only the message has still to be given out.
package struct OutboxStanding: Hashable, Sendable {
    /// What the server has called the upload.
    var upload: UploadID?
    /// Bytes that the server has last said it has.
    package var acknowledged: Int64 = 0
    /// A request was made that makes a lease, and what became of it is not known.
    var mayBeHeld = false
    /// Why it has not gone out yet, in words.
    package var failure: String?
    package var failedAt: Timestamp?
    /// Where the blob is held; nil until it is.
    package var url: BlobURL?
    package var expires: Timestamp?

    init() {}

    /// Something was begun at the server.
    var isAtServer: Bool { upload != nil || mayBeHeld || url != nil }
}

extension OutboxStanding {
    /// What cannot be read tells nothing: then the server is asked.
    init?(parsing bytes: [UInt8]) {
        guard let members = JSONMembers(bytes), members.integer("v") == 1 else { return nil }
        upload = members.text("upload").flatMap { UploadID(hex: $0) }
        acknowledged = members.integer("acknowledged") ?? 0
        mayBeHeld = members.text("lease") == "perhaps"
        failure = members.text("failure")
        failedAt = members.moment("failed_at")
        url = members.text("url").flatMap { BlobURL($0) }
        expires = members.moment("expires")
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
        object.add("expires", integer: expires?.seconds)
        return object.text + "\n"
    }
}
