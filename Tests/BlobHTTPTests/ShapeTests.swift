import Testing

/// Requests that two servers could take to end at different places, or that are larger than anything honest: one answer
/// at most, and what follows on the connection is not a request.
@Suite(.timeLimit(.minutes(15))) struct ShapeTests {
    private static let next = "GET /quota HTTP/1.1\r\nHost: x\r\n\r\n"

    /// An upload with this in its head, and its body.
    private static func upload(_ fields: String, _ body: String = "0\r\n\r\n") -> String {
        "PUT /upload HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n\r\n\(body)"
    }

    /// A request whose answer does not wait for its body, which comes in chunks.
    private static func chunks(_ body: String) -> String {
        "GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\(body)"
    }

    private static let refused = [
        "GET /healthz HTTP/1.1\nHost: x\n\n",
        "GET /healthz HTTP/1.1\r\nHost: x\nX: y\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\n\n",
        "GET /healthz HTTP/1.1\rHost: x\r\r",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\u{0}b\r\n\r\n",
        "GET /hea\u{0}lthz HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n",
        "GET\t/healthz\tHTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /healthz HTTP/1.1x\r\nHost: x\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nContent Length: 5\r\n\r\n",
        upload("Transfer-Encoding:\u{b}chunked"),
        upload("Transfer-Encoding : chunked"),
        upload("Transfer-Encoding: chunked,"),
        upload("Transfer-Encoding: chunked;q=1"),
        upload("Transfer-Encoding: "),
        upload("Transfer-Encoding:\r\n chunked"),
        upload("Content-Length: "),
        upload("Content-Length : 3", "abc"),
        upload("Content-Length: 1 3", "abc"),
        upload("Content-Length: 3e0", "abc"),
    ]

    @Test(arguments: refused)
    func `what could be taken to end elsewhere is refused, and nothing behind it is answered`(request: String)
        async throws
    {
        try await TestServer.run { server in
            let client = try await server.connect()
            try await client.send(request + Self.next)
            #expect(await client.answer()?.status == 400, "\(request.debugDescription)")
            #expect(await client.rest().isEmpty)
        }
    }

    private static let cut = [
        chunks("10000000000000000\r\nabc\r\n0\r\n\r\n"), chunks("-3\r\nabc\r\n0\r\n\r\n"),
        chunks("0x3\r\nabc\r\n0\r\n\r\n"),
        chunks("3\nabc\n0\n\n"), chunks("3 \r\nabc\r\n0\r\n\r\n"), chunks("3;a\nabc\r\n0\r\n\r\n"),
        chunks("3\r\nabcd\r\n0\r\n\r\n"),
        chunks("0\r\nX: " + String(repeating: "a", count: 200_000) + "\r\n\r\n"),
        chunks("0\r\n" + String(repeating: "X: a\r\n", count: 20_000) + "\r\n"),
        upload("Transfer-Encoding: chunked", "3;" + String(repeating: "a", count: 200_000) + "\r\nabc\r\n0\r\n\r\n"),
    ]

    @Test(
        arguments: cut
    )
    func `a body in broken or boundless chunks ends its connection, and nothing behind it is answered`(request: String)
        async throws
    {
        try await TestServer.run { server in
            let client = try await server.connect()
            try? await client.send(request + Self.next)
            let answer = try #require(await client.answer())
            #expect(answer["connection"] == "close", "\(request.prefix(200).debugDescription)")
            #expect(await client.rest().isEmpty)
        }
    }

    @Test(arguments: [
        "Content-Length: 4\r\nTransfer-Encoding: chunked", "Content-Length: 4\r\nContent-Length: 5",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x", "Transfer-Encoding:\u{b}chunked",
        "Content-Length: +4",
    ])
    func `an append that could be taken to end elsewhere moves no offset`(fields: String) async throws {
        try await TestServer.run { server in
            let tus = [("Tus-Resumable", "1.0.0")]
            let made = try await server.answer(
                to: "POST", "/uploads", fields: tus + [("Upload-Length", "20")], body: [])
            let path = String(try #require(made?["location"]).dropFirst(server.url.count))
            let client = try await server.connect()
            try await client.send(
                "PATCH \(path) HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
                    + "Content-Type: application/offset+octet-stream\r\n\(fields)\r\n\r\n0\r\n\r\n" + Self.next)
            let answer = try #require(await client.answer())
            #expect(answer.status == 400 && answer["connection"] == "close")
            #expect(await client.rest().isEmpty)
            #expect(try await server.answer(to: "HEAD", path, fields: tus)?["upload-offset"] == "0")
        }
    }

    @Test func `blanks that a field's value may have around it change nothing`() async throws {
        try await TestServer.run { server in
            let client = try await server.connect()
            try await client.send(Self.upload("Content-Length:\t3  ", "abc"))
            #expect(await client.answer()?.status == 201)
            await client.close()
        }
    }
}
