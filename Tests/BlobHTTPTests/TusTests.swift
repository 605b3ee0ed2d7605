import BlobHTTP
import Blobs
import Crypto
import Foundation
import HTTPTypes
import Store
import TestSupport
import Testing
import Vault

@Suite(.timeLimit(.minutes(15))) struct TusTests {
    private static let bytes = makeBytes(300_000) { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }
    private static let address = TestServer.address(of: bytes)

    private static func base64(_ bytes: some Sequence<UInt8>) -> String { Data(bytes).base64EncodedString() }

    private static func fields(_ more: (String, String)...) -> [(String, String)] {
        [("Tus-Resumable", "1.0.0")] + more
    }

    private static func bringing(_ offset: Int, _ more: (String, String)...) -> [(String, String)] {
        [
            ("Tus-Resumable", "1.0.0"), ("Content-Type", "application/offset+octet-stream"),
            ("Upload-Offset", "\(offset)"),
        ] + more
    }

    /// Begins an upload and gives its path.
    private static func create(_ server: TestServer, _ more: (String, String)...) async throws -> String {
        let all = [("Tus-Resumable", "1.0.0"), ("Upload-Length", "300000")] + more
        let answer = try #require(try await server.answer(to: "POST", "/uploads", fields: all, body: []))
        #expect(answer.status == 201 && answer["tus-resumable"] == "1.0.0" && answer["upload-expires"] != nil)
        let location = try #require(answer["location"])
        #expect(location.hasPrefix("\(server.url)/uploads/"))
        return String(location.dropFirst(server.url.count))
    }

    @Test func `an upload in pieces is the blob, and its end can be asked for again`() async throws {
        try await TestServer.run { server in
            let secret = Secret.random()
            let metadata =
                "filename \(Self.base64("cat.jpg".utf8)),sha256 \(Self.base64(Self.address.hex.utf8)),"
                + "owner \(Self.base64(secret.hash.base64url.utf8)),lifetime \(Self.base64("3600".utf8))"
            let path = try await Self.create(server, ("Upload-Metadata", metadata))
            let first = try await server.answer(
                to: "PATCH", path, fields: Self.bringing(0), body: Array(Self.bytes[..<200_000]))
            #expect(first?.status == 204 && first?["upload-offset"] == "200000")
            let head = try #require(try await server.answer(to: "HEAD", path, fields: Self.fields()))
            #expect(head.status == 200 && head["upload-offset"] == "200000" && head["upload-length"] == "300000")
            #expect(head["cache-control"] == "no-store" && head["content-location"] == nil)
            let told = try #require(head["upload-metadata"])
            #expect(!told.contains("filename") && told.contains("owner \(Self.base64(secret.hash.base64url.utf8))"))
            for _ in 0..<2 {
                let last = try await server.answer(
                    to: "PATCH", path, fields: Self.bringing(200_000), body: Array(Self.bytes[200_000...]))
                if last?.status == 204 {
                    #expect(last?["upload-offset"] == "300000")
                    #expect(last?["content-location"] == "\(server.url)/\(Self.address.hex)")
                } else {
                    #expect(last?.status == 409)
                }
            }
            let end = try await server.answer(to: "HEAD", path, fields: Self.fields())
            #expect(end?["upload-offset"] == "300000" && end?["upload-length"] == "300000")
            #expect(end?["content-location"] == "\(server.url)/\(Self.address.hex)")
            let empty = try await server.answer(to: "PATCH", path, fields: Self.bringing(300_000), body: [])
            #expect(empty?.status == 204)
            #expect(try await server.answer(to: "GET", "/\(Self.address.hex)")?.body == Self.bytes)
            let lease = try await server.answer(
                to: "GET", "/\(Self.address.hex)/lease", fields: [("Satchel-Secret", secret.base64url)])
            #expect(lease?.status == 200)
            let gone = try await server.answer(to: "DELETE", path, fields: Self.fields())
            #expect(gone?.status == 204)
            #expect(try await server.answer(to: "HEAD", path, fields: Self.fields())?.status == 404)
            #expect(try await server.answer(to: "GET", "/\(Self.address.hex)")?.status == 200)
        }
    }

    @Test func `a creation can bring everything, a part, or the length later`() async throws {
        try await TestServer.run { server in
            let type = ("Content-Type", "application/offset+octet-stream")
            let whole = try await server.answer(
                to: "POST", "/uploads", fields: Self.fields(("Upload-Length", "300000"), type), body: Self.bytes)
            #expect(whole?.status == 201 && whole?["upload-offset"] == "300000")
            #expect(whole?["content-location"] == "\(server.url)/\(Self.address.hex)")
            let part = try await server.answer(
                to: "POST", "/uploads", fields: Self.fields(("Upload-Defer-Length", "1"), type), body: [1, 2, 3])
            #expect(part?.status == 201 && part?["upload-offset"] == "3" && part?["content-location"] == nil)
            let path = String(try #require(part?["location"]).dropFirst(server.url.count))
            let head = try await server.answer(to: "HEAD", path, fields: Self.fields())
            #expect(head?["upload-defer-length"] == "1" && head?["upload-length"] == nil)
            let last = try await server.answer(
                to: "PATCH", path, fields: Self.bringing(3, ("Upload-Length", "5")), body: [4, 5])
            #expect(last?.status == 204 && last?["content-location"] != nil)
            #expect(
                try await server.answer(to: "GET", "/\(TestServer.address(of: [1, 2, 3, 4, 5]).hex)")?.status == 200)
        }
    }

    @Test func `a checksum makes a request count whole or not at all`() async throws {
        try await TestServer.run { server in
            let path = try await Self.create(server)
            let first = Array(Self.bytes[..<200_000])
            let (right, wrong) = (Self.base64(Insecure.SHA1.hash(data: first)), Self.base64(SHA256.hash(data: [])))
            let bad = try await server.answer(
                to: "PATCH", path, fields: Self.bringing(0, ("Upload-Checksum", "sha256 \(wrong)")), body: first)
            #expect(bad?.status == 460 && bad?["x-reason"] == "wrong-checksum")
            #expect(try await server.answer(to: "HEAD", path, fields: Self.fields())?["upload-offset"] == "0")
            let good = try await server.answer(
                to: "PATCH", path, fields: Self.bringing(0, ("Upload-Checksum", "sha1 \(right)")), body: first)
            #expect(good?.status == 204 && good?["upload-offset"] == "200000")
            let unknown = try await server.answer(
                to: "PATCH", path, fields: Self.bringing(200_000, ("Upload-Checksum", "md5 AAAA")), body: [1])
            #expect(unknown?.status == 400)
        }
    }

    @Test func `what a cut connection has brought counts, and a newer request goes on from there`() async throws {
        try await TestServer.run { server in
            let path = try await Self.create(server)
            let client = try await server.connect()
            var head = "PATCH \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nContent-Length: 300000\r\n"
            for (name, value) in Self.bringing(0) { head += "\(name): \(value)\r\n" }
            try await client.send(Array("\(head)\r\n".utf8) + Self.bytes[..<123_456])
            await client.close()
            let offset = Int(try await server.offsetWritten(path))
            #expect(offset == 123_456)
            let last = try await server.answer(
                to: "PATCH", path, fields: Self.bringing(offset), body: Array(Self.bytes[offset...]))
            #expect(last?.status == 204 && last?["content-location"] == "\(server.url)/\(Self.address.hex)")
        }
    }

    @Test func `a client that has gone silent holds nobody up`() async throws {
        try await TestServer.run { server in
            let path = try await Self.create(server)
            let silent = try await server.connect()
            var head = "PATCH \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nContent-Length: 300000\r\n"
            for (name, value) in Self.bringing(0) { head += "\(name): \(value)\r\n" }
            try await silent.send(Array("\(head)\r\n".utf8) + Self.bytes[..<262_144])
            try await Task.sleep(for: .milliseconds(300))
            let told = try await server.answer(to: "HEAD", path, fields: Self.fields())
            let offset = try #require(Int(told?["upload-offset"] ?? ""))
            let last = try await server.answer(
                to: "PATCH", path, fields: Self.bringing(offset), body: Array(Self.bytes[offset...]))
            #expect(last?.status == 204)
            try await silent.send(Array(Self.bytes[262_144...]))
            #expect(await silent.answer()?.status == 409)
            await silent.close()
        }
    }

    @Test func `what does not fit is refused by its reason, and the upload stays`() async throws {
        try await TestServer.run(blobLimitBytes: 1 << 20) { server in
            let path = try await Self.create(server)
            let type = ("Content-Type", "application/offset+octet-stream")
            let cases: [(String, String, [(String, String)], Int)] = [
                ("POST", "/uploads", [("Upload-Length", "5")], 412),
                ("POST", "/uploads", [("Tus-Resumable", "0.2.2"), ("Upload-Length", "5")], 412),
                ("POST", "/uploads", Self.fields(), 400),
                ("POST", "/uploads", Self.fields(("Upload-Length", "-1")), 400),
                ("POST", "/uploads", Self.fields(("Upload-Length", "1048577"), type), 413),
                ("POST", "/uploads", Self.fields(("Upload-Length", "5"), ("Upload-Defer-Length", "1")), 400),
                ("POST", "/uploads", Self.fields(("Upload-Length", "5"), ("Upload-Concat", "partial")), 400),
                ("POST", "/uploads", Self.fields(("Upload-Length", "5"), ("Upload-Metadata", "owner !")), 400),
                ("PATCH", path, Self.bringing(1), 409), ("PATCH", path, Self.fields(type), 400),
                ("PATCH", path, Self.fields(("Upload-Offset", "0")), 415),
                ("PATCH", path, [type, ("Tus-Resumable", "2.0.0"), ("Upload-Offset", "0")], 412),
                ("PATCH", path, Self.bringing(0, ("Upload-Draft-Interop-Version", "6")), 400),
                ("PATCH", path, Self.bringing(0, ("Upload-Length", "7")), 400),
                ("PATCH", "/uploads/\(String(repeating: "0", count: 32))", Self.bringing(0), 404),
                ("PATCH", "/uploads/nonsense", Self.bringing(0), 404), ("PUT", path, Self.fields(), 405),
                ("POST", path, Self.fields(("X-HTTP-Method-Override", "PUT")), 405),
            ]
            for (method, path, fields, status) in cases {
                let answer = try await server.answer(to: method, path, fields: fields, body: [1])
                #expect(answer?.status == status, "\(method) \(path) \(fields)")
            }
            let head = try await server.answer(to: "HEAD", path, fields: Self.fields())
            #expect(head?.status == 200 && head?["upload-offset"] == "0")
        }
    }

    @Test func `other bytes than announced are 422, and that stays so`() async throws {
        try await TestServer.run { server in
            let metadata = "sha256 \(Self.base64(TestServer.address(of: [1]).hex.utf8))"
            let path = try await Self.create(server, ("Upload-Metadata", metadata))
            let last = try await server.answer(to: "PATCH", path, fields: Self.bringing(0), body: Self.bytes)
            #expect(last?.status == 422 && last?["x-reason"] == "upload-digest-mismatch")
            #expect(try await server.answer(to: "HEAD", path, fields: Self.fields())?.status == 422)
            #expect(try await server.answer(to: "PATCH", path, fields: Self.bringing(0), body: [1])?.status == 422)
        }
    }

    @Test func `methods can be overridden on an upload alone, and OPTIONS tells what is spoken`() async throws {
        try await TestServer.run { server in
            let path = try await Self.create(server)
            let patched = try await server.answer(
                to: "POST", path, fields: Self.bringing(0, ("X-HTTP-Method-Override", "PATCH")), body: [1, 2])
            #expect(patched?.status == 204 && patched?["upload-offset"] == "2")
            let elsewhere = try await server.answer(
                to: "POST", "/\(Self.address.hex)", fields: [("X-HTTP-Method-Override", "DELETE")], body: [])
            #expect(elsewhere?.status == 405)
            let options = try #require(try await server.answer(to: "OPTIONS", "/uploads"))
            #expect(options.status == 204 && options["tus-version"] == "1.0.0")
            #expect(options["tus-max-size"] == "2147483648" && options["tus-checksum-algorithm"] == "sha1,sha256")
            #expect(options["tus-extension"]?.contains("creation-defer-length") == true)
            let deleted = try await server.answer(
                to: "POST", path, fields: Self.fields(("X-HTTP-Method-Override", "DELETE")), body: [])
            #expect(deleted?.status == 204)
            #expect(try await server.answer(to: "HEAD", path, fields: Self.fields())?.status == 404)
        }
    }

    @Test func `the id is the right, whatever ticket comes with it`() async throws {
        let office = try await TicketOffice()
        try await TestServer.run(settings: { $0.tickets = office.verifier }) { server in
            let now = server.vault.now()
            let none = try await server.answer(
                to: "POST", "/uploads", fields: Self.fields(("Upload-Length", "300000")), body: [])
            #expect(none?.status == 401)
            let tickets = office.badTickets(now: now) + [("of somebody else", [office.ticket("else", now: now)], "")]
            for (name, ticket, _) in tickets {
                let path = try await Self.create(server, office.ticket(now: now))
                let first = try await server.answer(
                    to: "PATCH", path, fields: Self.bringing(0) + ticket, body: Array(Self.bytes[..<1000]))
                #expect(first?.status == 204, "a ticket \(name)")
                let head = try #require(try await server.answer(to: "HEAD", path, fields: Self.fields() + ticket))
                #expect(head.status == 200 && head["upload-offset"] == "1000", "a ticket \(name)")
                let deleted = try await server.answer(to: "DELETE", path, fields: Self.fields() + ticket)
                #expect(deleted?.status == 204, "a ticket \(name)")
            }
            let path = try await Self.create(server, office.ticket(now: now))
            let last = try await server.answer(to: "PATCH", path, fields: Self.bringing(0), body: Self.bytes)
            #expect(last?.status == 204)
        }
    }
}
