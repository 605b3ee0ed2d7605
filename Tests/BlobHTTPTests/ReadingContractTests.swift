import BlobHTTP
import Blobs
import HTTPTypes
import HummingbirdCore
import NIOCore
import Store
import Synchronization
import Testing
import Vault

/// What a server makes of stores that only read, that stand far from the truth, and of writes that are not its own.
@Suite(.timeLimit(.minutes(15))) struct ReadingContractTests {
    private func store(_ bytes: [UInt8], in vault: Vault) async throws -> BlobAddress {
        let terms = LeaseTerms(subject: "somebody")
        let session = try await vault.begin(UploadAnnouncement(size: Int64(bytes.count), address: nil, terms: terms))
        try await session.append(bytes)
        return try await session.commit().address
    }

    // MARK: Writes

    @Test func `a server without writes serves blobs and refuses everything else`() async throws {
        try await TestServer.run(writes: { _ in .refused }) { server in
            let address = try await store([1, 2, 3], in: server.vault)
            #expect(try await server.answer(to: "GET", "/\(address.hex)")?.body == [1, 2, 3])
            for path in ["/healthz", "/readyz", "/open/\(address.hex)", "/open/video.js"] {
                #expect(try await server.answer(to: "GET", path)?.status == 200, "\(path)")
            }
            #expect(try await server.answer(to: "GET", "/send")?.status == 404, "nothing can be sent")
            let recipient = String(repeating: "A", count: 22)
            let writes = [
                ("PUT", "/upload"), ("POST", "/upload"), ("HEAD", "/upload"), ("POST", "/uploads"),
                ("HEAD", "/uploads/\(String(repeating: "0", count: 32))"), ("DELETE", "/\(address.hex)"),
                ("GET", "/\(address.hex)/lease"), ("PATCH", "/\(address.hex)/lease"),
                ("POST", "/\(address.hex)/leases"),
                ("PUT", "/\(address.hex)/receipts/\(recipient)"), ("GET", "/quota"),
            ]
            for (method, path) in writes {
                let answer = try #require(try await server.answer(to: method, path))
                #expect(answer.status == 403 && answer["x-reason"] == "read-only", "\(method) \(path)")
                #expect(answer["cache-control"] == "no-store")
            }
            #expect(try await server.answer(to: "PATCH", "/\(address.hex)")?["allow"] == "GET, HEAD, OPTIONS")
            let options = try #require(try await server.answer(to: "OPTIONS", "/uploads"))
            #expect(options.status == 204 && options["allow"] == "OPTIONS" && options["tus-version"] == nil)
            #expect(try await server.answer(to: "GET", "/\(address.hex)")?.status == 200, "nothing has changed")
        }
    }

    @Test func `a refused upload is not waited for`() async throws {
        try await TestServer.run(writes: { _ in .refused }) { server in
            let client = try await server.connect()
            try await client.send(
                "PUT /upload HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n")
            let answer = try #require(await client.answer())
            #expect(answer.status == 403 && answer["connection"] == "close")
            #expect(await client.rest().isEmpty)
        }
    }

    /// Answers with what it was asked, as if from elsewhere.
    private struct Elsewhere: RequestForwarder {
        func forward(_ request: Request, from client: BlobHTTP.ClientAddress, in scope: RequestScope) async throws
            -> Response
        {
            if request.method == .put { scope.sendInterim(.init(code: 104), [.location: "/elsewhere"]) }
            scope.sendContinue()
            let body = try await request.body.collect(upTo: 1 << 20)
            let text = "\(request.method) \(request.head.path ?? "") \(client.subject) \(body.readableBytes)"
            return Response(
                status: .init(code: 299), headers: [.server: "elsewhere"],
                body: ResponseBody { writer in
                    // Its length is not known beforehand.
                    for byte in text.utf8 { try await writer.write(ByteBuffer(bytes: [byte])) }
                    try await writer.finish(nil)
                })
        }
    }

    @Test func `writes are forwarded as they are, and reads are not`() async throws {
        let office = try await TicketOffice()
        try await TestServer.run(
            settings: { $0.tickets = office.verifier }, writes: { _ in .forwarded(Elsewhere()) }
        ) { server in
            let address = try await store([1, 2, 3], in: server.vault)
            #expect(try await server.answer(to: "GET", "/\(address.hex)")?.body == [1, 2, 3])
            #expect(try await server.answer(to: "GET", "/healthz")?.text == "ok\n")
            let client = try await server.connect()
            try await client.send(
                "PUT /upload?x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            let interim = try #require(await client.answer())
            #expect(interim.status == 104 && interim["location"] == "/elsewhere")
            #expect(await client.answer()?.status == 100)
            try await client.send("abcde")
            let answer = try #require(await client.answer())
            #expect(answer.status == 299 && answer["server"] == "elsewhere")
            #expect(answer.text == "PUT /upload?x address:127.0.0.1 5", "no ticket was asked for")
            #expect(answer["access-control-allow-origin"] == nil, "that is for the other server to say")
            try await client.send("DELETE /\(address.hex) HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(await client.answer()?.text == "DELETE /\(address.hex) address:127.0.0.1 0")
            await client.close()
            let read = [("Origin", "https://x.example"), ("Access-Control-Request-Method", "GET")]
            #expect(try await server.answer(to: "OPTIONS", "/\(address.hex)", fields: read)?.status == 204)
            let write = [("Origin", "https://x.example"), ("Access-Control-Request-Method", "PUT")]
            #expect(try await server.answer(to: "OPTIONS", "/upload", fields: write)?.status == 299)
            #expect(try await server.answer(to: "PROPFIND", "/upload")?.status == 405)
            #expect(try await server.answer(to: "PUT", "/elsewhere")?.status == 404)
        }
    }

    // MARK: Reads

    /// A server that reads from afar; what it can reach is moved by the test.
    private func withDistantStore(
        _ body: (TestServer, DistantStore) async throws -> Void
    ) async throws {
        let distant = Mutex<DistantStore?>(nil)
        try await TestServer.run(reads: { store in
            let reader = DistantStore(store)
            distant.withLock { $0 = reader }
            return reader
        }) { server in try await body(server, try #require(distant.withLock { $0 })) }
    }

    @Test(arguments: [3, 100_000]) func `past its horizon a store serves nothing, what was ready included`(
        size: Int
    ) async throws {
        try await withDistantStore { server, store in
            let bytes = [UInt8](repeating: 5, count: size)
            let address = try await server.put(bytes)
            let client = try await server.connect()
            let get = "GET /\(address.hex) HTTP/1.1\r\nHost: x\r\n\r\n"
            for _ in 0..<2 {
                try await client.send(get)
                #expect(await client.answer()?.body == bytes)
            }
            #expect(store.intents == [.whole], "the second was ready")
            store.cutOff()
            for _ in 0..<2 {
                try await client.send(get)
                let answer = try #require(await client.answer())
                #expect(answer.status == 503 && answer["retry-after"] == "5" && answer["x-reason"] == "unavailable")
                #expect(answer["cache-control"] == "no-store")
            }
            #expect(try await server.answer(to: "GET", "/readyz")?.status == 200, "the store that writes is there")
            store.reconnect()
            try await client.send(get)
            #expect(await client.answer()?.body == bytes)
            await client.close()
        }
    }

    @Test func `a stale blob is served where the store gives it, and nobody keeps it`() async throws {
        try await withDistantStore { server, store in
            let address = try await server.put([1, 2, 3])
            let fresh = try #require(try await server.answer(to: "GET", "/\(address.hex)"))
            #expect(fresh["cache-control"]?.hasSuffix("max-age=300") == true)
            store.cutOff(servingStale: true)
            for count in 2...4 {
                let stale = try #require(try await server.answer(to: "GET", "/\(address.hex)"))
                #expect(stale.status == 200 && stale.body == [1, 2, 3])
                #expect(stale["cache-control"]?.hasSuffix("max-age=0") == true && stale["sunset"] == fresh["sunset"])
                #expect(store.intents.count == count, "each is looked for")
            }
            let unknown = try await server.answer(to: "GET", "/" + String(repeating: "0", count: 64))
            #expect(unknown?.status == 503)
        }
    }

    @Test func `a store is told what a reader wants`() async throws {
        let table: [(method: String, fields: [(String, String)], intent: ReadIntent)] = [
            ("GET", [], .whole), ("HEAD", [], .head), ("GET", [("If-None-Match", "\"x\"")], .head),
            ("GET", [("Range", "bytes=0-1")], .range(0..<2)), ("GET", [("If-Match", "*")], .whole),
            ("GET", [("Range", "bytes=7-")], .range(7..<Int64.max)), ("GET", [("Range", "bytes=-5")], .ranges),
            ("GET", [("Range", "bytes=0-1, 5-6")], .ranges), ("GET", [("Range", "pages=1-2")], .whole),
            ("GET", [("Range", "bytes=9-9223372036854775807")], .range(9..<Int64.max)),
            ("GET", [("Range", "bytes=9223372036854775807-")], .ranges),
        ]
        try await withDistantStore { server, store in
            for (index, (method, fields, intent)) in table.enumerated() {
                let path = "/" + String(repeating: "0", count: 62) + "\(index + 10)"
                let answer = try await server.answer(to: method, path, fields: fields)
                #expect(answer?.status == 404)
                #expect(store.intents.last == intent, "\(method) \(fields)")
            }
        }
    }
}
