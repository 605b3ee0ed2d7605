import BlobHTTP
import Blobs
import DiskStore
import Files
import Foundation
import Store
import Telemetry
import TestSupport
import Testing
import Vault

@Suite(.timeLimit(.minutes(15))) struct HotReadTests {
    private func get(_ address: BlobAddress, _ fields: String = "") -> String {
        "GET /\(address.hex) HTTP/1.1\r\nHost: x\r\n\(fields)\r\n"
    }

    @Test func `small and large blobs, ranges and conditions come right from what is ready, time after time`()
        async throws
    {
        try await TestServer.run { server in
            let client = try await server.connect()
            for count in [1, 4096, 32 << 10, (32 << 10) + 1, 100_000, (1 << 20) + 5] {
                let bytes = makeBytes(count) { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
                let address = try await server.put(bytes)
                for _ in 0..<3 {
                    try await client.send(get(address))
                    let whole = try #require(await client.answer())
                    #expect(whole.status == 200 && whole.body == bytes)
                    try await client.send(get(address, "Range: bytes=0-0,-1\r\n") + get(address, "Range: bytes=-1\r\n"))
                    #expect(await client.answer()?.status == (count == 1 ? 416 : 206))
                    #expect(await client.answer()?.body == bytes.suffix(1))
                    try await client.send(get(address, "if-none-match: \"\(address.hex)\"\r\n"))
                    #expect(await client.answer()?.status == 304)
                    try await client.send("HEAD /\(address.hex) HTTP/1.1\r\nHost: x\r\n\r\n")
                    #expect(await client.answer(toHead: true)?["content-length"] == "\(count)")
                }
            }
            await client.close()
        }
    }

    @Test func `a target with scheme and host, and an Expect that is met, change nothing`() async throws {
        try await TestServer.run { server in
            let bytes = [UInt8](repeating: 3, count: 5000)
            let address = try await server.put(bytes)
            let client = try await server.connect()
            try await client.send(get(address))
            let plain = try #require(await client.answer())
            let names = { (answer: RawClient.Answer) in
                answer.fields.filter { $0.name != "date" }.map { "\($0.name): \($0.value)" }
            }
            let others: [(target: String, fields: String)] = [
                ("http://x/\(address.hex)", ""), ("HTTPS://user@other.example:8443/\(address.hex).jpg?x=y", ""),
                ("/\(address.hex)", "Expect: 100-continue\r\n"), ("/\(address.hex)", "Content-Length: 0\r\n"),
                ("http://x/\(address.hex)", "expect: 100-Continue \r\nContent-Length: 0\r\n"),
            ]
            for (target, fields) in others {
                try await client.send("GET \(target) HTTP/1.1\r\nHost: x\r\n\(fields)\r\n")
                let answer = try #require(await client.answer())
                #expect(answer.status == 200 && answer.body == bytes, "\(target) \(fields)")
                #expect(names(answer) == names(plain), "\(target) \(fields)")
            }
            for fields in ["If-None-Match: * \r\n", "If-None-Match: *\t\r\n"] {
                try await client.send(get(address, fields))
                #expect(await client.answer()?.status == 304, "blanks behind a value are not part of it")
            }
            await client.close()
        }
    }

    @Test func `what is answered past the decoder is what is answered behind it, and is counted the same`() async throws
    {
        try await TestServer.run { server in
            let client = try await server.connect()
            let ways = BothWays(server: server, client: client, route: .blob)
            for count in [0, 1, 5000, 32 << 10, 70_000, 1 << 20, (1 << 20) + 1] {
                let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 17 >> 2) }
                let address = try await server.put(bytes)
                let tag = "If-None-Match: \"\(address.hex)\"\r\n"
                let other = "If-None-Match: \"\(String(repeating: "0", count: 64))\"\r\n"
                let cases = [
                    "", tag, "Range: bytes=0-0\r\n", "Range: bytes=1-99999\r\n", "Range: bytes=70000-70001\r\n",
                    "Range: bytes=0-1048575\r\n", tag + "Range: bytes=0-0\r\n", other, other + "Range: bytes=0-0\r\n",
                    "Connection: keep-alive\r\nAccept: */*\r\n",
                ]
                for fields in cases {
                    for isHead in [false, true] {
                        try await ways.expectSame("/\(address.hex)", fields, isHead: isHead, "\(count) \(fields)")
                    }
                }
            }
            await client.close()
        }
    }

    @Test func `reads in one packet with a request between them are answered in their order`() async throws {
        try await TestServer.run { server in
            let (small, large) = ([UInt8](repeating: 1, count: 4096), [UInt8](repeating: 2, count: 300_000))
            let addresses = (try await server.put(small), try await server.put(large))
            let client = try await server.connect()
            for _ in 0..<2 {
                let some =
                    get(addresses.0) + get(addresses.1) + get(addresses.0, BothWays.detour)
                    + "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
                let packet = some + get(addresses.0) + some + get(addresses.1)
                // In two pieces, the first of which ends within a request.
                try await client.send(String(packet.prefix(packet.count - 20)))
                try await client.send(String(packet.suffix(20)))
                var sizes: [Int] = []
                for _ in 0..<10 { sizes.append(try #require(await client.answer()).body.count) }
                let health = sizes[3]
                #expect(sizes == [4096, 300_000, 4096, health, 4096, 4096, 300_000, 4096, health, 300_000])
            }
            await client.close()
        }
    }

    @Test func `a client that reads nothing gets the rest of a file when it does`() async throws {
        try await TestServer.run { server in
            let bytes = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 29 >> 5) }
            let address = try await server.put(bytes)
            let warm = try await server.connect()
            try await warm.send(get(address))
            #expect(await warm.answer()?.body == bytes)
            await warm.close()
            let client = try await RawClient.connect(port: server.port, reads: false)
            let requests = 24
            for _ in 0..<requests { try await client.send(get(address)) }
            try await client.startReading()
            for _ in 0..<requests { #expect(await client.answer()?.body == bytes) }
            await client.close()
        }
    }

    @Test func `a target that is neither a path nor a URL of HTTP names no blob`() async throws {
        try await TestServer.run { server in
            let address = try await server.put([1, 2, 3])
            for target in [
                "ftp://x/\(address.hex)", "http:///\(address.hex)", "//x/\(address.hex)", "http://x//\(address.hex)",
            ] {
                let client = try await server.connect()
                try await client.send("GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n")
                let status = await client.answer()?.status
                #expect(status == 400 || status == 404, "\(target)")
                await client.close()
            }
        }
    }

    @Test func `an expectation that cannot be met refuses a read, and the connection stays`() async throws {
        try await TestServer.run { server in
            let address = try await server.put([1, 2, 3])
            let client = try await server.connect()
            for expectation in ["x", "100-continue, x", "100-continue\r\nExpect: x"] {
                try await client.send(get(address, "Expect: \(expectation)\r\n"))
                let answer = try #require(await client.answer())
                #expect(answer.status == 417 && answer["x-reason"] == "bad-expectation")
                #expect(answer["access-control-allow-origin"] == "*" && answer["connection"] == nil)
            }
            try await client.send(get(address))
            #expect(await client.answer()?.body == [1, 2, 3])
            await client.close()
        }
    }

    private static let bodies = [
        "Content-Length: 3\r\n\r\nabc", "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n",
        "Content-Length: 1000000\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ]

    @Test(arguments: bodies) func `a read with a body is refused before the body has come`(body: String) async throws {
        try await TestServer.run { server in
            let bytes = [UInt8](repeating: 8, count: 2_000_000)
            let address = try await server.put(bytes)
            for method in ["GET", "HEAD"] {
                for pipelined in [false, true] {
                    let client = try await server.connect()
                    let request = "\(method) /\(address.hex) HTTP/1.1\r\nHost: x\r\n\(body)"
                    // In its turn, if the connection is busy with another answer.
                    try await client.send((pipelined ? get(address) : "") + request)
                    if pipelined { #expect(await client.answer()?.body == bytes) }
                    let answer = try #require(await client.answer(toHead: method == "HEAD"))
                    #expect(answer.status == 400 && answer["x-reason"] == "bad-request", "\(method)")
                    try? await client.send(get(address))
                    if answer["connection"] == "close" {
                        #expect(await client.rest().isEmpty)
                    } else {
                        #expect(await client.answer()?.body == bytes, "all of the body had come by then")
                    }
                    await client.close()
                }
            }
        }
    }

    @Test func `a file that ends before its size cuts the answer, and the blob is looked at`() async throws {
        try await TestServer.run { server in
            let bytes = [UInt8](repeating: 7, count: 3 << 20)
            let address = try await server.put(bytes)
            let client = try await server.connect()
            try await client.send(get(address, "Range: bytes=0-0\r\n"))
            #expect(await client.answer()?.status == 206)
            let path = server.vault.layout.blob(address)
            try OpenFile(path, .read).setPermissions(0o600)
            try OpenFile(path, .update).truncate(to: 2 << 20)
            try await client.send(get(address, "Range: bytes=2500000-2500009\r\n"))
            let answer = await client.answer()
            #expect(answer == nil || answer?.body.isEmpty == true, "nothing is made up")
            #expect(server.vault.takeSuspects() == [address])
            await client.close()
        }
    }

    @Test func `from the moment a revocation is acknowledged, no connection is given the blob any more`() async throws {
        try await TestServer.run { server in
            for round in 0..<40 {
                let secret = Secret.random()
                let address = try await server.put(
                    Array("\(round)".utf8), fields: [("Satchel-Owner", secret.hash.base64url)])
                let clients = [try await server.connect(), try await server.connect(), try await server.connect()]
                for client in clients {
                    try await client.send(get(address))
                    #expect(await client.answer()?.status == 200)
                }
                let revoked = try await server.answer(
                    to: "DELETE", "/\(address.hex)", fields: [("Satchel-Secret", secret.base64url)])
                #expect(revoked?.status == 204)
                for client in clients {
                    try await client.send(get(address))
                    #expect(await client.answer()?.status == 410)
                    await client.close()
                }
            }
        }
    }

    @Test func `from the moment an upload is acknowledged, everybody is given the blob, whoever asked for it before`()
        async throws
    {
        try await TestServer.run { server in
            for round in 0..<40 {
                let bytes = Array("arrival \(round)".utf8)
                let address = TestServer.address(of: bytes)
                try await withThrowingTaskGroup { group in
                    group.addTask {
                        let client = try await server.connect()
                        for _ in 0..<20 {
                            try await client.send("GET /\(address.hex) HTTP/1.1\r\nHost: x\r\n\r\n")
                            let status = await client.answer()?.status
                            #expect(status == 404 || status == 200)
                        }
                        await client.close()
                    }
                    _ = try await server.put(bytes)
                    let client = try await server.connect()
                    try await client.send(get(address))
                    #expect(await client.answer()?.status == 200)
                    await client.close()
                    try await group.waitForAll()
                }
            }
        }
    }

    @Test func `a file that is not in memory is fetched first, and comes whole`() async throws {
        try await TestServer.run { server in
            let bytes = makeBytes(5_000_000) { UInt8(truncatingIfNeeded: $0 &* 131 >> 5) }
            let address = try await server.put(bytes)
            let path = server.vault.layout.blob(address)
            for _ in 0..<3 {
                let dropping = Process()
                dropping.executableURL = URL(fileURLWithPath: "/bin/dd")
                dropping.arguments = ["if=\(path)", "iflag=nocache", "count=0", "status=none"]
                try dropping.run()
                dropping.waitUntilExit()
                #expect(try await server.answer(to: "GET", "/\(address.hex)")?.body == bytes)
            }
        }
    }

    @Test func `what is sent from files does not count as memory, however slow the clients`() async throws {
        try await TestServer.run(settings: { $0.connectionBytes = 1 << 20 }) { server in
            let bytes = makeBytes(8 << 20) { UInt8(truncatingIfNeeded: $0 &* 37 >> 4) }
            let address = try await server.put(bytes)
            var clients: [RawClient] = []
            for _ in 0..<12 {
                clients.append(try await server.connect(reads: false))
                try await clients.last?.send(get(address))
            }
            // By then all have been written what their sockets take, and more.
            #expect(try await server.answer(to: "GET", "/\(address.hex)")?.body == bytes)
            for client in clients {
                try await client.startReading()
                #expect(await client.answer()?.body == bytes)
                await client.close()
            }
        }
    }

    @Test func `a client that sends requests ahead and reads slowly gets all of them, and no more is kept than it may`()
        async throws
    {
        try await TestServer.run { server in
            let bytes = [UInt8](repeating: 5, count: 30_000)
            let address = try await server.put(bytes)
            let client = try await server.connect()
            try await client.send(String(repeating: get(address), count: 400))
            for _ in 0..<400 { #expect(await client.answer()?.body == bytes) }
            await client.close()
        }
    }
}
