import Blobs
import DiskStore
import Files
import Foundation
import Store
import Testing
import Vault

@Suite(.timeLimit(.minutes(2))) struct HotReadTests {
    private func get(_ address: BlobAddress, _ fields: String = "") -> String {
        "GET /\(address.hex) HTTP/1.1\r\nHost: x\r\n\(fields)\r\n"
    }

    @Test("Small and large blobs, ranges and conditions come right from what is ready, time after time")
    func again() async throws {
        try await TestServer.run { server in
            let client = try await server.connect()
            for count in [1, 4096, 32 << 10, (32 << 10) + 1, 100_000, (1 << 20) + 5] {
                let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
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

    @Test("The fields of an answer are the same whether it was ready or went through the router")
    func sameFields() async throws {
        try await TestServer.run { server in
            let address = try await server.put([UInt8](repeating: 3, count: 5000))
            for fields in [
                "", "Range: bytes=1-2\r\n", "If-None-Match: *\r\n", "If-Match: \"x\"\r\n", "Range: bytes=9999-\r\n",
                // Blanks behind a value are none of it.
                "If-None-Match: * \r\n", "If-Match: *\t\r\n",
            ] {
                let client = try await server.connect()
                try await client.send(get(address, fields))
                let ready = try #require(await client.answer())
                // A target with scheme and host is not the quick path's.
                try await client.send(
                    "GET http://x/\(address.hex) HTTP/1.1\r\nHost: x\r\n\(fields)\r\n")
                let routed = try #require(await client.answer())
                #expect(ready.statusLine == routed.statusLine && ready.body == routed.body)
                let names = { (answer: RawClient.Answer) in
                    answer.fields.filter { $0.name != "date" }.map { "\($0.name): \($0.value)" }.sorted()
                }
                #expect(names(ready) == names(routed), "\(fields)")
                await client.close()
            }
        }
    }

    @Test("A file that ends before its size cuts the answer, and the blob is looked at")
    func shortFile() async throws {
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

    @Test("From the moment a revocation is acknowledged, no connection is given the blob any more")
    func revocation() async throws {
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

    @Test("From the moment an upload is acknowledged, everybody is given the blob, whoever asked for it before")
    func arrival() async throws {
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

    @Test("A file that is not in memory is fetched first, and comes whole")
    func cold() async throws {
        try await TestServer.run { server in
            let bytes = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 131 >> 5) }
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

    @Test("A client that sends requests ahead and reads slowly gets all of them, and no more is kept than it may")
    func slowPipelining() async throws {
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
