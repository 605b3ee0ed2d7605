import Blobs
package import HTTPTypes
package import Store

/// draft-ietf-httpbis-resumable-upload in one of its interop versions.
package struct DraftDialect: UploadDialect {
    package static let mediaType = "application/partial-upload"

    let version: DraftVersion
    /// Whether the request named it: only then is it named in the answers.
    let isNamed: Bool

    package init(_ version: DraftVersion, isNamed: Bool = true) {
        self.version = version
        self.isNamed = isNamed
    }

    /// The version that a request names; nil for none, or one that is not spoken here.
    package init?(naming fields: HTTPFields) {
        guard let number = StructuredItem.count(fields[.uploadDraftInteropVersion]),
            let version = Int(exactly: number).flatMap({ DraftVersion(rawValue: $0) })
        else { return nil }
        self.init(version)
    }

    /// That of a request which begins a resumable upload; nil for a plain one.
    package init?(beginning fields: HTTPFields) {
        self.init(naming: fields)
        guard isLast(fields) != nil else { return nil }
    }

    /// Refuses a plain upload that says more is to come, as one in an unknown version would.
    package static func judge(plain fields: HTTPFields) throws(Problem) {
        guard StructuredItem.boolean(fields[.uploadComplete]) != false,
            StructuredItem.boolean(fields[.uploadIncomplete]) != true
        else {
            throw .badField(
                .uploadDraftInteropVersion,
                "must name one of \(DraftVersion.allCases.map { "\($0.rawValue)" }.joined(separator: ", ")) "
                    + "where bytes come in more than one request")
        }
    }

    /// What OPTIONS tells.
    package static func offer(blobLimitBytes: Int64) -> HTTPFields {
        [.acceptPatch: mediaType, .uploadLimit: "max-size=\(blobLimitBytes)"]
    }

    package var commonFields: HTTPFields { isNamed ? [.uploadDraftInteropVersion: "\(version.rawValue)"] : [:] }

    // MARK: Requests

    package func creation(_ fields: HTTPFields, subject: String) throws(Problem) -> UploadCreation {
        if version.refusesStrayFields { try refuse([.uploadOffset], in: fields) }
        let part = try part(fields, from: 0)
        let announcement = try UploadFields.announcement(size: part.length, fields, subject: subject)
        return UploadCreation(announcement: announcement, part: part)
    }

    package func part(_ fields: HTTPFields) throws(Problem) -> UploadPart {
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

    private func part(_ fields: HTTPFields, from offset: Int64) throws(Problem) -> UploadPart {
        let count = try UploadFields.contentLength(fields)
        guard let isLast = isLast(fields) ?? (version.mustTellCompleteness ? nil : true) else {
            throw .badField(completenessName, "must be ?0 or ?1")
        }
        var length = version.hasLimits ? StructuredItem.count(fields[.uploadLength]) : nil
        if isLast, let count {
            let (end, isTooLarge) = offset.addingReportingOverflow(count)
            guard !isTooLarge, length == nil || length == end else { throw Problem(.wrongLength, limit: length) }
            length = end
        }
        return UploadPart(offset: offset, count: count, length: length, ending: .told(isLast: isLast))
    }

    package func judge(_ question: UploadQuestion, _ fields: HTTPFields) throws(Problem) {
        guard version.refusesStrayFields else { return }
        try refuse([.uploadOffset, completenessName], in: fields)
        if question == .offset, version.hasLimits { try refuse([.uploadLength], in: fields) }
    }

    private func refuse(_ names: [HTTPField.Name], in fields: HTTPFields) throws(Problem) {
        for name in names where fields[name] != nil { throw .badField(name, "does not belong in this request") }
    }

    private var completenessName: HTTPField.Name { version == .v3 ? .uploadIncomplete : .uploadComplete }

    /// Whether the bytes of a request are the last ones; nil where it does not say.
    private func isLast(_ fields: HTTPFields) -> Bool? {
        StructuredItem.boolean(fields[completenessName]).map { version == .v3 ? !$0 : $0 }
    }

    // MARK: Answers

    package func announcement(of upload: ResumableUpload, at place: UploadPlace) -> HTTPFields? {
        guard isNamed else { return nil }
        var fields = commonFields
        fields[.location] = place.url(of: upload)
        fields[.uploadLimit] = limit(of: upload, at: place)
        return fields
    }

    package func answer(
        _ request: UploadRequest, _ upload: ResumableUpload, at place: UploadPlace
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
        _ request: UploadRequest, _ upload: ResumableUpload, _ known: HTTPFields, at place: UploadPlace
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

    private func limit(of upload: ResumableUpload, at place: UploadPlace) -> String? {
        guard version.hasLimits else { return nil }
        let (left, _) = upload.expires.seconds.subtractingReportingOverflow(place.now.seconds)
        return "max-size=\(place.blobLimitBytes), \(version.ageLimitName)=\(max(0, left))"
    }
}
