import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import OriginLink

@Suite(.timeLimit(.minutes(15))) struct EndingTests {
    @Test(arguments: ["cancel", "drop", "task", "client"])
    func `an exchange that is given up closes its connection`(_ way: String) async throws {
        let isClosed = Signal<Void>()
        let hasBegun = Signal<Void>()
        let script: ScriptedOrigin.Script = { peer in
            _ = try await peer.head()
            try await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
            hasBegun.send(())
            await peer.closed()
            isClosed.send(())
        }
        try await ScriptedOrigin.run(script: script) { client, _ in
            var exchange: OriginExchange? = try await client.open(OriginRequest(target: "/"))
            await hasBegun.wait()
            switch way {
            case "cancel":
                exchange?.cancel()
                let error = await failure { () async throws(OriginError) in _ = try await exchange?.next(atMost: 1) }
                #expect(error == .closed)
            case "drop": exchange = nil
            case "task":
                let reading = Task { [exchange] in try await exchange?.text() }
                reading.cancel()
                await #expect(throws: OriginError.closed) { try await reading.value }
            default:
                await client.close()
                let error = await failure { () async throws(OriginError) in _ = try await exchange?.text() }
                #expect(error == .closed)
                let later = await failure { () async throws(OriginError) in
                    _ = try await client.open(OriginRequest(target: "/"))
                }
                #expect(later == .closed)
            }
            await isClosed.wait()
            withExtendedLifetime(exchange) {}
        }
    }

    @Test func `a request that waits is given up with its task`() async throws {
        try await ScriptedOrigin.run(settings: { $0.connections = 1 }, script: { await $0.closed() }) { client, _ in
            let first = try await client.open(OriginRequest(target: "/"))
            let second = Task { try await client.open(OriginRequest(target: "/")) }
            second.cancel()
            await #expect(throws: OriginError.closed) { _ = try await second.value }
            first.cancel()
        }
    }

    @Test func `a reader who does not read stops the origin`() async throws {
        let size = 64 << 20
        let writtenBytes = Mutex(0)
        let script: ScriptedOrigin.Script = { peer in
            if peer.number > 1 { return try await peer.answerAll() }
            _ = try await peer.head()
            try await peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
            let piece = ByteBuffer(repeating: 7, count: 64 << 10)
            for _ in 0..<size / piece.readableBytes {
                try await peer.channel.writeAndFlush(piece)
                writtenBytes.withLock { $0 += piece.readableBytes }
            }
            await peer.closed()
        }
        try await ScriptedOrigin.run(script: script) { client, _ in
            let exchange = try await client.open(OriginRequest(target: "/"))
            #expect(try await exchange.head().contentLength == Int64(size))
            try await eventually { exchange.attempt.inbox.isPaused }
            // The rest of the world goes on meanwhile.
            for _ in 0..<200 { try await client.expect("2") }
            // What the reader's side holds, and what the kernel does on both sides.
            #expect(writtenBytes.withLock { $0 } < 32 << 20)
            #expect(exchange.attempt.inbox.isPaused)
            var readBytes = 0
            while let piece = try await exchange.next(atMost: 1 << 20) { readBytes += piece.readableBytes }
            #expect(readBytes == size)
        }
    }

    @Test func `an origin that is not there is unreachable`() async throws {
        // Nobody listens at the first port, which a test's server never gets.
        for place in ["127.0.0.1:1", "no-such-name.invalid"] {
            let client = try OriginClient.test("http://\(place)")
            let error = await failure { () async throws(OriginError) in
                _ = try await client.open(OriginRequest(target: "/"))
            }
            #expect(error?.isUnreachable == true, "\(place): \(String(describing: error))")
            await client.close()
        }
    }
}
