package import Blobs
import MediaMessage
import Transfer

/// What a server says about a blob that it holds for us.
struct RemoteBlob: Hashable, Sendable {
    let url: BlobURL
    let address: BlobAddress
    let size: Int64
    /// When the lease ends; nil as well for a moment beyond the year 9999, which no honest server means, and which a
    /// message may not be able to carry.
    let expires: Timestamp?
    /// Other URLs of the blob.
    let mirrors: [BlobURL]

    private static let latestExpiry: Int64 = 253_402_300_799

    init(url: BlobURL, address: BlobAddress, size: Int64, expires: Timestamp?, mirrors: [BlobURL] = []) {
        self.url = url
        self.mirrors = mirrors
        self.address = address
        self.size = size
        self.expires = expires.flatMap { $0.seconds <= Self.latestExpiry ? $0 : nil }
    }

    /// Reads `{"url","sha256","size",…,"expires","mirrors":[…]}`; nil if a part is missing or invalid. Mirrors that could
    /// not be in a message are left out.
    init?(_ response: HTTPResponse) {
        guard let answer = JSONMembers(response), let url = answer.text("url").flatMap({ BlobURL($0) }),
            let address = answer.address, let size = answer.integer("size"), url.address == address
        else { return nil }
        self.init(
            url: url, address: address, size: size, expires: answer.timestamp("expires"),
            mirrors: answer.mirrors(of: address))
    }
}

extension RemoteBlob {
    /// The same with those mirrors alone that satisfy `isWanted`: each once, and as many as a message may have.
    func keepingMirrors(_ isWanted: (BlobURL) -> Bool) -> RemoteBlob {
        var kept: [BlobURL] = []
        for mirror in mirrors where kept.count < MediaMessage.mirrorLimit {
            if mirror != url, !kept.contains(mirror), isWanted(mirror) { kept.append(mirror) }
        }
        return RemoteBlob(url: url, address: address, size: size, expires: expires, mirrors: kept)
    }
}

/// The state of a resumable upload: how many bytes the server surely has, and where the blob is once it is complete.
struct UploadStatus: Hashable, Sendable {
    let offset: Int64
    let blobURL: BlobURL?

    init(offset: Int64, blobURL: BlobURL? = nil) {
        self.offset = offset
        self.blobURL = blobURL
    }

    /// Reads `Upload-Offset` and `Content-Location`; nil if the offset is missing or invalid.
    init?(_ response: HTTPResponse) {
        guard let digits = response["upload-offset"], !digits.isEmpty,
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let offset = Int64(digits)
        else { return nil }
        self.init(offset: offset, blobURL: response["content-location"].flatMap { BlobURL($0) })
    }
}

extension Lease {
    /// Reads `{"sha256","size","state","created","expires","recipients","received":[{"recipient","at"}]}`, a lease as
    /// its owner sees it; nil if a part is missing or invalid.
    init?(_ response: HTTPResponse) {
        guard let answer = JSONMembers(response), let address = answer.address, let size = answer.integer("size"),
            let state = answer.text("state").flatMap({ State(answer: $0) }), let created = answer.timestamp("created"),
            let expires = answer.timestamp("expires"), let received = answer.objects("received", Self.receipt)
        else { return nil }
        self.init(
            address: address, size: size, state: state, created: created, expires: expires,
            recipients: answer.integer("recipients").flatMap { Int(exactly: $0) }, received: received)
    }

    private static func receipt(_ members: JSONMembers) -> Receipt? {
        guard let recipient = members.text("recipient").flatMap({ Recipient(base64url: $0) }),
            let at = members.timestamp("at")
        else { return nil }
        return Receipt(recipient: recipient, at: at)
    }
}

extension Lease.State {
    /// `held`, `damaged`, or why it ended.
    init?(answer: String) {
        switch answer {
        case "held": self = .held
        case "damaged": self = .damaged
        default:
            guard let reason = EndReason(rawValue: answer) else { return nil }
            self = .ended(reason)
        }
    }

    /// The same word again.
    package var word: String {
        switch self {
        case .held: "held"
        case .damaged: "damaged"
        case .ended(let reason): reason.rawValue
        }
    }
}

/// What a ticket's holder may still use at a server, and when more becomes available.
package struct Quota: Hashable, Sendable {
    /// How much of one resource; no limit if none was named.
    package struct Allowance: Hashable, Sendable {
        package let used: Int64
        /// What uploads in progress will use.
        package let reserved: Int64
        package let limit: Int64?

        init?(_ members: JSONMembers) {
            guard let used = members.integer("used") else { return nil }
            self.used = used
            reserved = members.integer("reserved") ?? 0
            limit = members.integer("limit")
        }
    }

    package let bytes: Allowance
    package let leases: Allowance
    /// Leases made in the last day; nil where the server does not say.
    package let leasesMade: Allowance?
    package let uploads: Allowance
    /// When the next lease ends; nil if there is none.
    package let nextEnd: Timestamp?
}

extension Quota {
    /// Reads `{"bytes":{"used","reserved","limit"},"leases":{…},"leases_made":{…},"uploads":{…},"next_end"}`; nil if a
    /// part is missing.
    init?(_ response: HTTPResponse) {
        guard let answer = JSONMembers(response), let bytes = answer.object("bytes").flatMap({ Allowance($0) }),
            let leases = answer.object("leases").flatMap({ Allowance($0) }),
            let uploads = answer.object("uploads").flatMap({ Allowance($0) })
        else { return nil }
        self.init(
            bytes: bytes, leases: leases, leasesMade: answer.object("leases_made").flatMap { Allowance($0) },
            uploads: uploads, nextEnd: answer.timestamp("next_end"))
    }
}
