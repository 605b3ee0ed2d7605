import HTTPTypes
import NIOCore
import OriginLink
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(15))) struct ConnectionTests {
    @Test func `one connection serves one exchange after another`() async throws {
        try await ScriptedOrigin.run(script: { try await $0.answerAll() }) { client, origin in
            for _ in 0..<20 { try await client.expect("1") }
            #expect(origin.connectionCount == 1)
        }
    }

    @Test func `a request that wants a fresh connection leaves the idle one alone`() async throws {
        try await ScriptedOrigin.run(script: { try await $0.answerAll() }) { client, origin in
            try await client.expect("1")
            #expect(try await client.open(OriginRequest(target: "/"), fresh: true).text() == "2")
            #expect(origin.connectionCount == 2)
            // The one that was used last is used next.
            for _ in 0..<3 { try await client.expect("2") }
            #expect(origin.connectionCount == 2)
        }
    }

    /// Answers once on the first connection, and closes it instead of a second answer.
    private static let answersOnce: ScriptedOrigin.Script = { peer in
        if peer.number > 1 { return try await peer.answerAll() }
        _ = try await peer.head()
        try await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
        _ = try await peer.head()
    }

    @Test(arguments: [HTTPRequest.Method.get, .head])
    func `a read on a connection that was closed meanwhile is tried once more`(_ method: HTTPRequest.Method)
        async throws
    {
        try await ScriptedOrigin.run(script: Self.answersOnce) { client, origin in
            try await client.expect("1")
            let exchange = try await client.open(OriginRequest(method: method, target: "/"))
            // Reading without asking for the head first is as good.
            if method == .get {
                #expect(try await exchange.next(atMost: 9).map { String(buffer: $0) } == "2")
                #expect(try await exchange.next(atMost: 9) == nil)
            } else {
                #expect(try await exchange.head().status == .ok)
            }
            #expect(origin.connectionCount == 2)
        }
    }

    @Test(arguments: [
        OriginRequest(method: .put, target: "/", body: .bytes(0)), OriginRequest(method: .post, target: "/"),
        OriginRequest(method: .delete, target: "/"), OriginRequest(method: .get, target: "/", body: .bytes(0)),
    ])
    func `nothing else is tried twice`(_ request: OriginRequest) async throws {
        try await ScriptedOrigin.run(script: Self.answersOnce) { client, origin in
            try await client.expect("1")
            let exchange = try await client.open(request)
            let error = await failure { () async throws(OriginError) in _ = try await exchange.head() }
            #expect(error?.isBroken == true, "\(String(describing: error))")
            #expect(origin.connectionCount == 1)
        }
    }

    @Test func `a read is not tried a third time, nor after a byte of an answer`() async throws {
        for answer in ["", "H"] {
            let script: ScriptedOrigin.Script = { peer in
                _ = try await peer.head()
                if peer.number == 1 {
                    try await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
                    _ = try await peer.head()
                    try await peer.send(answer)
                }
            }
            try await ScriptedOrigin.run(script: script) { client, origin in
                try await client.expect("1")
                let error = await failure { () async throws(OriginError) in
                    _ = try await client.open(OriginRequest(target: "/")).text()
                }
                #expect(error?.isBroken == true)
                #expect(origin.connectionCount == (answer.isEmpty ? 2 : 1))
            }
        }
    }

    @Test func `bytes that nothing asked for end a connection that is idle`() async throws {
        let isClosed = Signal<Void>()
        let script: ScriptedOrigin.Script = { peer in
            if peer.number > 1 { return try await peer.answerAll() }
            _ = try await peer.head()
            try await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
            #expect(try await peer.head().hasPrefix("HEAD"))
            try await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n")
            await peer.closed()
            isClosed.send(())
        }
        try await ScriptedOrigin.run(script: script) { client, origin in
            try await client.expect("1")
            let exchange = try await client.open(OriginRequest(method: .head, target: "/"))
            #expect(try await exchange.text() == "")
            // The body that an answer to HEAD must not have.
            try await origin.send("x", onConnection: 1)
            await isClosed.wait()
            try await client.expect("2")
        }
    }

    @Test func `a connection is closed that nobody used for long`() async throws {
        let isClosed = Signal<Void>()
        let script: ScriptedOrigin.Script = { peer in
            try? await peer.answerAll()
            isClosed.send(())
        }
        try await ScriptedOrigin.run(settings: { $0.idleTime = .milliseconds(50) }, script: script) { client, _ in
            try await client.expect("1")
            await isClosed.wait()
        }
    }

    @Test func `requests wait for a connection, and not too long`() async throws {
        try await ScriptedOrigin.run(
            settings: {
                $0.connections = 1
                $0.queueTime = .milliseconds(50)
            }, script: { try await $0.answerAll() }
        ) { client, origin in
            let first = try await client.open(OriginRequest(method: .put, target: "/", body: .bytes(0)))
            let error = await failure { () async throws(OriginError) in
                _ = try await client.open(OriginRequest(target: "/"))
            }
            #expect(error == .busy)
            try await first.finishWriting()
            #expect(try await first.text() == "1")
            try await client.expect("1")
            #expect(origin.connectionCount == 1)
        }
    }

    @Test func `many requests share few connections`() async throws {
        try await ScriptedOrigin.run(
            settings: { $0.connections = 3 }, script: { try await $0.answerAll() }
        ) { client, origin in
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<100 { group.addTask { try await client.text() } }
                for try await text in group { #expect(["1", "2", "3"].contains(text)) }
            }
            #expect(origin.connectionCount <= 3)
        }
    }

    @Test func `whatever becomes of exchanges, no place is lost`() async throws {
        let script: ScriptedOrigin.Script = { peer in
            while true {
                let head = try await peer.head()
                let body = String(repeating: "x", count: 100_000)
                try await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n\(body)")
                if head.contains("/close") { return }
            }
        }
        try await ScriptedOrigin.run(settings: { $0.connections = 4 }, script: script) { client, _ in
            await withTaskGroup(of: Void.self) { group in
                var random = SeededGenerator(seed: 7)
                for _ in 0..<400 {
                    let (fate, isClosed) = (random.next() % 5, random.next() % 4 == 0)
                    group.addTask {
                        let task = Task {
                            let exchange = try await client.open(OriginRequest(target: isClosed ? "/close" : "/"))
                            // Dropped at once, cancelled, or dropped with half of it read.
                            if fate == 0 { return }
                            if fate == 1 { return exchange.cancel() }
                            if fate == 2 { return _ = try await exchange.next(atMost: 1000) }
                            _ = try? await exchange.text()
                        }
                        if fate == 4 { task.cancel() }
                        _ = await task.result
                    }
                }
            }
            var exchanges: [OriginExchange] = []
            for _ in 0..<4 { exchanges.append(try await client.open(OriginRequest(target: "/"))) }
            for exchange in exchanges {
                let text = try await exchange.text()
                #expect(text.utf8.count == 100_000)
            }
        }
    }

    @Test func `a connection that is lost makes room for a request that waits`() async throws {
        let script: ScriptedOrigin.Script = { peer in
            if peer.number > 1 { return try await peer.answerAll() }
            await peer.closed()
        }
        try await ScriptedOrigin.run(settings: { $0.connections = 1 }, script: script) { client, origin in
            let first = try await client.open(OriginRequest(target: "/"))
            // Two that come at the same moment may be taken for each other.
            try await eventually { origin.connectionCount == 1 }
            async let second = client.text()
            first.cancel()
            #expect(try await second == "2")
        }
    }
}
