import Blobs
package import HTTPTypes
package import Store

/// tus 1.0.0 with its extensions creation, creation-with-upload, creation-defer-length, checksum, expiration and
/// termination.
package struct TusDialect: UploadDialect {
    package static let version = "1.0.0"
    package static let mediaType = "application/offset+octet-stream"

    package init() {}

    /// What OPTIONS says.
    package static func offer(blobLimitBytes: Int64) -> HTTPFields {
        [
            .tusResumable: version, .tusVersion: version,
            .tusExtension: "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination",
            .tusMaxSize: "\(blobLimitBytes)",
            .tusChecksumAlgorithm: UploadChecksum.Algorithm.allCases.map(\.rawValue).joined(separator: ","),
        ]
    }

    package var commonFields: HTTPFields { [.tusResumable: Self.version] }

    package func announcement(of upload: ResumableUpload, at place: UploadContext) -> HTTPFields? { nil }

    // MARK: Requests

    package func creation(_ fields: HTTPFields, subject: String) throws(Problem) -> UploadCreation {
        try validateVersion(fields)
        guard fields[.uploadConcat] == nil else {
            throw .badField(.uploadConcat, "belongs to an extension that is not supported")
        }
        let length = try length(fields)
        let terms = try TusMetadata.fields(fields[.uploadMetadata] ?? "")
        let announcement = try UploadAnnouncement(terms, size: length, subject: subject)
        return UploadCreation(announcement: announcement, part: try firstPart(fields, length: length))
    }

    /// The bytes that come with the creation. An upload of no bytes is complete at once.
    private func firstPart(_ fields: HTTPFields, length: Int64?) throws(Problem) -> AppendRequest? {
        let count = try fields.bodyBytes()
        let isOffset = Self.isOffsetStream(fields)
        if !isOffset, (count ?? 0) > 0 || fields[.transferEncoding] != nil { throw Self.wrongType }
        guard isOffset || length == 0 else { return nil }
        return AppendRequest(
            count: isOffset ? count : 0, length: length, ending: .atLength, checksum: try checksum(fields))
    }

    package func part(_ fields: HTTPFields) throws(Problem) -> AppendRequest {
        try validateVersion(fields)
        guard Self.isOffsetStream(fields) else { throw Self.wrongType }
        guard let offset = fields[.uploadOffset].flatMap({ SaturatingDigits.parse($0) }) else {
            throw .badField(.uploadOffset, "must be a number of bytes")
        }
        return AppendRequest(
            offset: offset, count: try fields.bodyBytes(),
            length: try fields[.uploadLength] == nil ? nil : length(fields), ending: .atLength,
            checksum: try checksum(fields))
    }

    package func validate(_ question: UploadQuestion, _ fields: HTTPFields) throws(Problem) {
        try validateVersion(fields)
    }

    private func validateVersion(_ fields: HTTPFields) throws(Problem) {
        guard fields[.tusResumable] == Self.version else {
            throw Problem(.tusVersion, fields: [.tusVersion: Self.version])
        }
    }

    private static func isOffsetStream(_ fields: HTTPFields) -> Bool { fields.mediaType == mediaType }

    private static var wrongType: Problem {
        Problem(.wrongMediaType, detail: "The Content-Type of bytes of an upload is \(mediaType).")
    }

    /// The length of the upload; nil where it is given later.
    private func length(_ fields: HTTPFields) throws(Problem) -> Int64? {
        switch (fields[.uploadLength], fields[.uploadDeferLength]) {
        case (nil, "1"): return nil
        case (let text?, nil):
            guard let length = SaturatingDigits.parse(text) else {
                throw .badField(.uploadLength, "must be a number of bytes")
            }
            return length
        default: throw .badField(.uploadLength, "is required, or Upload-Defer-Length: 1 in its place")
        }
    }

    private func checksum(_ fields: HTTPFields) throws(Problem) -> UploadChecksum? {
        guard fields[.trailer]?.lowercased().contains("upload-checksum") != true else {
            throw .badField(.uploadChecksum, "is not supported as a trailer")
        }
        guard let text = fields[.uploadChecksum] else { return nil }
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 2, let algorithm = UploadChecksum.Algorithm(rawValue: String(words[0])),
            let digest = Base64.decode(words[1]), let checksum = UploadChecksum(algorithm, digest: digest)
        else { throw .badField(.uploadChecksum, "must be sha1 or sha256, a space and the digest in base64") }
        return checksum
    }

    // MARK: Answers

    package func answer(
        _ request: UploadRequest, _ upload: ResumableUpload, at place: UploadContext
    ) -> UploadAnswer {
        var fields: HTTPFields = [.cacheControl: "no-store", .uploadExpires: HTTPDate.format(upload.expires)]
        if case .committed(let blob) = upload.state { fields[.contentLocation] = place.url(of: blob) }
        switch request {
        case .creation(let hasPart):
            fields[.location] = place.url(of: upload)
            if hasPart { fields[.uploadOffset] = "\(upload.offset)" }
            return .fields(.created, fields)
        case .append:
            fields[.uploadOffset] = "\(upload.offset)"
            return .fields(.noContent, fields)
        case .offset:
            fields[.uploadOffset] = "\(upload.offset)"
            fields[.uploadMetadata] = TusMetadata.text(upload.announcement)
            if let length = upload.length {
                fields[.uploadLength] = "\(length)"
            } else {
                fields[.uploadDeferLength] = "1"
            }
            return .fields(.ok, fields)
        }
    }

    package func refusalFields(isFinal: Bool) -> HTTPFields { [:] }
}

/// `Upload-Metadata` of tus 1.0: keys separated by commas, each optionally followed by a space and a value in base64.
///
/// Five keys are read. Each stands for a field of a plain upload, and its value is the value of that field:
///
///     lifetime    Satchel-Lifetime        owner     Satchel-Owner      sha256    X-SHA-256
///     recipients  Satchel-Recipients      receipt   Satchel-Receipt
///
/// All others, such as names and types of files, are dropped and their values are not decoded.
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
                throw .badField(.uploadMetadata, "must be a list of keys, each with a value in base64")
            }
            guard let name = keys.first(where: { $0.key == key })?.name else { continue }
            guard fields[name] == nil else { throw .badField(.uploadMetadata, "has a key twice") }
            fields[name] = try value(words.count == 2 ? words[1] : "")
        }
        return fields
    }

    /// Text that is allowed in a field: printable ASCII.
    private static func value(_ encoded: Substring) throws(Problem) -> String {
        guard let bytes = Base64.decode(encoded), bytes.allSatisfy({ (0x20...0x7e).contains($0) }) else {
            throw .badField(.uploadMetadata, "has a value that is not base64 of ASCII text")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The metadata for an announcement; nil where nothing was announced.
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
