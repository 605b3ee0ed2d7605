import Blobs
import Testing

@testable import Objects

/// With the examples in Amazon's reference of S3: "Authenticating Requests: Using the Authorization Header" and "… Using
/// Query Parameters" (API version 2006-03-01).
@Suite struct SignatureV4Tests {
    private let key = AccessKey(id: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    /// 2013-05-24T00:00:00Z.
    private let time = Timestamp(seconds: 1_369_353_600)
    private static let host = ("host", "examplebucket.s3.amazonaws.com")
    private static let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    static let published: [(SignatureV4.Request, String, String)] = [
        (
            .init(method: "GET", path: "/test.txt", fields: [host, ("range", "bytes=0-9")], bodyDigest: empty),
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        ),
        (
            .init(
                method: "PUT", path: "/test%24file.text",
                fields: [
                    host, ("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                ], bodyDigest: "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"),
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        ),
        (
            .init(method: "GET", path: "/", query: [("lifecycle", "")], fields: [host], bodyDigest: empty),
            "host;x-amz-content-sha256;x-amz-date", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        ),
        (
            .init(
                method: "GET", path: "/", query: [("prefix", "J"), ("max-keys", "2")], fields: [host], bodyDigest: empty
            ),
            "host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        ),
    ]

    @Test(arguments: published)
    func `the published examples are signed as published`(
        _ request: SignatureV4.Request, _ names: String, _ signature: String
    ) throws {
        let fields = SignatureV4(try #require(key), region: "us-east-1").fields(for: request, at: time)
        let scope = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
        #expect(fields.map(\.name) == ["x-amz-content-sha256", "x-amz-date", "authorization"])
        #expect(fields[1].value == "20130524T000000Z")
        #expect(
            fields[2].value
                == "AWS4-HMAC-SHA256 Credential=\(scope), SignedHeaders=\(names), Signature=\(signature)")
    }

    @Test func `what is signed is written line by line, fields and query in order`() {
        let request = SignatureV4.Request(
            method: "GET", path: "/a/b",
            query: [("start-after", "x/y z"), ("list-type", "2"), ("empty", ""), ("ä", "+")],
            fields: [("x-b", "2"), ("host", "h:1"), ("x-a", "1")], bodyDigest: "digest")
        #expect(
            SignatureV4.canonical(request) == """
                GET
                /a/b
                %C3%A4=%2B&empty=&list-type=2&start-after=x%2Fy%20z
                host:h:1
                x-a:1
                x-b:2

                host;x-a;x-b
                digest
                """)
    }

    @Test func `a key that is for a time only goes with what is signed`() throws {
        let key = try #require(AccessKey(id: "one", secret: "two", sessionToken: "a/b"))
        let signature = SignatureV4(key, region: "eu-1")
        let request = SignatureV4.Request(method: "GET", path: "/", fields: [("host", "h")], bodyDigest: "d")
        let fields = signature.fields(for: request, at: time)
        #expect(fields.first { $0.name == "x-amz-security-token" }?.value == "a/b")
        #expect(
            fields.last?.value.contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token")
                == true)
    }
}
