import BlobHTTP
import Blobs
import HTTPTypes
import Store
import Testing

@Suite struct PreconditionTests {
    private let tag = EntityTag(opaque: "own")

    @Test(arguments: [
        (#""own""#, true), ("*", true), (#""other", "own""#, true), (#""other","own","#, true),
        (#"W/"own""#, false),  // weak never matches strongly
        (#""other""#, false), (#""""#, false),
        ("own", false), (#""own"#, false), (#""own" "other""#, false), ("", false), ("*, *", false),
        (#"w/"own""#, false),  // the W is upper case
    ])
    func `If-Match asks for a strong match`(field: String, proceeds: Bool) {
        let outcome = Preconditions(ifMatch: field).evaluate(tag)
        #expect(outcome == (proceeds ? .proceed : .failed))
    }

    @Test(
        arguments: [
            (#""own""#, true), ("*", true), (#"W/"own""#, true), (#""a", W/"own", "b""#, true),
            (#""a,b", "own""#, true),  // a comma inside the quotes is none of the list's
            (#""other""#, false), ("own", false), (#""own"#, false), ("", false),
        ])
    func `If-None-Match is content with a weak match`(field: String, isNotModified: Bool) {
        let outcome = Preconditions(ifNoneMatch: field).evaluate(tag)
        #expect(outcome == (isNotModified ? .notModified : .proceed))
    }

    @Test func `If-Match is judged before If-None-Match`() {
        #expect(Preconditions(ifMatch: #""x""#, ifNoneMatch: "*").evaluate(tag) == .failed)
        #expect(Preconditions(ifMatch: "*", ifNoneMatch: "*").evaluate(tag) == .notModified)
    }

    @Test(
        arguments: [
            (nil, true), (#""own""#, true), (#"W/"own""#, false), (#""other""#, false), ("*", false),
            (#""own", "own""#, false), ("Sun, 06 Nov 1994 08:49:37 GMT", false), ("", false),
        ] as [(String?, Bool)])
    func `If-Range lets a range through for this very tag alone`(field: String?, admits: Bool) {
        #expect(Preconditions(ifRange: field).admitsRange(tag) == admits)
    }
}

@Suite struct ReadResponseTests {
    private static let address = BlobHasher().address()
    private let metadata = BlobMetadata(address: address, size: 1000, sunset: Timestamp(seconds: 1_000_000_100))
    private let now = Timestamp(seconds: 1_000_000_000)

    private func decide(
        _ request: ReadRequest, metadata: BlobMetadata? = nil, cacheSeconds: Int64 = 300
    ) throws(Problem) -> ReadResponse {
        try ReadResponse.decide(request, metadata ?? self.metadata, now: now, cacheSeconds: cacheSeconds)
    }

    @Test func `the whole blob carries every field of the API`() throws {
        let reading = try decide(ReadRequest(Self.address))
        #expect(reading.status == .ok)
        #expect(reading.body == .whole)
        let expected: [(HTTPField.Name, String)] = [
            (.eTag, "\"\(Self.address.hex)\""),
            (.cacheControl, "public, no-transform, must-revalidate, max-age=100"),
            (.sunset, "Sun, 09 Sep 2001 01:48:20 GMT"),
            (.acceptRanges, "bytes"),
            (.reprDigest, "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
            (.contentType, "application/octet-stream"),
            (.contentDisposition, "attachment"),
            (.xContentTypeOptions, "nosniff"),
            (.contentSecurityPolicy, "sandbox; default-src 'none'"),
            (.crossOriginResourcePolicy, "cross-origin"),
            (.contentLength, "1000"),
            (.accessControlAllowOrigin, "*"),
        ]
        for (name, value) in expected { #expect(reading.fields[name] == value) }
    }

    @Test(
        arguments: [
            (100, 300, 100), (1000, 300, 300), (0, 300, 0), (-50, 300, 0),
        ] as [(Int64, Int64, Int64)])
    func `a cache never keeps an answer past the last lease, nor longer than the setting`(
        left: Int64, setting: Int64, expected: Int64
    ) throws {
        let sunset = Timestamp(seconds: now.seconds + left)
        let metadata = BlobMetadata(address: Self.address, size: 1, sunset: sunset)
        let reading = try decide(ReadRequest(Self.address), metadata: metadata, cacheSeconds: setting)
        #expect(reading.fields[.cacheControl]?.hasSuffix("max-age=\(expected)") == true)
    }

    @Test func `one range is a plain part, several are multipart with a length known beforehand`() throws {
        let one = try decide(ReadRequest(Self.address, range: "bytes=10-19"))
        #expect(one.status == .partialContent)
        #expect(one.fields[.contentRange] == "bytes 10-19/1000")
        #expect(one.fields[.contentLength] == "10")
        #expect(one.fields[.reprDigest] != nil)
        let several = try decide(ReadRequest(Self.address, range: "bytes=0-0,-1"))
        guard case .multipart(let layout) = several.body else {
            Issue.record("not multipart: \(several.body)")
            return
        }
        #expect(several.fields[.contentType] == "multipart/byteranges; boundary=\(Self.address.hex)")
        #expect(several.fields[.contentRange] == nil)
        let text = layout.parts.map { $0.head + "x" }.joined() + layout.tail
        #expect(several.fields[.contentLength] == "\(text.utf8.count)")
        #expect(text.contains("Content-Range: bytes 999-999/1000\r\n\r\nx\r\n--\(Self.address.hex)--\r\n"))
    }

    @Test func `HEAD ignores Range and sends the fields of the whole`() throws {
        let reading = try decide(ReadRequest(Self.address, isHead: true, range: "bytes=5000-"))
        #expect(reading.status == .ok)
        #expect(reading.body == .none)
        #expect(reading.fields[.contentLength] == "1000")
    }

    @Test func `a failed condition comes before the range, a range that cannot be served is 416`() {
        let conditions = Preconditions(ifMatch: #""x""#)
        #expect(throws: Problem(.preconditionFailed)) {
            try decide(ReadRequest(Self.address, range: "bytes=5000-", preconditions: conditions))
        }
        #expect(throws: Problem(.badRange, fields: [.contentRange: "bytes */1000"])) {
            try decide(ReadRequest(Self.address, range: "bytes=5000-"))
        }
    }

    @Test func `304 has the tag and the lifetime, and nothing of the body`() throws {
        let conditions = Preconditions(ifNoneMatch: "W/\"\(Self.address.hex)\"")
        let reading = try decide(ReadRequest(Self.address, range: "bytes=0-1", preconditions: conditions))
        #expect(reading.status == .notModified)
        #expect(reading.body == .none)
        #expect(reading.fields[.eTag] != nil && reading.fields[.cacheControl] != nil)
        #expect(reading.fields[.contentLength] == nil && reading.fields[.contentType] == nil)
    }

    @Test func `If-Range with another tag asks for the whole`() throws {
        let conditions = Preconditions(ifRange: #""old""#)
        #expect(try decide(ReadRequest(Self.address, range: "bytes=0-1", preconditions: conditions)).status == .ok)
    }

    @Test func `an empty blob has no body and no range`() throws {
        let metadata = BlobMetadata(address: Self.address, size: 0, sunset: now)
        #expect(try decide(ReadRequest(Self.address), metadata: metadata).body == .none)
        #expect(throws: Problem.self) { try decide(ReadRequest(Self.address, range: "bytes=0-"), metadata: metadata) }
    }
}
