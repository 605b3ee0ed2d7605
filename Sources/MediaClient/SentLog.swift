package import Blobs
package import Files
import MediaMessage
package import Transfer

/// What the sender keeps of every lease made from here: enough to show, renew and revoke it, and to seal its blob again;
/// never the key, the name or the caption.
///
/// One JSON object a line, appended and synced, readable by its owner alone. A line that a crash cut short is closed
/// by the next one; whoever reads leaves it aside. A lease has a line before it is asked for, and one for each thing that
/// was learned of it:
///
///     {"v":1,"event":"sending","at":…,"server":"https://…","sha256":"…","owner":"…","size":…,"receipts":["…"],
///      "header":"<base64url of the 64 bytes>","padding":"eighths","lifetime":…,"recipients":…}
///     {"v":1,"event":"sent","at":…,"server":"https://…","sha256":"…","owner":"…","expires":…}
///     {"v":1,"event":"renewed", … ,"expires":…}
///     {"v":1,"event":"ended", … ,"reason":"revoked","received":3}
///
/// `header` is missing for a forward of a blob that was sealed elsewhere.
package struct SentLog: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// What is known before the lease is asked for.
    package struct Sending: Sendable {
        package var at: Timestamp
        package var server: WebURL
        package var address: BlobAddress
        package var size: Int64
        package var owner: Secret
        package var receipts: [Secret]
        package var header: [UInt8]?
        package var padding: String?
        package var lifetime: Lifetime?
        package var recipients: Int?
    }

    /// What was learned of a lease afterwards.
    package enum Event: Sendable {
        case sent(expires: Timestamp?)
        case renewed(expires: Timestamp)
        case ended(EndReason, received: Int)
    }

    package func record(_ sending: Sending) throws(FileError) {
        var line = Self.start("sending", sending.at, sending.server, sending.address, sending.owner)
        sending.addTerms(to: &line)
        try append(line)
    }

    /// Notes what was learned of the lease that `owner` names.
    package func record(
        _ event: Event, at: Timestamp, server: WebURL, address: BlobAddress, owner: Secret
    ) throws(FileError) {
        var line: JSONWriter
        switch event {
        case .sent(let expires):
            line = Self.start("sent", at, server, address, owner)
            line.add("expires", integer: expires?.seconds)
        case .renewed(let expires):
            line = Self.start("renewed", at, server, address, owner)
            line.add("expires", integer: expires.seconds)
        case .ended(let reason, let received):
            line = Self.start("ended", at, server, address, owner)
            line.add("reason", string: reason.rawValue)
            line.add("received", integer: received)
        }
        try append(line)
    }

    private static func start(
        _ event: String, _ at: Timestamp, _ server: WebURL, _ address: BlobAddress, _ owner: Secret
    ) -> JSONWriter {
        var line = JSONWriter()
        line.add("v", integer: 1)
        line.add("event", string: event)
        line.add(at, server, address, owner)
        return line
    }

    /// Appends a line under the file's lock, closing one that was cut short, and makes it durable.
    private func append(_ line: JSONWriter) throws(FileError) {
        let file = try locked()
        let size = try file.size()
        let lastByte = size > 0 ? try file.bytes(1, at: size - 1) : []
        let opening = lastByte == [] || lastByte == [0x0a] ? "" : "\n"
        let bytes = Array("\(opening)\(line.text)\n".utf8)
        try file.write(bytes[...], at: size)
        try file.synchronize()
    }

    /// The file, made where it is missing, and locked for as long as it is open.
    func locked() throws(FileError) -> OpenFile {
        while true {
            let file = try OpenFile(path, .openOrCreate(permissions: 0o600))
            try file.waitForLock()
            // A log that was replaced while we waited has lost its name.
            if try file.status().linkCount > 0 { return file }
        }
    }
}
