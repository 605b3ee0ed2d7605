package import Blobs
package import Transfer

/// A lease that was made from here, as the sent log tells of it.
package struct SentLease: Sendable {
    package let server: WebURL
    package let address: BlobAddress
    /// Bytes of the sealed blob.
    package let size: Int64
    package let owner: Secret
    /// One for all recipients, or one for each.
    package let receipts: [Secret]
    /// The blob's first 64 bytes; nil for a forward of what was sealed elsewhere.
    package let header: [UInt8]?
    package let recipients: Int?
    package let madeAt: Timestamp
    /// The server has said that it holds it.
    package private(set) var isSent = false
    /// The end that the server named last.
    package private(set) var expires: Timestamp?
    package private(set) var end: End?

    /// How it ended, as far as was heard.
    package struct End: Hashable, Sendable {
        package let reason: EndReason
        /// When that was heard.
        package let at: Timestamp
        /// How many had received it by then.
        package let received: Int
    }

    /// Since when it is over, by all that is known here: its end, or the last end that was named, or, for one that never
    /// arrived, its beginning. Nil for one that may live without an end.
    package var overSince: Timestamp? { end?.at ?? expires ?? (isSent ? nil : madeAt) }

    package var name: LeaseName { LeaseName(address, owner: owner) }
}

/// Lines of the sent log, read.
extension SentLease {
    /// A lease from its `sending` line; nil if a part is missing or makes no sense.
    init?(_ line: JSONMembers) {
        guard let sending = SentLog.Sending(line) else { return nil }
        server = sending.server
        address = sending.address
        size = sending.size
        owner = sending.owner
        receipts = sending.receipts
        header = sending.header?.count == SealedGeometry.headerBytes ? sending.header : nil
        recipients = sending.recipients
        madeAt = sending.at
    }

    /// Takes a later line of the same lease; one that makes no sense changes nothing.
    mutating func take(_ event: String, _ line: JSONMembers) {
        switch event {
        case "sent", "renewed":
            isSent = true
            expires = line.moment("expires") ?? expires
        case "ended":
            guard let reason = line.text("reason").flatMap(EndReason.init(rawValue:)), let at = line.moment("at") else {
                return
            }
            end = End(reason: reason, at: at, received: line.integer("received").flatMap { Int(exactly: $0) } ?? 0)
        default: return
        }
    }
}
