import HTTPTypes
import NIOCore
import OriginLink
import Testing

@Suite(.timeLimit(.minutes(15))) struct WritingTests {
    /// What the origin gets of a request, up to the empty line.
    private func sent(_ request: OriginRequest, below path: String = "") async throws -> [String] {
        let head = Signal<String>()
        let script: ScriptedOrigin.Script = { peer in
            head.send(try await peer.head())
            await peer.closed()
        }
        var lines: [String] = []
        try await ScriptedOrigin.run(url: { "http://127.0.0.1:\($0)\(path)" }, script: script) { client, origin in
            let exchange = try await client.open(request)
            lines = try #require(await head.wait()).split(separator: "\r\n").map(String.init)
            #expect(lines.count > 1 && lines[1] == "Host: 127.0.0.1:\(origin.port)")
            exchange.cancel()
        }
        return lines.enumerated().filter { $0.offset != 1 }.map(\.element)
    }

    @Test func `a request is sent as it is stated, below the path of the origin`() async throws {
        var fields = HTTPFields()
        fields[.range] = "bytes=5-"
        fields[.contentLength] = "7"
        #expect(
            try await sent(OriginRequest(target: "/a%20b?c=d", fields: fields), below: "/media/")
                == ["GET /media/a%20b?c=d HTTP/1.1", "Range: bytes=5-"])
        #expect(
            try await sent(OriginRequest(method: .put, target: "/x", body: .bytes(9)))
                == ["PUT /x HTTP/1.1", "Content-Length: 9"])
        #expect(
            try await sent(OriginRequest(method: .patch, target: "/x", body: .chunked))
                == ["PATCH /x HTTP/1.1", "Transfer-Encoding: chunked"])
        #expect(
            try await sent(OriginRequest(method: .post, target: "/x")) == ["POST /x HTTP/1.1", "Content-Length: 0"])
        #expect(try await sent(OriginRequest(method: .delete, target: "/x")) == ["DELETE /x HTTP/1.1"])
    }

    @Test(arguments: [
        "", "x", "*", "http://a/", "/a b", "/a\r\nX: y", "/a\n", "/a\tb", "/ä", "/a\u{7f}", "/a\u{0}", "/a#b",
    ])
    func `a target that could end the request line is not sent`(_ target: String) async throws {
        let client = try OriginClient.test("http://127.0.0.1:1")
        let error = await failure { () async throws(OriginError) in
            _ = try await client.open(OriginRequest(target: target))
        }
        #expect(error?.isMalformed == true)
        await client.close()
    }

    @Test func `bodies arrive as they were written`() async throws {
        let script: ScriptedOrigin.Script = { peer in
            while true {
                let isChunked = try await peer.head().contains("chunked")
                let body = try await peer.take(isChunked ? "4\r\nabcd\r\n2\r\nef\r\n0\r\n\r\n".utf8.count : 6)
                try await peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            }
        }
        try await ScriptedOrigin.run(script: script) { client, origin in
            for (body, arrived) in [
                (OriginRequest.RequestBody.bytes(6), "abcdef"), (.chunked, "4\r\nabcd\r\n2\r\nef\r\n0\r\n\r\n"),
            ] {
                let exchange = try await client.open(OriginRequest(method: .put, target: "/", body: body))
                try await exchange.write(ByteBuffer(string: "abcd"))
                try await exchange.write(ByteBuffer())
                try await exchange.write(ByteBuffer(string: "ef"))
                try await exchange.finishWriting()
                #expect(try await exchange.text() == arrived)
            }
            #expect(origin.connectionCount == 1)
        }
    }

    @Test(arguments: [("abc", false), ("abcde", true)])
    func `a body that is not as long as announced never ends a request`(_ text: String, isLonger: Bool) async throws {
        let arrived = Signal<String>()
        let script: ScriptedOrigin.Script = { peer in
            _ = try await peer.head()
            var body = ""
            while let byte = try? await peer.take(1) { body += byte }
            arrived.send(body)
        }
        try await ScriptedOrigin.run(script: script) { client, _ in
            let exchange = try await client.open(OriginRequest(method: .put, target: "/", body: .bytes(4)))
            let error = await failure { () async throws(OriginError) in
                try await exchange.write(ByteBuffer(string: text))
                try await exchange.finishWriting()
            }
            #expect(error?.isMalformed == true)
            #expect(await arrived.wait() == (isLonger ? "" : "abc"))
            let reading = await failure { () async throws(OriginError) in _ = try await exchange.head() }
            #expect(reading?.isMalformed == true)
        }
    }

    @Test func `a refusal is read although the body has not been written to its end`() async throws {
        let script: ScriptedOrigin.Script = { peer in
            _ = try await peer.head()
            try await peer.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge")
            await peer.closed()
        }
        try await ScriptedOrigin.run(script: script) { client, origin in
            for _ in 0..<2 {
                let exchange = try await client.open(OriginRequest(method: .put, target: "/", body: .chunked))
                let writing = Task {
                    // Ends when the exchange does.
                    while true { try await exchange.write(ByteBuffer(repeating: 7, count: 64 << 10)) }
                }
                #expect(try await exchange.head().status.code == 413)
                #expect(try await exchange.text() == "large")
                exchange.cancel()
                await #expect(throws: OriginError.closed) { try await writing.value }
            }
            #expect(origin.connectionCount == 2, "what was not complete leaves no connection for another")
        }
    }

    @Test func `a writer waits while the origin takes nothing`() async throws {
        let script: ScriptedOrigin.Script = { peer in
            _ = try await peer.head()
            try await peer.channel.setOption(.autoRead, value: false).get()
            try await peer.send("HTTP/1.1 100 Continue\r\n\r\n")
            try await peer.channel.closeFuture.get()
        }
        // Its patience ends where nothing has been taken for so long; before that, the kernel takes some.
        try await ScriptedOrigin.run(settings: { $0.silence = .milliseconds(300) }, script: script) { client, _ in
            let exchange = try await client.open(OriginRequest(method: .put, target: "/", body: .chunked))
            let error = await failure { () async throws(OriginError) in
                while true { try await exchange.write(ByteBuffer(repeating: 7, count: 256 << 10)) }
            }
            #expect(error == .silent)
        }
    }
}
