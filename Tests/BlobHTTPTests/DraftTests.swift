import BlobHTTP
import Blobs
import HTTPTypes
import Store
import TestSupport
import Testing
import Vault

@Suite(.timeLimit(.minutes(15))) struct DraftTests {
    private static let bytes = makeBytes(300_000) { UInt8(truncatingIfNeeded: $0 &* 13 ^ $0 >> 8) }
    private static let address = TestServer.address(of: bytes)

    /// The fields by which version `number` says whether its bytes are the last ones.
    private static func fields(_ number: Int, isLast: Bool, offset: Int? = nil) -> [(String, String)] {
        let completeness =
            number == 3 ? ("Upload-Incomplete", isLast ? "?0" : "?1") : ("Upload-Complete", isLast ? "?1" : "?0")
        var fields = [("Upload-Draft-Interop-Version", "\(number)"), completeness]
        if let offset { fields.append(("Upload-Offset", "\(offset)")) }
        if offset != nil, number >= 6 { fields.append(("Content-Type", "application/partial-upload")) }
        return fields
    }

    private static func completeness(_ answer: RawClient.Answer?, _ number: Int) -> Bool? {
        switch answer?[number == 3 ? "upload-incomplete" : "upload-complete"] {
        case "?1": number != 3
        case "?0": number == 3
        default: nil
        }
    }

    /// Sends the head of an upload, takes the interim answer, sends the rest; the two answers.
    private static func begin(
        _ server: TestServer, _ number: Int, isLast: Bool, sending bytes: [UInt8], of announced: Int? = nil
    ) async throws -> (interim: RawClient.Answer, client: RawClient) {
        let client = try await server.connect()
        var head =
            "PUT /upload HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nContent-Length: \(announced ?? bytes.count)\r\n"
        for (name, value) in Self.fields(number, isLast: isLast) { head += "\(name): \(value)\r\n" }
        try await client.send("\(head)\r\n")
        let interim = try #require(await client.answer())
        try await client.send(bytes)
        return (interim, client)
    }

    @Test(arguments: [3, 5, 6, 7, 8])
    func `an upload is named before its bytes, cut, asked for, gone on with, and its end told twice`(number: Int)
        async throws
    {
        try await TestServer.run { server in
            let (interim, client) = try await Self.begin(
                server, number, isLast: true, sending: Array(Self.bytes[..<100_000]), of: 300_000)
            #expect(interim.status == 104 && interim["upload-draft-interop-version"] == "\(number)")
            #expect((interim["upload-limit"] != nil) == (number >= 6))
            #expect(interim["upload-limit"]?.contains(number == 6 ? "expires=" : "max-age=") ?? true)
            let path = String(try #require(interim["location"]).dropFirst(server.url.count))
            await client.close()
            let offset = try await server.offsetWritten(path)
            #expect(offset == 100_000)
            let version = [("Upload-Draft-Interop-Version", "\(number)")]
            let head = try await server.answer(to: "HEAD", path, fields: version)
            #expect(head?.status == 204 && Self.completeness(head, number) == false)
            #expect(head?["cache-control"] == "no-store" && head?["upload-offset"] == "100000")
            let middle = try await server.answer(
                to: "PATCH", path, fields: Self.fields(number, isLast: false, offset: 100_000),
                body: Array(Self.bytes[100_000..<200_000]))
            #expect(middle?.status == (number >= 7 ? 204 : 201) && middle?["upload-offset"] == "200000")
            #expect(Self.completeness(middle, number) == false)
            let wrong = try await server.answer(
                to: "PATCH", path, fields: Self.fields(number, isLast: true, offset: 5), body: [1])
            #expect(wrong?.status == 409 && wrong?.text.contains("#mismatching-upload-offset") == true)
            #expect(wrong?["upload-offset"] == "200000")
            #expect(wrong?.text.contains("\"expected-offset\":200000") == true)
            for _ in 0..<2 {
                let last = try await server.answer(
                    to: "PATCH", path, fields: Self.fields(number, isLast: true, offset: 200_000),
                    body: Array(Self.bytes[200_000...]))
                #expect(last?.status == 201 && Self.completeness(last, number) == true)
                #expect(last?.text.contains(Self.address.hex) == true)
            }
            let end = try await server.answer(to: "HEAD", path, fields: version)
            #expect(end?["upload-offset"] == "300000" && Self.completeness(end, number) == true)
            #expect(try await server.answer(to: "GET", "/\(Self.address.hex)")?.body == Self.bytes)
        }
    }

    @Test(arguments: [3, 5, 6, 7, 8])
    func `an upload that comes whole is answered as a plain one, after its name`(number: Int) async throws {
        try await TestServer.run { server in
            let (interim, client) = try await Self.begin(server, number, isLast: true, sending: Self.bytes)
            #expect(interim.status == 104)
            let last = try #require(await client.answer())
            #expect(last.status == 201 && Self.completeness(last, number) == true)
            #expect(last.text.contains("\"url\":\"\(server.url)/\(Self.address.hex)\""))
            await client.close()
        }
    }

    @Test func `where 104 is turned off an upload is named by the final answer, and 100 is still sent`() async throws {
        try await TestServer.run(settings: { $0.sends104 = false }) { server in
            let created = try await server.answer(
                to: "PUT", "/upload", fields: Self.fields(8, isLast: false), body: [1, 2, 3])
            #expect(created?.status == 201)
            let path = String(try #require(created?["location"]).dropFirst(server.url.count))
            let asking = try await server.connect()
            let waiting = [("Expect", "100-continue"), ("Content-Length", "1")]
            let lines = (Self.fields(8, isLast: true, offset: 3) + waiting).map { "\($0): \($1)\r\n" }.joined()
            try await asking.send("PATCH \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n\(lines)\r\n")
            #expect(await asking.answer()?.status == 100)
            try await asking.send([4])
            #expect(await asking.answer()?.status == 201)
            await asking.close()
        }
    }

    @Test(arguments: [3, 5, 6, 7, 8])
    func `an upload of which more is to come is created, and can be cancelled`(number: Int) async throws {
        try await TestServer.run { server in
            let (_, client) = try await Self.begin(server, number, isLast: false, sending: [1, 2, 3])
            let created = try #require(await client.answer())
            await client.close()
            #expect(created.status == 201 && created["upload-offset"] == "3")
            #expect(Self.completeness(created, number) == false)
            let path = String(try #require(created["location"]).dropFirst(server.url.count))
            let version = [("Upload-Draft-Interop-Version", "\(number)")]
            #expect(try await server.answer(to: "DELETE", path, fields: version)?.status == 204)
            #expect(try await server.answer(to: "HEAD", path, fields: version)?.status == 404)
            #expect(try await server.vault.quotaUsage(of: "address:127.0.0.1").uploads == 0)
        }
    }

    @Test func `without a version that is known, an upload is plain or refused`() async throws {
        try await TestServer.run { server in
            for version in [nil, "2", "4", "9", "x"] {
                let name = version.map { [("Upload-Draft-Interop-Version", $0)] } ?? []
                let whole = try await server.answer(
                    to: "PUT", "/upload", fields: name + [("Upload-Complete", "?1")], body: Self.bytes)
                #expect(whole?.status == 201 || whole?.status == 200, "\(version ?? "none")")
                for more in [("Upload-Complete", "?0"), ("Upload-Incomplete", "?1")] {
                    let part = try await server.answer(to: "PUT", "/upload", fields: name + [more], body: [9, 9])
                    #expect(part?.status == 400, "\(version ?? "none")")
                }
            }
            #expect(try await server.answer(to: "GET", "/\(TestServer.address(of: [9, 9]).hex)")?.status == 404)
            let posted = try await server.answer(to: "POST", "/upload", body: [7])
            #expect(posted?.status == 201)
        }
    }

    @Test func `bytes to append have their type from version 6 on, and lengths must agree`() async throws {
        try await TestServer.run { server in
            let (_, client) = try await Self.begin(server, 8, isLast: false, sending: [1, 2, 3])
            let created = try #require(await client.answer())
            await client.close()
            let path = String(try #require(created["location"]).dropFirst(server.url.count))
            let plain = [
                ("Upload-Draft-Interop-Version", "8"), ("Upload-Complete", "?1"), ("Upload-Offset", "3"),
            ]
            #expect(try await server.answer(to: "PATCH", path, fields: plain, body: [4])?.status == 415)
            let inconsistent = Self.fields(8, isLast: true, offset: 3) + [("Upload-Length", "9")]
            let answer = try await server.answer(to: "PATCH", path, fields: inconsistent, body: [4])
            #expect(answer?.status == 400 && answer?.text.contains("#inconsistent-upload-length") == true)
            let last = try await server.answer(
                to: "PATCH", path, fields: [("Content-Type", "application/partial-upload")] + plain, body: [4])
            #expect(last?.status == 201)
            let more = try await server.answer(
                to: "PATCH", path, fields: Self.fields(8, isLast: false, offset: 4), body: [4])
            #expect(more?.status == 400 && more?.text.contains("#completed-upload") == true)
        }
    }

    @Test func `chunked bytes are taken, and other bytes than announced are 422`() async throws {
        try await TestServer.run { server in
            for announced in [TestServer.address(of: [1, 2, 3]), TestServer.address(of: [])] {
                let client = try await server.connect()
                try await client.send(
                    "PUT /upload HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nTransfer-Encoding: chunked\r\n"
                        + "Upload-Draft-Interop-Version: 8\r\nUpload-Complete: ?1\r\nX-SHA-256: \(announced.hex)\r\n\r\n"
                )
                #expect(await client.answer()?.status == 104)
                try await client.send([0x33, 0x0d, 0x0a, 1, 2, 3, 0x0d, 0x0a, 0x30, 0x0d, 0x0a, 0x0d, 0x0a])
                let answer = await client.answer()
                #expect(answer?.status == (announced == TestServer.address(of: []) ? 422 : 201))
                await client.close()
            }
        }
    }
}
