import Objects
import Testing

@testable import Objects

@Suite struct S3DocumentTests {
    private func listing(
        _ contents: String, truncated: String = "false", encoded: Bool = false, prefix: String = "p/",
        folder: String = "v1/", after: String? = nil
    ) throws -> ObjectListing {
        let body = """
            <?xml version="1.0" encoding="UTF-8"?>
            <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>\
            \(encoded ? "<EncodingType>url</EncodingType>" : "")<IsTruncated>\(truncated)</IsTruncated>\(contents)</ListBucketResult>
            """
        return try S3Document.listing(Array(body.utf8), prefix: prefix, folder: folder, after: after)
    }

    private func object(_ key: String, _ size: String = "5") -> String {
        "<Contents><Key>\(key)</Key><LastModified>2026-01-01T00:00:00Z</LastModified><Size>\(size)</Size></Contents>"
    }

    @Test func `a listing gives names behind the prefix, sizes, and whether more follow`() throws {
        #expect(try listing("") == ObjectListing(objects: [], isLast: true))
        let two = [ListedObject(name: "v1/a", size: 5), ListedObject(name: "v1/b", size: 0)]
        #expect(try listing(object("p/v1/a") + object("p/v1/b", "0")) == ObjectListing(objects: two, isLast: true))
        #expect(
            try listing(object("p/v1/a") + object("p/v1/b", "0"), truncated: "true", after: "v1/0")
                == ObjectListing(objects: two, isLast: false))
        #expect(try listing(object("v1/a&amp;"), prefix: "").objects.map(\.name) == ["v1/a&"])
        #expect(try listing(object("p/v1/a%2Fb+c%2B"), encoded: true).objects.map(\.name) == ["v1/a/b c+"])
        #expect(try listing(object("p/v1/a%2Fb+c")).objects.map(\.name) == ["v1/a%2Fb+c"])
    }

    @Test func `a listing that is out of order, of others' names, cut, or not one, is nonsense`() throws {
        let cases: [() throws -> ObjectListing] = [
            { try listing(object("p/v1/b") + object("p/v1/a")) }, { try listing(object("p/v1/a") + object("p/v1/a")) },
            { try listing(object("p/v1/a"), after: "v1/a") }, { try listing(object("p/v1/a"), after: "v1/b") },
            { try listing(object("v1/a")) }, { try listing(object("p/v2/a")) }, { try listing(object("p/v1/a", "x")) },
            { try listing(object("p/v1/a", "-1")) }, { try listing(object("p/v1/a", "99999999999999999999")) },
            { try listing("<Contents><Size>5</Size></Contents>") },
            { try listing("", truncated: "true") }, { try listing("", truncated: "maybe") },
            { try listing(object("p/v1/%zz"), encoded: true) }, { try listing(object("p/v1/%2"), encoded: true) },
            { try listing(object("p/v1/%ff"), encoded: true) },
            { try listing((0...1000).map { object("p/v1/\(10_000 + $0)") }.joined()) },
            {
                try S3Document.listing(
                    Array("<Error><Code>InternalError</Code></Error>".utf8), prefix: "", folder: "", after: nil)
            },
            { try S3Document.listing([], prefix: "", folder: "", after: nil) },
        ]
        for (number, body) in cases.enumerated() {
            #expect("case \(number)") { _ = try body() } throws: { error in
                if case .nonsense? = error as? RetryRule.Failure { true } else { false }
            }
        }
    }

    @Test func `the answer to a removal tells what stays; what was not there is removed`() throws {
        let kept = { (body: String) in try S3Document.kept(Array(body.utf8)) }
        #expect(try kept("<DeleteResult/>").isEmpty)
        #expect(try kept("<DeleteResult><Deleted><Key>a</Key></Deleted></DeleteResult>").isEmpty)
        let some = try kept(
            """
            <DeleteResult xmlns="x"><Error><Key>a</Key><Code>InternalError</Code><Message>m</Message></Error>\
            <Error><Key>b</Key><Code>NoSuchKey</Code></Error><Error><Key>c</Key><Code>&lt;b&gt;</Code></Error></DeleteResult>
            """)
        #expect(some.map(\.name) == ["a", "c"])
        #expect(some.map(\.code) == ["InternalError", "an error"])
        for body in [
            "", "<Error><Code>X</Code></Error>", "<DeleteResult><Error><Code>X</Code></Error></DeleteResult>",
            "<html/>",
        ] {
            #expect(throws: RetryRule.Failure.self) { try kept(body) }
        }
    }

    @Test func `a bucket that has or had versions is one that keeps what is removed`() throws {
        let isVersioned = { (body: String) in try S3Document.isVersioned(Array(body.utf8)) }
        #expect(try !isVersioned("<VersioningConfiguration xmlns=\"x\"/>"))
        #expect(try isVersioned("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"))
        #expect(try isVersioned("<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"))
        #expect(throws: RetryRule.Failure.self) { try isVersioned("<html></html>") }
    }

    @Test func `a request to remove names them all`() {
        #expect(
            String(decoding: S3Document.removal(of: ["a/b", "c"]), as: UTF8.self)
                == "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>"
                + "<Object><Key>a/b</Key></Object><Object><Key>c</Key></Object></Delete>")
    }
}
