import Blobs
package import HTTPTypes
package import Store

/// tus 1.0.0 with its extensions creation, creation-with-upload, creation-defer-length, checksum, expiration and
/// termination.
package struct TusDialect: UploadDialect {
    package static let version = "1.0.0"
    package static let mediaType = "application/offset+octet-stream"

    package init() {}

    /// What OPTIONS tells.
    package static func offer(blobLimitBytes: Int64) -> HTTPFields {
        [
            .tusResumable: version, .tusVersion: version,
            .tusExtension: "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination",
            .tusMaxSize: "\(blobLimitBytes)",
            .tusChecksumAlgorithm: UploadChecksum.Algorithm.allCases.map(\.rawValue).joined(separator: ","),
        ]
    }

    package var commonFields: HTTPFields { [.tusResumable: Self.version] }

    package func announcement(of upload: ResumableUpload, at place: UploadPlace) -> HTTPFields? { nil }

    // MARK: Requests

    package func creation(_ fields: HTTPFields, subject: String) throws(Problem) -> UploadCreation {
        try judgeVersion(fields)
        guard fields[.uploadConcat] == nil else {
            throw .badField(.uploadConcat, "belongs to an extension that is not had here")
        }
        let length = try length(fields)
        let terms = try TusMetadata.fields(fields[.uploadMetadata] ?? "")
        let announcement = try UploadFields.announcement(
            size: length, terms, subject: subject)
        return UploadCreation(announcement: announcement, part: try firstPart(fields, length: length))
    }

    /// The bytes that come with the creation. Where none can come, the upload is at its end already.
    private func firstPart(_ fields: HTTPFields, length: Int64?) throws(Problem) -> UploadPart? {
        let count = try UploadFields.contentLength(fields)
        let isOffset = Self.isOffsetStream(fields)
        if !isOffset, (count ?? 0) > 0 || fields[.transferEncoding] != nil { throw Self.wrongType }
        guard isOffset || length == 0 else { return nil }
        return UploadPart(
            count: isOffset ? count : 0, length: length, ending: .atLength, checksum: try checksum(fields))
    }

    package func part(_ fields: HTTPFields) throws(Problem) -> UploadPart {
        try judgeVersion(fields)
        guard Self.isOffsetStream(fields) else { throw Self.wrongType }
        guard let offset = fields[.uploadOffset].flatMap({ SaturatingDigits.parse($0) }) else {
            throw .badField(.uploadOffset, "must be a number of bytes")
        }
        return UploadPart(
            offset: offset, count: try UploadFields.contentLength(fields),
            length: try fields[.uploadLength] == nil ? nil : length(fields), ending: .atLength,
            checksum: try checksum(fields))
    }

    package func judge(_ question: UploadQuestion, _ fields: HTTPFields) throws(Problem) { try judgeVersion(fields) }

    private func judgeVersion(_ fields: HTTPFields) throws(Problem) {
        guard fields[.tusResumable] == Self.version else {
            throw Problem(.tusVersion, fields: [.tusVersion: Self.version])
        }
    }

    private static func isOffsetStream(_ fields: HTTPFields) -> Bool { fields.mediaType == mediaType }

    private static var wrongType: Problem {
        Problem(.wrongMediaType, detail: "The Content-Type of bytes of an upload is \(mediaType).")
    }

    /// The length of the whole; nil where it is to be told later.
    private func length(_ fields: HTTPFields) throws(Problem) -> Int64? {
        switch (fields[.uploadLength], fields[.uploadDeferLength]) {
        case (nil, "1"): return nil
        case (let text?, nil):
            guard let length = SaturatingDigits.parse(text) else {
                throw .badField(.uploadLength, "must be a number of bytes")
            }
            return length
        default: throw .badField(.uploadLength, "must be there, or in its place Upload-Defer-Length with 1")
        }
    }

    private func checksum(_ fields: HTTPFields) throws(Problem) -> UploadChecksum? {
        guard fields[.trailer]?.lowercased().contains("upload-checksum") != true else {
            throw .badField(.uploadChecksum, "is taken before the bytes only, not behind them")
        }
        guard let text = fields[.uploadChecksum] else { return nil }
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 2, let algorithm = UploadChecksum.Algorithm(rawValue: String(words[0])),
            let digest = Base64.decode(words[1]), let checksum = UploadChecksum(algorithm, digest: digest)
        else { throw .badField(.uploadChecksum, "must be sha1 or sha256, a blank and the digest in base64") }
        return checksum
    }

    // MARK: Answers

    package func answer(
        _ request: UploadRequest, _ upload: ResumableUpload, at place: UploadPlace
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
