package import Blobs
package import MediaMessage
import Transfer

/// What is written down of a send before its first byte leaves, and never changed: what is asked of the server, and the
/// message that will be given out. It holds the key.
///
/// A file of one JSON object, readable by its owner alone:
///
///     {"v":1,"at":…,"server":"https://…","sha256":"…","owner":"…","size":…,"receipts":["…"],"header":"…",
///      "padding":"eighths","lifetime":…,"recipients":…,"format":"json","message":"{…}"}
///
/// The members up to `recipients` are those of the sent log; `message` is the message as text.
package struct OutboxRecord: Sendable {
    let sending: SentLog.Sending
    /// As it will be given out, but for its end, and its receipt secret where each recipient has their own.
    package let message: MediaMessage
    /// How it was to be printed.
    package let format: MessageFormat

    /// The name of the entry, which is that of the lease to be.
    package var name: LeaseName { LeaseName(sending.address, owner: sending.owner) }
    package var server: String { sending.server.description }
    package var host: String { sending.server.origin.authority }
    /// Bytes of the sealed blob.
    package var size: Int64 { sending.size }
    package var at: Timestamp { sending.at }

    init(_ sending: SentLog.Sending, message: MediaMessage, format: MessageFormat) {
        self.sending = sending
        self.message = message
        self.format = format
    }
}

extension OutboxRecord {
    /// Nil for what this version cannot read.
    init?(parsing bytes: [UInt8]) {
        guard let members = JSONMembers(bytes), members.integer("v") == 1, let sending = SentLog.Sending(members),
            !sending.receipts.isEmpty, let text = members.text("message"),
            let message = try? MediaMessage.read(text, requiresLocation: true), message.address == sending.address,
            let format = members.text("format").flatMap({ MessageFormat(rawValue: $0) })
        else { return nil }
        self.init(sending, message: message, format: format)
    }

    func text() throws(MediaClientError) -> String {
        var object = JSONWriter()
        object.add("v", integer: 1)
        object.add(sending.at, sending.server, sending.address, sending.owner)
        sending.addTerms(to: &object)
        object.add("format", string: format.rawValue)
        do { object.add("message", string: try message.encoded()) } catch { throw .message(error) }
        return object.text + "\n"
    }
}
