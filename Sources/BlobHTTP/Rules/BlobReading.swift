package import Blobs
package import HTTPTypes
import Store

/// What a client asks of a blob: the fields of GET or HEAD that bear on the answer.
package struct BlobQuestion: Hashable, Sendable {
    package var isHead: Bool
    package var range: String?
    package var preconditions: Preconditions
    /// Whom the answer is counted for; nil where that is not worth looking up.
    package var asker: ClientAddress?

    package init(isHead: Bool = false, range: String? = nil, preconditions: Preconditions = Preconditions()) {
        self.isHead = isHead
        self.range = range
        self.preconditions = preconditions
    }

    /// What the store is told of it. Whoever knows a tag nearly always has that blob, and wants none of its bytes.
    var intent: ReadIntent {
        isHead || preconditions.ifNoneMatch != nil ? .head : range == nil ? .whole : .ranges
    }

    /// Whether it asks for nothing but the whole.
    var isPlain: Bool { range == nil && preconditions == Preconditions() }

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
    /// Until when it may be served without another look at the store.
    package let freshUntil: Timestamp
    package let entityTag: EntityTag

    package init(address: BlobAddress, size: Int64, sunset: Timestamp, freshUntil: Timestamp? = nil) {
        self.address = address
        self.size = size
        self.sunset = sunset
        self.freshUntil = freshUntil ?? sunset
        entityTag = EntityTag(opaque: address.hex)
    }

    init(_ blob: HeldBlob) {
        self.init(address: blob.address, size: blob.size, sunset: blob.sunset, freshUntil: blob.freshUntil)
    }
}

/// What a question about a held blob comes to, whatever the time: a status and the bytes that follow.
///
/// The one rule for every way of reading, whatever carries the bytes.
package struct BlobVerdict: Hashable, Sendable {
    package enum Body: Hashable, Sendable {
        case none
        case whole
        case part(ByteRange)
        case multipart(MultipartLayout)

        /// Bytes that follow, for a blob of `size` bytes.
        package func byteCount(of size: Int64) -> Int64 {
            switch self {
            case .none: 0
            case .whole: size
            case .part(let range): range.count
            case .multipart(let layout): layout.contentLength
            }
        }
    }

    package let status: HTTPResponse.Status
    package let body: Body

    /// Decides in the order of RFC 9110 §13.2.2: If-Match, If-None-Match, then Range with If-Range. HEAD ignores
    /// Range, which is defined for GET alone (§14.2).
    package static func decide(_ question: BlobQuestion, _ facts: BlobFacts) throws(Problem) -> BlobVerdict {
        if question.isPlain { return whole(facts, isHead: question.isHead) }
        switch question.preconditions.evaluate(facts.entityTag) {
        case .failed: throw Problem(.preconditionFailed)
        case .notModified: return BlobVerdict(status: .notModified, body: .none)
        case .proceed: break
        }
        let asksForRange = !question.isHead && question.preconditions.admitsRange(facts.entityTag)
        switch RangeDecision(asksForRange ? RangeField(question.range) : .ignored, size: facts.size) {
        case .whole: return whole(facts, isHead: question.isHead)
        case .parts(let ranges): return partial(ranges, facts)
        case .unsatisfiable:
            throw Problem(.badRange, fields: [.contentRange: ContentRange.unsatisfied(size: facts.size)])
        }
    }

    private static func whole(_ facts: BlobFacts, isHead: Bool) -> BlobVerdict {
        BlobVerdict(status: .ok, body: isHead || facts.size == 0 ? .none : .whole)
    }

    private static func partial(_ ranges: [ByteRange], _ facts: BlobFacts) -> BlobVerdict {
        if ranges.count == 1, let range = ranges.first {
            return BlobVerdict(status: .partialContent, body: .part(range))
        }
        return BlobVerdict(
            status: .partialContent, body: .multipart(MultipartLayout(ranges, of: facts.address, size: facts.size)))
    }

    /// The fields that only this answer has, besides those of `BlobFields`.
    package func forEachOwnField(_ facts: BlobFacts, _ body: (HTTPField.Name, String) -> Void) {
        if status == .notModified { return }
        switch self.body {
        case .none, .whole:
            body(.contentType, "application/octet-stream")
            body(.contentLength, String(facts.size))
        case .part(let range):
            body(.contentType, "application/octet-stream")
            body(.contentRange, ContentRange.text(range, size: facts.size))
            body(.contentLength, String(range.count))
        case .multipart(let layout):
            body(.contentType, layout.contentType)
            body(.contentLength, String(layout.contentLength))
        }
    }
}

/// The fields that all answers about one held blob share for a second.
package struct BlobFields: Hashable, Sendable {
    /// Seconds that a cache may keep an answer.
    package let maximumAge: Int64
    /// Of 304, and of every other: what pages of any origin may read included (RFC 9110 §15.4.5).
    package let common: HTTPFields
    /// Of 200 and 206: `common`, and what tells of the bytes.
    package let content: HTTPFields

    /// The bound `cacheSeconds`, or less, since no answer outlasts the blob's last lease. What is served although it is
    /// fresh no longer may not be kept.
    package static func maximumAge(_ facts: BlobFacts, now: Timestamp, cacheSeconds: Int64) -> Int64 {
        facts.freshUntil > now ? min(facts.sunset.secondsSince(now), cacheSeconds) : 0
    }

    package init(_ facts: BlobFacts, now: Timestamp, cacheSeconds: Int64) {
        maximumAge = Self.maximumAge(facts, now: now, cacheSeconds: cacheSeconds)
        var fields = CrossOrigin.readFields
        fields[.eTag] = "\"\(facts.address.hex)\""
        fields[.cacheControl] = "public, no-transform, must-revalidate, max-age=\(maximumAge)"
        fields[.sunset] = HTTPDate.format(facts.sunset)
        common = fields
        fields[.acceptRanges] = "bytes"
        fields[.reprDigest] = "sha-256=:\(Base64.encode(facts.address.bytes)):"
        fields[.contentDisposition] = "attachment"
        fields[.xContentTypeOptions] = "nosniff"
        fields[.contentSecurityPolicy] = "sandbox; default-src 'none'"
        fields[.crossOriginResourcePolicy] = "cross-origin"
        content = fields
    }

    /// Those of an answer with this status.
    package func shared(by status: HTTPResponse.Status) -> HTTPFields { status == .notModified ? common : content }
}

/// The answer to a question about a held blob at a moment: status, fields and which bytes follow.
package struct BlobReading: Sendable {
    package let status: HTTPResponse.Status
    package let fields: HTTPFields
    package let body: BlobVerdict.Body

    /// The verdict with all of its fields.
    package static func decide(
        _ question: BlobQuestion, _ facts: BlobFacts, now: Timestamp, cacheSeconds: Int64
    ) throws(Problem) -> BlobReading {
        let verdict = try BlobVerdict.decide(question, facts)
        let shared = BlobFields(facts, now: now, cacheSeconds: cacheSeconds).shared(by: verdict.status)
        return BlobReading(verdict, shared: shared, facts)
    }

    /// The verdict with all of its fields, of which the shared ones are known already.
    init(_ verdict: BlobVerdict, shared: HTTPFields, _ facts: BlobFacts) {
        status = verdict.status
        body = verdict.body
        var fields = shared
        verdict.forEachOwnField(facts) { fields[$0] = $1 }
        self.fields = fields
    }
}
