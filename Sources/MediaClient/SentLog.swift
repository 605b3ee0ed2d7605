package import Blobs
package import Files
import MediaMessage

/// What the sender keeps of what was sent: enough to show, renew and revoke it, and to seal it again; never the key.
///
/// One JSON object a line, appended and synced, readable by its owner alone. A line that a crash cut short is closed
/// by the next one; whoever reads leaves it aside. Each sending has a line before the upload and one after it:
///
///     {"v":1,"event":"sending","at":…,"server":"https://…","sha256":"…","size":…,"owner":"…","receipt":"…",
///      "header":"<base64url of the 64 bytes>","padding":"eighths","lifetime":…,"recipients":…}
///     {"v":1,"event":"sent","at":…,"server":"https://…","sha256":"…","owner":"…","expires":…}
package struct SentLog: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// What is known before the upload.
    package struct Sending: Sendable {
        package var at: Timestamp
        package var server: String
        package var address: BlobAddress
        package var size: Int64
        package var owner: Secret
        package var receipt: Secret
        package var header: [UInt8]
        package var padding: String
        package var lifetime: Lifetime?
        package var recipients: Int?
    }

    package func recordSending(_ sending: Sending) throws(FileError) {
        var line = start("sending", sending)
        line.add("size", integer: sending.size)
        line.add("receipt", string: sending.receipt.base64url)
        line.add("header", string: Base64URL.encode(sending.header))
        line.add("padding", string: sending.padding)
        line.add("lifetime", integer: sending.lifetime?.seconds)
        line.add("recipients", integer: sending.recipients)
        try append(line)
    }

    package func recordSent(_ sending: Sending, at: Timestamp, expires: Timestamp?) throws(FileError) {
        var sent = sending
        sent.at = at
        var line = start("sent", sent)
        line.add("expires", integer: expires?.seconds)
        try append(line)
    }

    private func start(_ event: String, _ sending: Sending) -> JSONWriter {
        var line = JSONWriter()
        line.add("v", integer: 1)
        line.add("event", string: event)
        line.add("at", integer: sending.at.seconds)
        line.add("server", string: sending.server)
        line.add("sha256", string: sending.address.hex)
        line.add("owner", string: sending.owner.base64url)
        return line
    }

    /// Appends a line under the file's lock, closing one that was cut short, and makes it durable.
    private func append(_ line: JSONWriter) throws(FileError) {
        let file = try OpenFile(path, .openOrCreate(permissions: 0o600))
        try file.waitForLock()
        let size = try file.size()
        let lastByte = size > 0 ? try file.bytes(1, at: size - 1) : []
        let opening = lastByte == [] || lastByte == [0x0a] ? "" : "\n"
        let bytes = Array("\(opening)\(line.text)\n".utf8)
        try file.write(bytes[...], at: size)
        try file.synchronize()
    }
}
