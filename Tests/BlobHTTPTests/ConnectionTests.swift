import BlobHTTP
import Blobs
import Store
import Testing
import Vault

@Suite(.timeLimit(.minutes(15))) struct ConnectionTests {
    private static let get = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test func `requests sent ahead are answered in their order on one connection`() async throws {
        try await TestServer.run { server in
            let bytes = [UInt8](repeating: 8, count: 200_000)
            let address = try await server.put(bytes)
            let client = try await server.connect()
            let blob = "GET /\(address.hex) HTTP/1.1\r\nHost: x\r\n\r\n"
            let upload = "PUT /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"
            try await client.send(blob + Self.get + upload + blob + Self.get)
            #expect(await client.answer()?.body == bytes)
            #expect(await client.answer()?.text == "ok\n")
            #expect(await client.answer()?.status == 201)
            #expect(await client.answer()?.body == bytes)
            #expect(await client.answer()?.text == "ok\n")
            await client.close()
        }
    }

    @Test func `five hundred requests in one breath are all answered`() async throws {
        try await TestServer.run { server in
            let client = try await server.connect()
            try await client.send(String(repeating: Self.get, count: 500))
            for _ in 0..<500 { #expect(await client.answer()?.status == 200) }
            await client.close()
        }
    }

    @Test func `thousands of requests in one breath are all answered, at once or in turn, and so is the last`()
        async throws
    {
        try await TestServer.run { server in
            let address = try await server.put([8])
            let blob = "GET /\(address.hex) HTTP/1.1\r\nHost: x\r\n\r\n"
            for requests in [[blob], [Self.get], [blob, blob, Self.get]] {
                let client = try await server.connect()
                let count = 3000 / requests.count
                try await client.send(String(repeating: requests.joined(), count: count))
                try await client.finishSending()
                for _ in 0..<count * requests.count { #expect(await client.answer()?.status == 200) }
                #expect(await client.rest().isEmpty)
            }
        }
    }

    @Test func `a client that closes its sending side after asking still gets its answer`() async throws {
        try await TestServer.run { server in
            let bytes = [UInt8](repeating: 8, count: 1_000_000)
            let address = try await server.put(bytes)
            let client = try await server.connect()
            try await client.send("GET /\(address.hex) HTTP/1.1\r\nHost: x\r\n\r\n" + Self.get)
            try await client.finishSending()
            #expect(await client.answer()?.body == bytes)
            #expect(await client.answer()?.status == 200)
            #expect(await client.rest().isEmpty)
        }
    }

    @Test func `connection: close is obeyed, and what follows it is not a request`() async throws {
        try await TestServer.run { server in
            let client = try await server.connect()
            try await client.send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + Self.get)
            #expect(await client.answer()?["connection"] == "close")
            #expect(await client.rest().isEmpty)
        }
    }

    @Test func `HTTP/1.0 closes unless asked to stay, and is never answered in chunks`() async throws {
        try await TestServer.run { server in
            let closing = try await server.connect()
            try await closing.send("GET /healthz HTTP/1.0\r\n\r\n")
            let answer = try #require(await closing.answer())
            #expect(answer.status == 200 && answer["connection"] == "close" && answer["content-length"] == "3")
            #expect(await closing.rest().isEmpty)
            let staying = try await server.connect()
            try await staying.send("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(await staying.answer()?["connection"] == "keep-alive")
            try await staying.send("GET /healthz HTTP/1.0\r\n\r\n")
            #expect(await staying.answer()?.status == 200)
            await staying.close()
        }
    }

    @Test func `a target with scheme and host means the same as its path`() async throws {
        try await TestServer.run { server in
            let client = try await server.connect()
            try await client.send("GET http://127.0.0.1:\(server.port)/healthz?x HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(await client.answer()?.text == "ok\n")
            let address = try await server.put([1, 2, 3])
            for (target, status) in [
                ("http://any/\(address.hex)", 200), ("HTTPS://any:1/\(address.hex).jpg?x", 200),
                ("http://any?/\(address.hex)", 404),
            ] {
                try await client.send("GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(await client.answer()?.status == status, "\(target)")
            }
            try await client.send("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n")
            let answer = try #require(await client.answer())
            #expect(answer.status == 400 && answer["connection"] == "close")
            #expect(await client.rest().isEmpty)
        }
    }

    @Test func `a body that nobody asked for is thrown away with the connection`() async throws {
        try await TestServer.run { server in
            let client = try await server.connect()
            try await client.send("GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n")
            let answer = try #require(await client.answer())
            #expect(answer.status == 200 && answer["connection"] == "close")
            try? await client.send([UInt8](repeating: 0x20, count: 500_000))
            #expect(await client.rest().isEmpty)
        }
    }

    @Test func `after an offer to change protocols the connection ends, since its bytes could be taken for either`()
        async throws
    {
        try await TestServer.run { server in
            let client = try await server.connect()
            try await client.send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
            let answer = try #require(await client.answer())
            #expect(answer.status == 200 && answer["connection"] == "close")
            #expect(await client.rest().isEmpty)
        }
    }

    private static let framings: [String] = [
        "GET /healthz HTTP/1.1\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\nabc",
        "PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc",
        "PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\nabc",
        "PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\nabc",
        "PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\nabc",
        "PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "PUT /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        "PUT /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "PUT /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "PUT /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "PUT /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
        "PUT /upload HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET /healthz HTTP/1.1\r\n Host: x\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nA\u{0}: y\r\n\r\n",
        "GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n",
        "GET /healthz HTTP/1.9\r\nHost: x\r\n\r\n",
        "GET /healthz\r\nHost: x\r\n\r\n",
        "GET  HTTP/1.1\r\nHost: x\r\n\r\n",
        "NONSENSE /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        "UNREADABLE /malformed HTTP/1.1\r\nHost: x\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}",
        "\r\n\r\nNO\r\n\r\n",
    ]

    @Test(arguments: framings.indices)
    func `what HTTP/1.1 leaves open to two readings is refused, and the connection ends`(index: Int) async throws {
        let request = Self.framings[index]
        try await TestServer.run { server in
            let client = try await server.connect()
            try await client.send(Self.get)
            #expect(await client.answer()?.status == 200)
            try await client.send(request + Self.get)
            let answer = try #require(await client.answer())
            #expect(answer.status == 400 && answer["connection"] == "close", "\(request.debugDescription)")
            #expect(answer["content-type"] == "application/problem+json" && answer["x-reason"] == "bad-request")
            #expect(answer["date"] != nil)
            #expect(await client.rest().isEmpty)
            #expect(try await server.answer(to: "GET", "/healthz")?.status == 200)
        }
    }

    @Test(arguments: ["zz\r\nabc\r\n", "3\r\nabcd\r\n", "3 \r\nabc", "ffffffffffffffffffff\r\n", "-1\r\n", "\r\n"])
    func `a body that does not parse is refused, and nothing of it is kept`(body: String) async throws {
        try await TestServer.run { server in
            let client = try await server.connect()
            // GET waits for its end here, so that the answer can only be the refusal of the body.
            try await client.send(
                "PUT /upload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
            let answer = try #require(await client.answer())
            #expect([400, 411].contains(answer.status) && answer["connection"] == "close")
            #expect(await client.rest().isEmpty)
        }
    }

    @Test func `the refusal of what cannot be read waits for the answers before it`() async throws {
        try await TestServer.run { server in
            let bytes = [UInt8](repeating: 8, count: 2_000_000)
            let address = try await server.put(bytes)
            let client = try await server.connect()
            try await client.send("GET /\(address.hex) HTTP/1.1\r\nHost: x\r\n\r\nrubbish\r\n\r\n")
            #expect(await client.answer()?.body == bytes)
            #expect(await client.answer()?.status == 400)
            #expect(await client.rest().isEmpty)
        }
    }

    @Test(arguments: [
        "GET /" + String(repeating: "a", count: 33_000) + " HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + String(repeating: "a", count: 33_000) + "\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\n" + String(repeating: "X: 0123456789\r\n", count: 4000) + "\r\n",
    ])
    func `a header of more than its limit is 431`(request: String) async throws {
        try await TestServer.run { server in
            let client = try await server.connect()
            try await client.send(request)
            let answer = try #require(await client.answer())
            #expect(answer.status == 431 && answer["connection"] == "close")
            #expect(await client.rest().isEmpty)
            let fits = String(repeating: "a", count: 30_000)
            #expect(try await server.answer(to: "GET", "/healthz", fields: [("X", fits)])?.status == 200)
        }
    }

    @Test func `a header that trickles is 408, an idle connection is closed without a word`() async throws {
        // A client that is slow itself is not idle.
        try await TestServer.run(settings: { $0.connections.headerTimeout = .seconds(1) }) { server in
            let slow = try await server.connect()
            try await slow.send("GET /healthz HT")
            let answer = try #require(await slow.answer())
            #expect(answer.status == 408 && answer["connection"] == "close" && answer["x-reason"] == "timeout")
            #expect(await slow.rest().isEmpty)
        }
        try await TestServer.run(settings: { $0.connections.idleTimeout = .seconds(2) }) { server in
            let idle = try await server.connect()
            // It may have been idle for too long before it comes to that.
            try? await idle.send(Self.get)
            let answer = await idle.answer()
            #expect(answer == nil || answer?.status == 200)
            if answer != nil { #expect(await idle.answer() == nil) }
            let silent = try await server.connect()
            #expect(await silent.answer() == nil)
        }
    }

    @Test func `an upload that all but stands still is 408, one at a decent speed is not`() async throws {
        try await TestServer.run(settings: {
            $0.connections.uploadPatience = .seconds(3)
            $0.connections.uploadBytesPerSecond = 100
        }) { server in
            let head = "PUT /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
            let slow = try await server.connect()
            try await slow.send(head)
            for _ in 0..<3 {
                try? await slow.send("x")
                try await Task.sleep(for: .milliseconds(100))
            }
            let answer = try #require(await slow.answer())
            #expect(answer.status == 408 && answer["connection"] == "close")
        }
        // However busy the machine is, this one is given time enough.
        try await TestServer.run(settings: { $0.connections.uploadBytesPerSecond = 100 }) { server in
            let steady = try await server.connect()
            try await steady.send("PUT /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
            for _ in 0..<10 { try await steady.send([UInt8](repeating: 1, count: 100)) }
            #expect(await steady.answer()?.status == 201)
            await steady.close()
        }
    }

    @Test func `a client that does not read its answer is cut off`() async throws {
        try await TestServer.run(settings: { $0.connections.writeTimeout = .milliseconds(400) }) { server in
            let address = try await server.put([UInt8](repeating: 8, count: 20_000_000))
            let client = try await server.connect(reads: false)
            try await client.send("GET /\(address.hex) HTTP/1.1\r\nHost: x\r\n\r\n")
            let started = ContinuousClock.now
            while client.isOpen, started.duration(to: .now) < .seconds(900) {
                try await Task.sleep(for: .milliseconds(50))
                try? await client.send("x")
            }
            #expect(!client.isOpen)
            await client.close()
        }
    }

    @Test func `at the end of the server idle connections close and an upload under way is finished`() async throws {
        try await TestServer.run(shutdownTimeout: .seconds(900)) { server in
            let idle = try await server.connect()
            try await idle.send(Self.get)
            #expect(await idle.answer()?.status == 200)
            let busy = try await server.connect()
            try await busy.send(
                "PUT /upload HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n")
            #expect(await busy.answer()?.status == 100)
            await server.shutDown()
            #expect(await idle.answer() == nil)
            try await busy.send("abcdef")
            let answer = try #require(await busy.answer())
            #expect(answer.status == 201 && answer["connection"] == "close")
            #expect(await busy.rest().isEmpty)
        }
    }

    @Test func `the end of the server is bounded, whoever still holds a connection`() async throws {
        var ended = ContinuousClock.now
        try await TestServer.run(settings: { $0.connections.writeTimeout = .seconds(600) }) { server in
            let address = try await server.put([UInt8](repeating: 8, count: 20_000_000))
            let client = try await server.connect(reads: false)
            try await client.send("GET /\(address.hex) HTTP/1.1\r\nHost: x\r\n\r\n")
            try await Task.sleep(for: .milliseconds(200))
            ended = .now
        }
        #expect(ended.duration(to: .now) < .seconds(900))
    }

    private static let waitingUpload =
        "PUT /upload HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n"

    /// A connection whose first request has been answered so. At the limit one may be closed as idle before, on a
    /// machine that is too busy to send it in time.
    private func connect(to server: TestServer, _ request: String, _ status: Int) async throws -> RawClient {
        for _ in 0..<20 {
            let client = try await server.connect()
            try? await client.send(request)
            if await client.answer()?.status == status { return client }
            await client.close()
        }
        throw ConnectionFailure.disconnected
    }

    @Test func `connections beyond the limit wait while all others are busy`() async throws {
        try await TestServer.run(settings: { $0.connectionLimit = 2 }) { server in
            let first = try await connect(to: server, Self.waitingUpload, 100)
            let second = try await connect(to: server, Self.waitingUpload, 100)
            let third = try await server.connect()
            try await third.send(Self.get)
            // Longer than a connection must have been idle to go.
            try await Task.sleep(for: .milliseconds(1500))
            for busy in [first, second] { try await busy.send("abcdef") }
            #expect(await first.answer()?.status.description.hasPrefix("20") == true)
            #expect(await second.answer()?.status.description.hasPrefix("20") == true)
            await first.close()
            #expect(await third.answer()?.status == 200)
            await second.close()
            await third.close()
        }
    }

    @Test func `at the limit an idle connection makes room, and one with a request under way does not`() async throws {
        try await TestServer.run(settings: { $0.connectionLimit = 3 }) { server in
            let busy = try await connect(to: server, Self.waitingUpload, 100)
            // Each of them stays as long as it likes, until others come.
            var idle: [RawClient] = []
            for _ in 0..<6 { idle.append(try await connect(to: server, Self.get, 200)) }
            try await busy.send("abcdef")
            #expect(await busy.answer()?.status == 201)
            for client in idle { await client.close() }
            await busy.close()
        }
    }
}
