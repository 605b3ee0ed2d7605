import BlobHTTP
import Blobs
import Store
import Synchronization
import Telemetry
import TestSupport
import Testing
import Vault

/// How long a feed of changes lasts: as long as its reader takes it, and no longer than its server.
extension ChangeRouteTests {
    @Test func `a reader that takes every line is never cut off, however short the times are`() async throws {
        try await withServer(settings: {
            // Enough for a slow machine to send a request and to take a line, and less than the feed lasts.
            $0.connections.headerTimeout = .seconds(5)
            $0.connections.idleTimeout = .seconds(5)
            $0.connections.writeTimeout = .seconds(5)
            $0.connections.uploadPatience = .seconds(5)
            $0.connections.downloadBytesPerSecond = 1 << 20
        }) { server in
            let (client, _) = try await follow(server)
            for _ in 0..<8 { #expect(try await linesToTick(of: client).count == 1) }
            let address = TestServer.address(of: [1])
            server.vault.changes.append([address])
            #expect(try await news(of: client) == .change(number: 1, AddressPrefix(address)))
            await client.close()
        }
    }

    /// A reader who asks for everything from `start` on and takes nothing of it.
    private func followWithoutReading(_ server: TestServer, after start: ChangePosition) async throws -> RawClient {
        let client = try await server.connect(reads: false)
        let (name, value) = bearer(key)
        try await client.send("GET /changes?after=\(start) HTTP/1.1\r\nHost: x\r\n\(name): \(value)\r\n\r\n")
        return client
    }

    /// Waits until the server has run into a reader who takes nothing: it does not even tick.
    private func waitUntilStuck(_ relay: Relay) async throws {
        var asked = 0
        while asked == 0 || asked != relay.timesAsked.load(ordering: .relaxed) {
            asked = relay.timesAsked.load(ordering: .relaxed)
            try await Task.sleep(for: .milliseconds(1500))
        }
    }

    /// A feed of as many changes as are kept, more than 20 MB of lines, and the position before them.
    private func fullRelay() -> (relay: Relay, start: ChangePosition) {
        let relay = Relay()
        relay.isSure.store(true, ordering: .releasing)
        let start = relay.changes.position
        relay.changes.append((0..<ChangeRing.capacity).compactMap { AddressPrefix(bits: UInt64($0)) })
        return (relay, start)
    }

    @Test func `of a reader that takes nothing little waits in memory, and it is cut off`() async throws {
        let (relay, start) = fullRelay()
        try await withServer(
            settings: { $0.connections.writeTimeout = .seconds(2) }, changes: { _ in relay }
        ) { server in
            let client = try await followWithoutReading(server, after: start)
            let meters = server.vault.meters
            try await eventually { meters.requests.count(route: .changes, status: 200) == 1 }
            let sent = meters.requests.sentBytes(route: .changes)
            // What the kernel took, and a write or two.
            #expect(sent < 14 << 20, "\(sent)")
            await client.close()
        }
    }

    @Test func `a reader that the ring has overtaken is told to ask again`() async throws {
        let (relay, start) = fullRelay()
        try await withServer(changes: { _ in relay }) { server in
            let client = try await followWithoutReading(server, after: start)
            try await waitUntilStuck(relay)
            relay.changes.append((0..<ChangeRing.capacity).compactMap { AddressPrefix(bits: UInt64($0)) })
            try await client.startReading()
            #expect(await client.answer(toHead: true)?.status == 200)
            #expect(try await line(of: client) == .at(start))
            var last: Int64 = 0
            while let line = try await news(of: client) {
                guard case .change(last + 1, _) = line else {
                    Issue.record("\(line) behind \(last)")
                    break
                }
                last += 1
            }
            await client.close()
            #expect(last > 0 && last < Int64(ChangeRing.capacity))
            let position = ChangePosition(epoch: start.epoch, number: last)
            let (again, lost) = try await follow(server, after: position)
            #expect(lost == .lost(relay.changes.position))
            await again.close()
        }
    }

    @Test func `a server that ends ends the feed, whatever time requests have`() async throws {
        var began = ContinuousClock.now
        try await withServer(shutdownTimeout: .seconds(3600)) { server in
            let (client, _) = try await follow(server)
            began = .now
            await server.shutDown()
            #expect(try await news(of: client) == nil)
            #expect(await client.rest().isEmpty, "it ends as a body does")
            await client.close()
        }
        #expect(began.duration(to: .now) < .seconds(900))
    }

    @Test func `a server that ends waits for no reader that takes nothing`() async throws {
        var began = ContinuousClock.now
        let (relay, start) = fullRelay()
        try await withServer(shutdownTimeout: .seconds(3600), changes: { _ in relay }) { server in
            let client = try await followWithoutReading(server, after: start)
            try await waitUntilStuck(relay)
            began = .now
            await server.shutDown()
            try await eventually { server.vault.meters.requests.count(route: .changes, status: 200) == 1 }
            await client.close()
        }
        #expect(began.duration(to: .now) < .seconds(900))
    }
}
