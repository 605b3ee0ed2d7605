import Blobs
import MemoryObjects
import SharedCatalog
import Store
import StoreTestSupport
import TestEngines
import TestSupport
import Testing

@testable import SharedStore

/// What a node does while the database does not answer, and afterwards. Each test has a database of its own.
@Suite(.enabled(if: Engines.hasPostgres, "\(Engines.noPostgres)")) struct LostDatabaseTests {
    /// A database that a test stops, and a node on it.
    private struct Scene {
        let engine: Engine
        let node: SharedStore
        private let folder: TemporaryFolder

        init(outageReads: Duration = .zero) async throws {
            engine = try Engine(.postgres)
            folder = try TemporaryFolder.inMemory()
            var database = DatabaseSettings(ConnectionString(try engine.fact("connection")))
            (database.lanes, database.readers, database.takesForgetfulDatabases) = (1, 1, true)
            var settings = TestSettings().shared
            settings.outageReads = outageReads
            settings.silencePatience = .zero
            node = try await SharedStore.open(
                SharedStorePlace(database: database, objects: MemoryObjects(), cacheFolder: folder.path("cache")),
                settings: settings, clock: TestClock(), goesByClock: true, logger: StoreFixture.quiet)
        }

        /// Uploads a blob, and finds it as whoever keeps it ready does.
        func ready(_ bytes: [UInt8]) async throws -> (HeldBlob, ValidityToken) {
            let blob = address(of: bytes)
            try await node.upload(bytes, on: terms(owner: 1))
            return try await eventually {
                let token = node.validity(of: blob)
                guard case .held(let held) = try await node.find(blob) else { throw Unexpected(what: "it is not held") }
                return token.isCurrent ? (held, token) : nil
            }
        }

        func isUnavailable(_ body: () async throws -> Void) async -> Bool {
            do {
                try await body()
                return false
            } catch StoreError.unavailable, StoreError.outcomeUnknown {
                return true
            } catch {
                return false
            }
        }
    }

    private let bytes = content(3, count: 100_000)

    @Test func `without its database a node serves nothing, says so, and comes back with it`() async throws {
        let scene = try await Scene()
        let node = scene.node
        let (held, token) = try await scene.ready(bytes)
        let position = node.changes.position
        try await eventually { await node.unreadiness() == nil && node.knowsAllChanges }
        try scene.engine.halt()
        try await eventually { !token.isCurrent }
        try await eventually { await node.unreadiness() != nil }
        #expect(!node.knowsAllChanges)
        #expect(await scene.isUnavailable { _ = try await node.find(held.address) })
        #expect(await scene.isUnavailable { try await node.upload(content(4)) })
        // Whoever is being served gets the rest.
        #expect(try await held.content.read(0..<100_000, for: .whole) == bytes)
        try scene.engine.again()
        try await eventually { await node.unreadiness() == nil && node.knowsAllChanges }
        #expect(!token.isCurrent, "another run of the database may have lost what this node has heard of")
        #expect(node.changes.read(after: position, limit: 1) == .lost)
        // Each of its connections comes back in its own time.
        #expect(try await eventually { try? await node.fetch(held.address) } == .held(bytes))
        _ = try await eventually { try? await node.upload(content(4), on: terms(owner: 2)) }
        await node.close()
    }

    @Test func `a database that hangs is as one that is gone, and is believed again when it goes on`() async throws {
        let scene = try await Scene()
        let node = scene.node
        let (held, token) = try await scene.ready(bytes)
        try scene.engine.pause()
        try await eventually { !token.isCurrent }
        try await eventually { await node.unreadiness() != nil }
        #expect(await scene.isUnavailable { _ = try await node.find(held.address) })
        try scene.engine.resume()
        try await eventually { await node.unreadiness() == nil }
        try await eventually { token.isCurrent }
        #expect(try await eventually { try? await node.fetch(held.address) } == .held(bytes))
        await node.close()
    }

    @Test func `what is ready is served without the database for as long as an operator allows`() async throws {
        let scene = try await Scene(outageReads: .seconds(100_000))
        let node = scene.node
        let (held, token) = try await scene.ready(bytes)
        try scene.engine.halt()
        try await eventually { await node.unreadiness() != nil }
        #expect(token.isCurrent)
        #expect(!node.knowsAllChanges, "caches behind this node are not told that they know all")
        #expect(await scene.isUnavailable { _ = try await node.find(held.address) }, "only what is ready")
        try scene.engine.again()
        try await eventually { await node.unreadiness() == nil }
        try await eventually { !token.isCurrent }
        await node.close()
    }

    @Test func `a node that is told to end does, whether or not its database answers`() async throws {
        let scene = try await Scene()
        _ = try await scene.ready(bytes)
        try scene.engine.halt()
        await scene.node.close()
        #expect(await scene.node.unreadiness() != nil)
        await scene.node.close()
    }
}
