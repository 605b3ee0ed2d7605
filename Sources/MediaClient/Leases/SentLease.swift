package import Blobs
package import Transfer

/// A lease made from here, as the sent log knows it.
package struct SentLease: Sendable {
    package let server: WebURL
    package let address: BlobAddress
    /// Bytes of the sealed blob.
    package let size: Int64
    package let owner: Secret
    /// One for all recipients, or one each.
    package let receipts: [Secret]
    /// The blob's first 64 bytes; nil for a forward of what was sealed elsewhere.
    package let header: [UInt8]?
    package let recipients: Int?
    /// The lifetime that was asked for; nil for the server's default.
    package let lifetime: Lifetime?
    package let madeAt: Timestamp
    /// The server has confirmed it.
    package private(set) var isSent = false
    /// The expiry that the server named last.
    package private(set) var expires: Timestamp?
    package private(set) var end: LeaseEnd?

    /// Since when it has surely been over, as far as is known here: its end, or the last expiry named; for one never
    /// confirmed, whose answer may have been lost, the latest end that it may have. Nil for one that may live without an
    /// expiry.
    package var overSince: Timestamp? {
        end?.at ?? expires ?? (isSent ? nil : madeAt.advanced(by: lifetime ?? Self.longestUnasked))
    }

    /// The longest lifetime of a lease for which none was asked.
    static let longestUnasked = Lifetime.days(30)

    package var name: LeaseName { LeaseName(address, owner: owner) }
}

/// How a lease ended, as far as was reported.
package struct LeaseEnd: Hashable, Sendable {
    package let reason: EndReason
    /// When that was reported.
    package let at: Timestamp
    /// How many had received it by then.
    package let received: Int
}

/// Reading lines of the sent log.
extension SentLease {
    /// A lease from its `sending` line; nil if a part is missing or invalid.
    init?(_ line: JSONMembers) {
        guard let request = LeaseRequest(line) else { return nil }
        server = request.server
        address = request.address
        size = request.size
        owner = request.owner
        receipts = request.receipts
        header = request.header?.count == SealedGeometry.headerBytes ? request.header : nil
        recipients = request.recipients
        lifetime = request.lifetime
        madeAt = request.at
    }

    /// Takes a later line of the same lease; an invalid one changes nothing.
    mutating func take(_ event: String, _ line: JSONMembers) {
        switch event {
        case "sent", "renewed":
            isSent = true
            expires = line.timestamp("expires") ?? expires
        case "ended":
            guard let reason = line.text("reason").flatMap(EndReason.init(rawValue:)), let at = line.timestamp("at")
            else { return }
            end = LeaseEnd(reason: reason, at: at, received: line.integer("received").flatMap { Int(exactly: $0) } ?? 0)
        default: return
        }
    }
}
