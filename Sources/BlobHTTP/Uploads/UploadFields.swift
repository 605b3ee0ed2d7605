package import Blobs
package import HTTPTypes
package import Store

// The fields of a request that announce an upload and ask for a lease, parsed into values that are valid by type.

extension UploadAnnouncement {
    /// What the fields of `PUT /upload` announce; the length is required.
    package init(put fields: HTTPFields, subject: String) throws(Problem) {
        guard fields[.contentRange] == nil else {
            throw .badField(.contentRange, "is not allowed in an upload")  // RFC 9110 §14.5
        }
        guard let size = try fields.bodyBytes() else { throw Problem(.lengthRequired) }
        try self.init(fields, size: size, subject: subject)
    }

    /// What the fields of `HEAD /upload` announce, where the length is in `X-Content-Length` (Blossom BUD-06).
    package init(head fields: HTTPFields, subject: String) throws(Problem) {
        var size: Int64?
        if let text = fields[.xContentLength] {
            guard let number = SaturatingDigits.parse(text) else {
                throw .badField(.xContentLength, "must be a number of bytes")
            }
            size = number
        }
        try self.init(fields, size: size, subject: subject)
    }

    /// What the fields announce about an upload of `size` bytes, or about one whose length is given elsewhere or later.
    package init(_ fields: HTTPFields, size: Int64?, subject: String) throws(Problem) {
        try self.init(size: size, address: fields.address(), terms: LeaseTerms(fields, subject: subject))
    }
}

extension LeaseTerms {
    /// What the fields of an upload, or of `POST /<sha256>/leases`, ask for.
    package init(_ fields: HTTPFields, subject: String) throws(Problem) {
        try self.init(
            lifetime: fields.lifetime(), recipients: fields.recipients(), owner: fields.owner(),
            receipts: fields.receipts(), subject: subject)
        guard DeliveryCounting(hashes: receipts.count, recipients: recipients) != nil else {
            throw .badField(.satchelReceipt, "must be one hash, or as many as Satchel-Recipients says")
        }
    }
}

extension HTTPFields {
    /// The size of the request's body; nil where that is known only at its end.
    func bodyBytes() throws(Problem) -> Int64? {
        guard let text = self[.contentLength] else { return nil }
        guard let count = SaturatingDigits.parse(text.utf8.trimmingBlanks().span) else {
            throw .badField(.contentLength, "must be a number of bytes")
        }
        return count
    }

    /// The lifetime that `PATCH /<sha256>/lease` asks for. Nothing else about a lease can be changed, and attempts to do
    /// so are refused.
    package func renewal() throws(Problem) -> Lifetime? {
        for name in [HTTPField.Name.satchelRecipients, .satchelOwner, .satchelReceipt] where self[name] != nil {
            throw .badField(name, "cannot be changed by renewing")
        }
        return try lifetime()
    }

    /// The secret that identifies a lease.
    package func secret() throws(Problem) -> Secret {
        guard let text = self[.satchelSecret] else {
            throw Problem(.wrongSecret, detail: "Satchel-Secret is missing.")
        }
        guard let secret = Secret(base64url: text) else {
            throw .badField(.satchelSecret, "must be 22 base64url characters")
        }
        return secret
    }

    /// The media type of the content in lower case, without its parameters (RFC 9110 §8.3.1).
    var mediaType: String? {
        self[.contentType].map { text in
            let type = text.utf8.prefix { $0 != UInt8(ascii: ";") }
            return String(Substring(type.trimmingBlanks())).lowercased()
        }
    }

    /// The address announced in `X-SHA-256`, in `Repr-Digest`, or identically in both.
    fileprivate func address() throws(Problem) -> BlobAddress? {
        var announced: BlobAddress?
        if let text = self[.xSHA256] {
            guard let address = BlobAddress(hex: text) else {
                throw .badField(.xSHA256, "must be 64 lower-case hexadecimal digits")
            }
            announced = address
        }
        if let text = self[.reprDigest], let digest = try reprDigest(text) {
            guard announced == nil || announced == digest else {
                throw .badField(.reprDigest, "and X-SHA-256 name different digests")
            }
            announced = digest
        }
        return announced
    }

    /// The `sha-256` member of a Repr-Digest (RFC 9530 §3); nil if only other algorithms are named.
    private func reprDigest(_ text: String) throws(Problem) -> BlobAddress? {
        let malformed = Problem.badField(.reprDigest, "must be a dictionary like sha-256=:…:")
        var found: BlobAddress?
        for member in text.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = member.utf8.trimmingBlanks().split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let colon = parts[1].first, colon == UInt8(ascii: ":"), parts[1].count >= 2,
                parts[1].last == colon
            else { throw malformed }
            guard parts[0].elementsEqual("sha-256".utf8) else { continue }
            let encoded = String(Substring(parts[1].dropFirst().dropLast()))
            guard let bytes = Base64.decode(encoded), let address = BlobAddress(bytes: bytes) else { throw malformed }
            found = address
        }
        return found
    }

    fileprivate func lifetime() throws(Problem) -> Lifetime? {
        guard let text = self[.satchelLifetime] else { return nil }
        guard let seconds = SaturatingDigits.parse(text), let lifetime = Lifetime(seconds: seconds) else {
            throw .badField(.satchelLifetime, "must be a number of seconds, at least 1")
        }
        return lifetime
    }

    fileprivate func recipients() throws(Problem) -> Int? {
        guard let text = self[.satchelRecipients] else { return nil }
        guard let number = SaturatingDigits.parse(text), let count = Int(exactly: number),
            (1...LeaseTerms.recipientLimit).contains(count)
        else { throw .badField(.satchelRecipients, "must be a number from 1 to \(LeaseTerms.recipientLimit)") }
        return count
    }

    fileprivate func owner() throws(Problem) -> SecretHash? {
        guard let text = self[.satchelOwner] else { return nil }
        guard let hash = SecretHash(base64url: text) else {
            throw .badField(.satchelOwner, "must be 43 base64url characters")
        }
        return hash
    }

    fileprivate func receipts() throws(Problem) -> [SecretHash] {
        guard let text = self[.satchelReceipt] else { return [] }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let hashes = parts.compactMap { SecretHash(base64url: Substring($0.utf8.trimmingBlanks())) }
        guard hashes.count == parts.count, hashes.count <= LeaseTerms.receiptLimit, Set(hashes).count == hashes.count
        else {
            throw .badField(
                .satchelReceipt, "must be 1 to \(LeaseTerms.receiptLimit) different hashes of 43 base64url characters")
        }
        return hashes
    }
}
