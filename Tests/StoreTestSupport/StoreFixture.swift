package import Logging
import MemoryStore
import SharedStore
package import Store
import StoreParts
import StoreRules
import TestEngines
import TestSupport
import Vault

/// Every kind of store that fulfils the contracts.
package enum StoreKind: String, CaseIterable, Sendable {
    /// Files in a folder, and a catalog in SQLite.
    case disk
    case memory
    /// A node of a store whose catalog is in PostgreSQL, and whose bytes are objects: in memory, in Ceph, in SeaweedFS.
    case shared
    case ceph
    case seaweedfs

    /// All of them that there can be here: without PostgreSQL, those that need none.
    package static let allCases: [StoreKind] =
        [.disk, .memory] + (Engines.hasPostgres ? [.shared] : [])
        + (Engines.hasPostgres && Engines.hasCeph ? [.ceph] : [])
        + (Engines.hasPostgres && Engines.hasSeaweedFS ? [.seaweedfs] : [])

    /// Those that keep bytes in a place of their own: they promise its room, and see at once what happens to it. Others
    /// have an object store for that, which says nothing of either.
    package static let allWithOwnRoom = allCases.filter(\.hasOwnRoom)

    /// Each kind with each of these seeds of a walk; those with a real object store with a quarter of them, since they are
    /// the same store beyond it.
    package static func all(with seeds: [UInt64]) -> [(StoreKind, UInt64)] {
        allCases.flatMap { kind in
            let count = [.ceph, .seaweedfs].contains(kind) ? (seeds.count + 3) / 4 : seeds.count
            return seeds.prefix(count).map { (kind, $0) }
        }
    }

    package var hasOwnRoom: Bool { self == .disk || self == .memory }
}

/// A store of a test's own: where it lies, its settings and its clocks. It is opened for a body and closed after it; what
/// it holds lasts until the test ends.
package struct StoreFixture: Sendable {
    /// Where a store lies.
    enum Place: Sendable {
        case disk(TemporaryFolder)
        case memory(MemoryVolume)
        case shared(SharedPlace)
    }

    let place: Place
    package let clock = TestClock()
    package var settings = TestSettings()

    /// - Parameter isSynced: for a store on a disk that remembers, where a test is about what lasts.
    package init(_ kind: StoreKind, isSynced: Bool = false) throws {
        switch kind {
        case .disk: place = .disk(isSynced ? try TemporaryFolder() : try TemporaryFolder.inMemory())
        case .memory: place = .memory(MemoryVolume(created: Self.reading(clock)))
        case .shared: place = .shared(try SharedPlace())
        case .ceph: place = .shared(try SharedPlace(on: Engines.ceph()))
        case .seaweedfs: place = .shared(try SharedPlace(on: Engines.seaweedfs()))
        }
    }

    package static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    /// Opens the store, lets `body` use it, and closes it.
    @discardableResult
    package func withStore<Value: Sendable>(
        _ body: (any LeaseStore & Upkeep & ChangeFeed) async throws -> Value
    ) async throws -> Value {
        let store = try await open()
        do {
            let value = try await body(store)
            await store.close()
            return value
        } catch {
            await store.close()
            throw error
        }
    }

    /// Opens so many nodes of a shared store, lets `body` use them, and closes them.
    package func withNodes(
        _ count: Int, _ body: ([any LeaseStore & Upkeep & ChangeFeed]) async throws -> Void
    ) async throws {
        guard case .shared(let place) = place else { preconditionFailure("only a shared store has nodes") }
        var nodes: [SharedStore] = []
        do {
            for number in 0..<count {
                nodes.append(try await place.open("node-\(number)", settings: settings.shared, clock: clock))
            }
            try await body(nodes)
        } catch {
            for node in nodes { await node.close() }
            throw error
        }
        for node in nodes { await node.close() }
    }

    package func open() async throws -> any LeaseStore & Upkeep & ChangeFeed {
        switch place {
        case .disk(let folder):
            return try await Vault.open(
                at: folder.path("store"), settings: settings.vault, clock: clock, logger: Self.quiet)
        case .memory(let volume):
            let clock = clock
            return MemoryStore(in: volume, settings: settings.memory) { Self.reading(clock) }
        case .shared(let place):
            var settings = settings.shared
            // There is no other node to hear from, and a database that other tests keep busy may be silent for long.
            settings.outageReads = .seconds(3600)
            return try await place.open(settings: settings, clock: clock)
        }
    }

    private static func reading(_ clock: TestClock) -> ClockReading {
        ClockReading(wall: clock.wall, monotonicSeconds: clock.monotonicSeconds, boot: clock.boot)
    }
}
