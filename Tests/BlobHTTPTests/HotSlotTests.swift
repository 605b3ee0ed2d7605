import Blobs
import Logging
import NIOCore
import NIOPosix
import Store
import StoreRules
import Testing
import Tickets
import Vault

@testable import BlobHTTP

/// Reads of slots that are ready.
@Suite(.timeLimit(.minutes(15))) struct HotSlotTests {
    private let office = SlotOffice()

    private func run(_ body: (TestServer) async throws -> Void) async throws {
        let slots = SlotSettings(doors: office.doors)
        try await TestServer.run(settings: { $0.slots = slots }, body)
    }

    /// Fills a slot, and gives the blob's address.
    private func fill(_ path: String, _ bytes: [UInt8], at server: TestServer) async throws -> BlobAddress {
        let target = SlotOffice.target(path.replacing(" ", with: "%20"), office.v(path, bytes.count))
        let answer = try await server.answer(to: "PUT", target, body: bytes)
        try #require(answer?.status == 201)
        return TestServer.address(of: bytes)
    }

    @Test func `a slot is answered past the decoder as behind it, and is counted the same`() async throws {
        try await run { server in
            let client = try await server.connect()
            let ways = BothWays(server: server, client: client, route: .slot)
            for count in [0, 1, 5000, 32 << 10, 70_000, 1 << 20, (1 << 20) + 1] {
                let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 17 >> 2) }
                let address = try await fill("s\(count)/a b.jpg", bytes, at: server)
                let tag = "If-None-Match: \"\(address.hex)\"\r\n"
                let other = "If-None-Match: \"\(String(repeating: "0", count: 64))\"\r\n"
                let cases = [
                    "", tag, "Range: bytes=0-0\r\n", "Range: bytes=1-99999\r\n", "Range: bytes=70000-70001\r\n",
                    "Range: bytes=0-1048575\r\n", tag + "Range: bytes=0-0\r\n", other, other + "Range: bytes=0-0\r\n",
                ]
                for fields in cases {
                    for isHead in [false, true] {
                        for path in ["s\(count)/a%20b.jpg", "s\(count)/%61%20b%2ejpg?v=1"] {
                            let answer = try await ways.expectSame(
                                SlotOffice.target(path), fields, isHead: isHead, "\(path) \(fields)")
                            if fields.isEmpty, !isHead { #expect(answer.status == 200 && answer.body == bytes) }
                        }
                    }
                }
            }
            await client.close()
        }
    }

    @Test func `the access log says the same of both ways`() async throws {
        try await run { server in
            _ = try await fill("s1/a.jpg", [1, 2, 3], at: server)
            let log = try #require(server.observer.accessLog)
            let client = try await server.connect()
            _ = log.takeAll()
            var lines: [String] = []
            for detour in [BothWays.detour, "", BothWays.detour] {
                try await client.send("GET \(SlotOffice.target("s1/a.jpg")) HTTP/1.1\r\nHost: x\r\n\(detour)\r\n")
                #expect(await client.answer()?.body == [1, 2, 3])
                var entries = log.takeAll().entries
                while entries.isEmpty {
                    await Task.yield()
                    entries = log.takeAll().entries
                }
                lines += entries.map { AccessLogLine.text($0).replacing(#/ ms=\S+/#, with: "") }
            }
            #expect(lines.count == 3 && Set(lines).count == 1 && lines[0].contains("route=slot"), "\(lines)")
            await client.close()
        }
    }

    @Test func `from the moment it is taken down, or its door is shut, a slot is given to nobody`() async throws {
        try await run { server in
            for round in 0..<40 {
                _ = try await fill("s\(round)/a.jpg", [1, 2, UInt8(round)], at: server)
                let target = SlotOffice.target("s\(round)/a.jpg")
                let clients = [try await server.connect(), try await server.connect()]
                for client in clients + clients {
                    try await client.send("GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n")
                    #expect(await client.answer()?.status == 200)
                }
                let isLast = round == 39
                if isLast {
                    office.doors.replace([:])
                } else {
                    let name = try #require(SlotPath(door: SlotOffice.door, encoded: "s\(round)/a.jpg")).name
                    _ = try await server.vault.remove(RemoveOptions(.alias(name), action: .takeDown))
                }
                for client in clients {
                    try await client.send("GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n")
                    #expect(await client.answer()?.status == (isLast ? 404 : 410))
                    await client.close()
                }
            }
        }
    }

    @Test func `one that was read is ready by every spelling of its target, as long as its door is there`() async throws
    {
        try await run { server in
            let address = try await fill("s1/a.jpg", [1, 2, 3], at: server)
            var settings = BlobServerSettings(listen: Authority(host: "127.0.0.1", port: 0))
            settings.slots = SlotSettings(doors: office.doors)
            let path = ReadPath(
                store: server.vault, slots: SlotReads(settings.slots, .store(server.vault)), gate: Gate(settings),
                cacheSeconds: 300, limits: .init(), observer: server.observer, logger: Logger(label: "test"))
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            func ready(_ target: String) async throws -> BlobAddress? {
                try await loop.submit {
                    let cache = path.cache(on: loop)
                    return cache.slot(Array(target.utf8).span, now: cache.now)?.blob.metadata.address
                }.get()
            }
            let (plain, escaped) = (SlotOffice.target("s1/a.jpg"), SlotOffice.target("s%31/a.jpg"))
            #expect(try await ready(plain) == nil, "nobody has read it")
            let slot = try #require(SlotPath(door: SlotOffice.door, encoded: "s1/a.jpg"))
            try await loop.flatSubmit {
                let found = loop.makePromise(of: Void.self)
                path.cache(on: loop).find(.slot(slot), for: .whole, client: nil) { _ in found.succeed() }
                return found.futureResult
            }.get()
            for target in [plain, escaped, plain, escaped] { #expect(try await ready(target) == address) }
            for target in ["/slots/other/s1/a.jpg", SlotOffice.target("s1/b.jpg"), SlotOffice.target("s1/../s1/a.jpg")]
            {
                #expect(try await ready(target) == nil, "\(target)")
            }
            #expect(try await ready(plain + "?v=1") == address, "a query says nothing of a read")
            let doors = [SlotOffice.door: office.doors.secrets(of: SlotOffice.door)]
            office.doors.replace([:])
            #expect(try await ready(plain) == nil)
            office.doors.replace(doors)
            #expect(try await ready(plain) == address)
            path.close()
        }
    }

    @Test func `targets are told apart, whoever shares a place with whom`() throws {
        var targets = SlotTargets()
        let paths = try (0..<3 * SlotTargets.limit).map { try #require(SlotPath(door: "d", encoded: "s/\($0)")) }
        var found = 0
        for (number, path) in paths.enumerated() {
            let target = Array("/slots/d/s/\(number)".utf8)
            #expect(targets.find(target.span) == nil)
            _ = targets.keep(target.span, path)
            #expect(targets.find(target.span)?.path == path)
        }
        for (number, path) in paths.enumerated() {
            guard let kept = targets.find(Array("/slots/d/s/\(number)".utf8).span)?.path else { continue }
            found += 1
            #expect(kept == path)
        }
        #expect(found > SlotTargets.limit / 2 && found <= SlotTargets.limit)
        targets.forget(unless: 1)
        #expect(targets.find(Array("/slots/d/s/\(paths.count - 1)".utf8).span) == nil)
    }
}
