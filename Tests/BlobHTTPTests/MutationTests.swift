import BlobHTTP
import Blobs
import Glibc
import Store
import TestSupport
import Testing

/// Requests that were good before chance went over them. Whatever comes of it, the server must answer or close, and
/// then serve the next client.
@Suite(.timeLimit(.minutes(30))) struct MutationTests {
    private static var rounds: Int { unsafe getenv("SATCHEL_SOAK") == nil ? 300 : 20_000 }

    private func seeds(_ address: BlobAddress) -> [String] {
        [
            "GET /\(address.hex) HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-9,-5\r\nIf-Range: \"x\"\r\n\r\n",
            "GET /\(address.hex) HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: W/\"a\", \"b\"\r\n\r\n",
            "PUT /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nX-SHA-256: \(address.hex)\r\n\r\nabcd",
            "PUT /upload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\nT: x\r\n\r\n",
            "HEAD /upload HTTP/1.1\r\nHost: localhost\r\nX-Content-Length: 88\r\nSatchel-Lifetime: 60\r\n\r\n",
            "DELETE /\(address.hex) HTTP/1.1\r\nHost: localhost\r\nSatchel-Secret: AAAAAAAAAAAAAAAAAAAAAA\r\n\r\n",
            "PATCH /\(address.hex)/lease HTTP/1.1\r\nHost: localhost\r\nSatchel-Secret: AAAAAAAAAAAAAAAAAAAAAA\r\n\r\n",
            "POST /\(address.hex)/leases HTTP/1.1\r\nHost: localhost\r\nSatchel-Recipients: 2\r\n\r\n",
            "PUT /\(address.hex)/receipts/AAAAAAAAAAAAAAAAAAAAAA HTTP/1.1\r\nHost: localhost\r\n"
                + "Satchel-Secret: AAAAAAAAAAAAAAAAAAAAAA\r\nContent-Length: 0\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\nAccess-Control-Request-Method: GET\r\n\r\n",
            "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /readyz HTTP/1.1\r\nHost: a\r\n\r\n",
        ]
    }

    @Test(arguments: [11, 12] as [UInt64])
    func `malformed requests by the hundred leave the server up`(seed: UInt64) async throws {
        try await TestServer.run(settings: { $0.connections.drainTimeout = .milliseconds(200) }) { server in
            let address = try await server.put([UInt8](repeating: 4, count: 1000))
            var random = SeededGenerator(seed: seed)
            for round in 0..<Self.rounds / 2 {
                var bytes = Array((seeds(address).randomElement(using: &random) ?? "").utf8)
                for _ in 0..<Int.random(in: 1...5, using: &random) { mutate(&bytes, using: &random) }
                let client = try await server.connect()
                try? await client.send(bytes)
                try? await client.finishSending()
                let answer = await client.rest()
                let isAnswer = answer.isEmpty || answer.starts(with: "HTTP/1.1 ".utf8)
                #expect(isAnswer, "round \(round): \(String(decoding: bytes, as: UTF8.self))")
                let text = String(decoding: answer, as: UTF8.self)
                #expect(!text.contains("HTTP/1.1 500"), "round \(round): \(String(decoding: bytes, as: UTF8.self))")
                await client.close()
            }
            #expect(try await server.answer(to: "GET", "/\(address.hex)")?.body.count == 1000)
        }
    }

    private func mutate(_ bytes: inout [UInt8], using random: inout SeededGenerator) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0...6, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
        case 2: bytes.remove(at: place)
        case 3: bytes.insert(contentsOf: [0x0d, 0x0a], at: place)
        case 4: bytes.insert(UInt8(ascii: "9"), at: place)
        case 5: bytes.removeSubrange(place...)
        default:
            let end = Int.random(in: place..<bytes.count, using: &random)
            bytes.insert(contentsOf: bytes[place...end], at: place)
        }
    }
}
