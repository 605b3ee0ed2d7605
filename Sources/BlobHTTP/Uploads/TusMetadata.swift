import Blobs
package import HTTPTypes
package import Store

/// `Upload-Metadata` of tus 1.0: keys, and after each perhaps a blank and a value in base64, with commas between them.
///
/// Five keys are read, each of which means a field of a plain upload and has its text for a value:
///
///     lifetime    Satchel-Lifetime        owner     Satchel-Owner      sha256    X-SHA-256
///     recipients  Satchel-Recipients      receipt   Satchel-Receipt
///
/// All others, names and types of files first, are dropped with their values unread.
package enum TusMetadata {
    /// Pairs in one field.
    private static let pairLimit = 64

    private static let keys: [(key: String, name: HTTPField.Name)] = [
        ("lifetime", .satchelLifetime), ("recipients", .satchelRecipients), ("owner", .satchelOwner),
        ("receipt", .satchelReceipt), ("sha256", .xSHA256),
    ]

    /// The fields that the keys stand for.
    package static func fields(_ text: String) throws(Problem) -> HTTPFields {
        var fields = HTTPFields()
        if text.isEmpty { return fields }
        let pairs = text.split(separator: ",", omittingEmptySubsequences: false)
        guard pairs.count <= pairLimit else { throw .badField(.uploadMetadata, "has more than \(pairLimit) keys") }
        for pair in pairs {
            let words = Substring(pair.utf8.trimmingBlanks()).split(separator: " ", omittingEmptySubsequences: false)
            guard let key = words.first, !key.isEmpty, words.count <= 2 else {
                throw .badField(.uploadMetadata, "must be keys, each with a value in base64")
            }
            guard let name = keys.first(where: { $0.key == key })?.name else { continue }
            guard fields[name] == nil else { throw .badField(.uploadMetadata, "has a key twice") }
            fields[name] = try value(words.count == 2 ? words[1] : "")
        }
        return fields
    }

    /// Text that can stand in a field: visible ASCII.
    private static func value(_ encoded: Substring) throws(Problem) -> String {
        guard let bytes = Base64.decode(encoded), bytes.allSatisfy({ (0x20...0x7e).contains($0) }) else {
            throw .badField(.uploadMetadata, "has a value that is not a text in base64")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The same of what was announced; nil where nothing was.
    package static func text(_ announcement: UploadAnnouncement) -> String? {
        let terms = announcement.terms
        let receipts = terms.receipts.map(\.base64url).joined(separator: ",")
        let values: [(String, String?)] = [
            ("lifetime", terms.lifetime.map { "\($0.seconds)" }), ("recipients", terms.recipients.map { "\($0)" }),
            ("owner", terms.owner?.base64url), ("receipt", receipts.isEmpty ? nil : receipts),
            ("sha256", announcement.address?.hex),
        ]
        let pairs = values.compactMap { key, value in value.map { "\(key) \(Base64.encode($0.utf8))" } }
        return pairs.isEmpty ? nil : pairs.joined(separator: ",")
    }
}
