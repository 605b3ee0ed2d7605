package import Blobs
package import HTTPTypes

/// What a client asks of a blob: the fields of GET or HEAD that bear on the answer.
package struct BlobQuestion: Hashable, Sendable {
    package var isHead: Bool
    package var range: String?
    package var preconditions: Preconditions

    package init(isHead: Bool = false, range: String? = nil, preconditions: Preconditions = Preconditions()) {
        self.isHead = isHead
        self.range = range
        self.preconditions = preconditions
    }

    package init(isHead: Bool, fields: HTTPFields) {
        self.init(
            isHead: isHead, range: fields[.range],
            preconditions: Preconditions(
                ifMatch: fields[.ifMatch], ifNoneMatch: fields[.ifNoneMatch], ifRange: fields[.ifRange]))
    }
}

/// What is known of a held blob when it is asked for.
package struct BlobFacts: Hashable, Sendable {
    package let address: BlobAddress
    /// Bytes of the blob.
    package let size: Int64
    /// The latest end of its leases.
    package let sunset: Timestamp

    package init(address: BlobAddress, size: Int64, sunset: Timestamp) {
        self.address = address
        self.size = size
        self.sunset = sunset
    }

    package var entityTag: EntityTag { EntityTag(opaque: address.hex) }
}

/// The answer to a question about a held blob: status, fields and which bytes follow.
///
/// The one rule for every way of reading, whatever carries the bytes.
package struct BlobReading: Sendable {
    package enum Body: Hashable, Sendable {
        case none
        case whole
        case part(ByteRange)
        case multipart(MultipartLayout)
    }

    package let status: HTTPResponse.Status
    package let fields: HTTPFields
    package let body: Body

    /// Decides in the order of RFC 9110 §13.2.2: If-Match, If-None-Match, then Range with If-Range. HEAD ignores
    /// Range, which is defined for GET alone (§14.2).
    ///
    /// `cacheSeconds` bounds how long a cache may keep the answer; it never outlasts the blob's last lease.
    package static func decide(
        _ question: BlobQuestion, _ facts: BlobFacts, now: Timestamp, cacheSeconds: Int64
    ) throws(Problem) -> BlobReading {
        let common = commonFields(facts, now: now, cacheSeconds: cacheSeconds)
        switch question.preconditions.evaluate(facts.entityTag) {
        case .failed: throw Problem(.preconditionFailed)
        case .notModified: return BlobReading(status: .notModified, fields: common, body: .none)
        case .proceed: break
        }
        let asksForRange = !question.isHead && question.preconditions.admitsRange(facts.entityTag)
        let decision = RangeDecision(asksForRange ? RangeField(question.range) : .ignored, size: facts.size)
        switch decision {
        case .whole: return whole(facts, common, isHead: question.isHead)
        case .parts(let ranges): return partial(ranges, facts, common)
        case .unsatisfiable:
            throw Problem(.badRange, fields: [.contentRange: ContentRange.unsatisfied(size: facts.size)])
        }
    }

    private static func whole(_ facts: BlobFacts, _ common: HTTPFields, isHead: Bool) -> BlobReading {
        var fields = representationFields(facts, common)
        fields[.contentType] = "application/octet-stream"
        fields[.contentLength] = String(facts.size)
        return BlobReading(status: .ok, fields: fields, body: isHead || facts.size == 0 ? .none : .whole)
    }

    private static func partial(_ ranges: [ByteRange], _ facts: BlobFacts, _ common: HTTPFields) -> BlobReading {
        var fields = representationFields(facts, common)
        if ranges.count == 1, let range = ranges.first {
            fields[.contentType] = "application/octet-stream"
            fields[.contentRange] = ContentRange.text(range, size: facts.size)
            fields[.contentLength] = String(range.count)
            return BlobReading(status: .partialContent, fields: fields, body: .part(range))
        }
        let layout = MultipartLayout(ranges, of: facts.address, size: facts.size)
        fields[.contentType] = layout.contentType
        fields[.contentLength] = String(layout.contentLength)
        return BlobReading(status: .partialContent, fields: fields, body: .multipart(layout))
    }

    /// What 200, 206 and 304 share (RFC 9110 §15.4.5), with what lets pages of any origin read it.
    private static func commonFields(_ facts: BlobFacts, now: Timestamp, cacheSeconds: Int64) -> HTTPFields {
        let maximumAge = min(facts.sunset.secondsSince(now), cacheSeconds)
        var fields = CrossOrigin.readFields
        fields[.eTag] = "\"\(facts.address.hex)\""
        fields[.cacheControl] = "public, no-transform, must-revalidate, max-age=\(maximumAge)"
        fields[.sunset] = HTTPDate.format(facts.sunset)
        return fields
    }

    private static func representationFields(_ facts: BlobFacts, _ common: HTTPFields) -> HTTPFields {
        var fields = common
        fields[.acceptRanges] = "bytes"
        fields[.reprDigest] = "sha-256=:\(Base64.encode(facts.address.bytes)):"
        fields[.contentDisposition] = "attachment"
        fields[.xContentTypeOptions] = "nosniff"
        fields[.contentSecurityPolicy] = "sandbox; default-src 'none'"
        fields[.crossOriginResourcePolicy] = "cross-origin"
        return fields
    }
}
