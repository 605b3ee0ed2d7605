import HTTPTypes
import NIOCore
import OriginLink
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(15))) struct ReadingTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        var method = HTTPRequest.Method.get
        let answer: String
        var status = 200
        var body = ""
        var length: Int64?
        /// Whether the connection serves another exchange.
        var keepsAlive = true

        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "a length", answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", body: "hello", length: 5),
        Case(name: "no bytes", answer: "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", length: 0),
        Case(
            name: "chunks",
            answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n",
            body: "hello"),
        Case(
            name: "chunks with a trailer",
            answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
            body: "hello"),
        Case(name: "to the end", answer: "HTTP/1.1 200 OK\r\n\r\nhello", body: "hello", keepsAlive: false),
        Case(
            name: "close", answer: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
            body: "hello", length: 5, keepsAlive: false),
        Case(
            name: "HTTP/1.0", answer: "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", body: "hello", length: 5,
            keepsAlive: false),
        Case(
            name: "HTTP/1.0 that stays",
            answer: "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 5\r\n\r\nhello", body: "hello",
            length: 5),
        Case(name: "HTTP/1.0 to the end", answer: "HTTP/1.0 200 OK\r\n\r\nhello", body: "hello", keepsAlive: false),
        Case(
            name: "HEAD", method: .head, answer: "HTTP/1.1 200 OK\r\nContent-Length: 70000000000\r\n\r\n",
            length: 70_000_000_000),
        Case(name: "HEAD without a length", method: .head, answer: "HTTP/1.1 200 OK\r\n\r\n"),
        Case(
            name: "HEAD of chunks", method: .head, answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Case(name: "304", answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", status: 304, length: 9),
        Case(name: "204", answer: "HTTP/1.1 204 No Content\r\n\r\n", status: 204),
        Case(
            name: "interim", answer: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 410 Gone\r\nContent-Length: 1\r\n\r\n!",
            status: 410, body: "!", length: 1),
    ]

    @Test(arguments: cases)
    func `every way to end a response is understood`(_ example: Case) async throws {
        let script: ScriptedOrigin.Script = { peer in
            while true {
                _ = try await peer.head()
                // Once as it is, and byte by byte when it is asked for again.
                if peer.number == 1 {
                    try await peer.send(example.answer)
                } else {
                    for byte in example.answer { try await peer.send(String(byte)) }
                }
                if !example.keepsAlive { return }
            }
        }
        try await ScriptedOrigin.run(script: script) { client, origin in
            for _ in 0..<2 {
                let exchange = try await client.open(OriginRequest(method: example.method, target: "/x"))
                let head = try await exchange.head()
                #expect(head.status.code == example.status)
                #expect(head.contentLength == example.length)
                #expect(try await exchange.text() == example.body)
                #expect(try await exchange.head() == head)
            }
            #expect(origin.connectionCount == (example.keepsAlive ? 1 : 2))
        }
    }

    @Test func `interim responses are told in order`() async throws {
        let script: ScriptedOrigin.Script = { peer in
            _ = try await peer.head()
            try await peer.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 104 Upload Resumption Supported\r\n")
            try await peer.send("Location: /uploads/7\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
            await peer.closed()
        }
        try await ScriptedOrigin.run(script: script) { client, _ in
            let told = Mutex<[String]>([])
            let request = OriginRequest(method: .put, target: "/upload", body: .bytes(1)) { status, fields in
                told.withLock { $0.append("\(status.code) \(fields[.location] ?? "")") }
            }
            let exchange = try await client.open(request)
            #expect(try await exchange.head().status == .created)
            #expect(told.withLock { $0 } == ["100 ", "104 /uploads/7"])
            try await exchange.write(ByteBuffer(string: "x"))
            try await exchange.finishWriting()
            #expect(try await exchange.next(atMost: 1) == nil)
        }
    }

    @Test func `what is asked for is given in pieces of no more than that`() async throws {
        let script: ScriptedOrigin.Script = { peer in
            _ = try await peer.head()
            try await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789")
            await peer.closed()
        }
        try await ScriptedOrigin.run(script: script) { client, _ in
            let exchange = try await client.open(OriginRequest(target: "/"))
            var pieces: [String] = []
            while let piece = try await exchange.next(atMost: 4) { pieces.append(String(buffer: piece)) }
            #expect(pieces.joined() == "0123456789")
            #expect(pieces.allSatisfy { (1...4).contains($0.count) })
        }
    }

    /// What has no one meaning is refused, and its connection closed.
    @Test(arguments: [
        ("not HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        ("interim responses without end", String(repeating: "HTTP/1.1 103 Early Hints\r\n\r\n", count: 100)),
        ("another version", "HTTP/2.0 200 OK\r\n\r\n"),
        ("a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"),
        ("a status that is none", "HTTP/1.1 700 OK\r\nContent-Length: 0\r\n\r\n"),
        ("a field without a colon", "HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n"),
        ("a field with a blank in its name", "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n"),
        ("lines that end in LF", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"),
        ("a length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("chunks and a length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
        ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
        ("a list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello"),
        ("a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello"),
        ("a length beyond all numbers", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nhello"),
        ("the largest length", "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\nhello"),
        ("another coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        ("a coding that is not the last", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nhello"),
        ("two codings", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("chunks of HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("a chunk without a size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n0\r\n\r\n"),
        ("a chunk that is too long", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n"),
        ("another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        ("a head that is too large", "HTTP/1.1 200 OK\r\nA: \(String(repeating: "a", count: 40_000))\r\n\r\n"),
        ("too many fields", "HTTP/1.1 200 OK\r\n\(String(repeating: "A: b\r\n", count: 1000))\r\n"),
        ("a body that is longer than its length", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhello"),
        ("a body behind a 304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello"),
        ("a second response", "HTTP/1.1 204 No\r\n\r\nHTTP/1.1 204 No\r\n\r\n"),
        ("half a response behind chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 2"),
        (
            "a response behind chunks",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
        ),
    ])
    func `what could be understood in two ways is refused`(name: String, answer: String) async throws {
        let script: ScriptedOrigin.Script = { peer in
            _ = try await peer.head()
            try await peer.send(answer)
            // The client is the one that closes.
            await peer.closed()
        }
        try await ScriptedOrigin.run(script: script) { client, _ in
            let error = await failure { () async throws(OriginError) in
                _ = try await client.open(OriginRequest(target: "/")).text()
            }
            #expect(error?.isMalformed == true, "\(name): \(String(describing: error))")
        }
    }

    @Test(arguments: [
        "", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n", "HTTP/1.1 100 Continue\r\n\r\n",
    ])
    func `a response that is cut is broken, behind what has come of it`(_ answer: String) async throws {
        let script: ScriptedOrigin.Script = { peer in
            _ = try await peer.head()
            try await peer.send(answer)
        }
        try await ScriptedOrigin.run(script: script) { client, origin in
            let exchange = try await client.open(OriginRequest(target: "/"))
            var text = ""
            let error = await failure { () async throws(OriginError) in
                while let piece = try await exchange.next(atMost: 100) { text += String(buffer: piece) }
            }
            #expect(error?.isBroken == true, "\(String(describing: error))")
            #expect(text == (answer.contains("hell") ? "hell" : ""))
            #expect(origin.connectionCount == 1, "no request is repeated that had a connection of its own")
        }
    }

    @Test func `an origin that says nothing is silent`() async throws {
        for answer in ["", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"] {
            let script: ScriptedOrigin.Script = { peer in
                _ = try await peer.head()
                try await peer.send(answer)
                await peer.closed()
            }
            try await ScriptedOrigin.run(settings: { $0.silence = .milliseconds(200) }, script: script) { client, _ in
                let exchange = try await client.open(OriginRequest(target: "/"))
                let error = await failure { () async throws(OriginError) in _ = try await exchange.text() }
                #expect(error == .silent)
            }
        }
    }
}
