import Blobs
package import HTTPTypes
package import Store

/// draft-ietf-httpbis-resumable-upload in one of its interop versions.
package struct DraftDialect: UploadDialect {
    package static let mediaType = "application/partial-upload"

    let version: DraftVersion
    /// Whether the request named it: only then do the responses.
    let isNamed: Bool

    package init(_ version: DraftVersion, isNamed: Bool = true) {
        self.version = version
        self.isNamed = isNamed
    }

    /// The version that a request names; nil for none, or for one that is not supported.
    package init?(naming fields: HTTPFields) {
        guard let number = StructuredItem.count(fields[.uploadDraftInteropVersion]),
            let version = Int(exactly: number).flatMap({ DraftVersion(rawValue: $0) })
        else { return nil }
        self.init(version)
    }

    /// The version of a request that creates a resumable upload; nil for a plain upload.
    init?(beginning fields: HTTPFields) {
        self.init(naming: fields)
        guard isLast(fields) != nil else { return nil }
    }

    /// Refuses a plain upload that claims that more will follow, as one in an unsupported version may.
    static func validate(plain fields: HTTPFields) throws(Problem) {
        guard StructuredItem.boolean(fields[.uploadComplete]) != false,
            StructuredItem.boolean(fields[.uploadIncomplete]) != true
        else {
            throw .badField(
                .uploadDraftInteropVersion,
                "must name one of \(DraftVersion.allCases.map { "\($0.rawValue)" }.joined(separator: ", ")) "
                    + "where bytes are sent in more than one request")
        }
    }

    /// What OPTIONS says.
    package static func offer(blobLimitBytes: Int64) -> HTTPFields {
        [.acceptPatch: mediaType, .uploadLimit: "max-size=\(blobLimitBytes)"]
    }

    package var commonFields: HTTPFields { isNamed ? [.uploadDraftInteropVersion: "\(version.rawValue)"] : [:] }

    // MARK: Requests

    package func creation(_ fields: HTTPFields, subject: String) throws(Problem) -> UploadCreation {
        if version.refusesStrayFields { try refuse([.uploadOffset], in: fields) }
        let part = try part(fields, from: 0)
        let announcement = try UploadAnnouncement(fields, size: part.length, subject: subject)
        return UploadCreation(announcement: announcement, part: part)
    }

    package func part(_ fields: HTTPFields) throws(Problem) -> AppendRequest {
        guard !version.hasMediaType || fields.mediaType == Self.mediaType else {
            throw Problem(
                .wrongMediaType, detail: "The Content-Type of bytes to append is \(Self.mediaType).",
                fields: [.acceptPatch: Self.mediaType])
        }
        guard let offset = StructuredItem.count(fields[.uploadOffset]) else {
            throw .badField(.uploadOffset, "must be a number of bytes")
        }
        return try part(fields, from: offset)
    }

    private func part(_ fields: HTTPFields, from offset: Int64) throws(Problem) -> AppendRequest {
        let count = try fields.bodyBytes()
        guard let isLast = isLast(fields) ?? (version.mustTellCompleteness ? nil : true) else {
            throw .badField(completenessName, "must be ?0 or ?1")
        }
        var length = version.hasLimits ? StructuredItem.count(fields[.uploadLength]) : nil
        if isLast, let count {
            let (end, isTooLarge) = offset.addingReportingOverflow(count)
            guard !isTooLarge, length == nil || length == end else { throw Problem(.wrongLength, limit: length) }
            length = end
        }
        return AppendRequest(offset: offset, count: count, length: length, ending: .stated(isLast: isLast))
    }

    package func validate(_ question: UploadQuestion, _ fields: HTTPFields) throws(Problem) {
        guard version.refusesStrayFields else { return }
        try refuse([.uploadOffset, completenessName], in: fields)
        if question == .offset, version.hasLimits { try refuse([.uploadLength], in: fields) }
    }

    private func refuse(_ names: [HTTPField.Name], in fields: HTTPFields) throws(Problem) {
        for name in names where fields[name] != nil { throw .badField(name, "is not allowed in this request") }
    }

    private var completenessName: HTTPField.Name { version == .v3 ? .uploadIncomplete : .uploadComplete }

    /// Whether the bytes of a request are the last; nil where it does not say.
    private func isLast(_ fields: HTTPFields) -> Bool? {
        StructuredItem.boolean(fields[completenessName]).map { version == .v3 ? !$0 : $0 }
    }

    // MARK: Answers

    package func announcement(of upload: ResumableUpload, at place: UploadContext) -> HTTPFields? {
        guard isNamed else { return nil }
        var fields = commonFields
        fields[.location] = place.url(of: upload)
        fields[.uploadLimit] = limit(of: upload, at: place)
        return fields
    }

    package func answer(
        _ request: UploadRequest, _ upload: ResumableUpload, at place: UploadContext
    ) -> UploadAnswer {
        var fields: HTTPFields = [.cacheControl: "no-store", .uploadOffset: "\(upload.offset)"]
        guard case .committed(let blob) = upload.state else {
            tell(isComplete: false, in: &fields)
            fields[.uploadLimit] = limit(of: upload, at: place)
            return open(request, upload, fields, at: place)
        }
        tell(isComplete: true, in: &fields)
        switch request {
        case .creation where version.namesUploadToTheEnd: fields[.location] = place.url(of: upload)
        case .creation, .append: break
        case .offset:
            fields[.contentLocation] = place.url(of: blob)
            fields[.uploadLimit] = limit(of: upload, at: place)
            if version.hasLimits { fields[.uploadLength] = "\(blob.size)" }
            return .fields(.noContent, fields)
        }
        return .stored(fields)
    }

    private func open(
        _ request: UploadRequest, _ upload: ResumableUpload, _ known: HTTPFields, at place: UploadContext
    ) -> UploadAnswer {
        var fields = known
        switch request {
        case .creation:
            fields[.location] = place.url(of: upload)
            return .fields(.created, fields)
        case .append: return .fields(version.appended, fields)
        case .offset:
            if version.hasLimits { fields[.uploadLength] = upload.length.map { "\($0)" } }
            return .fields(.noContent, fields)
        }
    }

    package func refusalFields(isFinal: Bool) -> HTTPFields {
        var fields = HTTPFields()
        tell(isComplete: isFinal, in: &fields)
        return fields
    }

    private func tell(isComplete: Bool, in fields: inout HTTPFields) {
        fields[completenessName] = StructuredItem.encode(version == .v3 ? !isComplete : isComplete)
    }

    private func limit(of upload: ResumableUpload, at place: UploadContext) -> String? {
        guard version.hasLimits else { return nil }
        let (left, _) = upload.expires.seconds.subtractingReportingOverflow(place.now.seconds)
        return "max-size=\(place.blobLimitBytes), \(version.ageLimitName)=\(max(0, left))"
    }
}

/// The supported interop versions of draft-ietf-httpbis-resumable-upload, and how they differ. Version 4 had no client.
package enum DraftVersion: Int, CaseIterable, Comparable, Sendable {
    /// Draft 01.
    case v3 = 3
    /// Draft 03: `Upload-Complete` instead of `Upload-Incomplete`.
    case v5 = 5
    /// Drafts 04 and 05: a media type for appended bytes, `Upload-Length`, `Upload-Limit`.
    case v6 = 6
    /// Drafts 06 to 08: the response to an append is 204, and `expires` is called `max-age`.
    case v7 = 7
    /// From draft 09 on.
    case v8 = 8

    package static func < (one: DraftVersion, other: DraftVersion) -> Bool { one.rawValue < other.rawValue }

    /// Whether appended bytes have a media type of their own.
    var hasMediaType: Bool { self >= .v6 }
    /// Whether there are fields for lengths and limits.
    var hasLimits: Bool { self >= .v6 }
    /// The name of the limit that is an upload's remaining time.
    var ageLimitName: String { self >= .v7 ? "max-age" : "expires" }
    /// The status that acknowledges appended bytes that are not the last.
    var appended: HTTPResponse.Status { self >= .v7 ? .noContent : .created }
    /// Whether every response to the creating request names the upload in `Location`, the final one included.
    var namesUploadToTheEnd: Bool { self <= .v6 }
    /// Whether a request must say if its bytes are the last; in older versions they are unless it says otherwise.
    var mustTellCompleteness: Bool { self >= .v6 }
    /// Whether the fields of an append are refused in other requests.
    var refusesStrayFields: Bool { self <= .v6 }
}

/// Single items of structured fields (RFC 9651 §3.3), as the drafts use them. Parameters are ignored.
enum StructuredItem {
    /// `?0` or `?1`; nil for anything else.
    static func boolean(_ text: String?) -> Bool? {
        switch text.flatMap(bare) {
        case "?0": false
        case "?1": true
        default: nil
        }
    }

    /// A non-negative integer of at most 15 digits; nil for anything else.
    static func count(_ text: String?) -> Int64? {
        guard let digits = text.flatMap(bare), digits.utf8.count <= 15 else { return nil }
        return SaturatingDigits.parse(digits)
    }

    /// The item without its parameters, which begin at the first semicolon.
    private static func bare(_ text: String) -> String? {
        text.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false).first.map {
            String(Substring($0.utf8.trimmingBlanks()))
        }
    }

    static func encode(_ value: Bool) -> String { value ? "?1" : "?0" }
}
