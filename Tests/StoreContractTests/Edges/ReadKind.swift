import Blobs
import Store
import StoreTestSupport
import TestSupport
import Testing
import Tickets

@testable import Edge

/// Every kind of place that blobs are read from by one contract.
struct ReadKind: Hashable, Sendable, CustomTestStringConvertible {
    /// Where they lie.
    let store: StoreKind
    /// So many edges are in front of that, one behind the other.
    var edges = 0
    /// Whether the edges follow the change feed.
    var followsChanges = false

    static let stores = StoreKind.allCases.map { ReadKind(store: $0) }
    static let followingEdges = [
        ReadKind(store: .disk, edges: 1, followsChanges: true),
        ReadKind(store: .memory, edges: 2, followsChanges: true),
    ]
    static let agingEdges = [ReadKind(store: .disk, edges: 1), ReadKind(store: .memory, edges: 2)]
    static let allEdges = followingEdges + agingEdges
    static let allCases = stores + allEdges

    var testDescription: String {
        let words = Array(repeating: "an edge in front of", count: edges) + [store.rawValue]
        return words.joined(separator: " ") + (edges > 0 && !followsChanges ? ", without the change feed" : "")
    }
}

/// A store, and what blobs are read from: the store itself, or an edge in front of it over HTTP. What is done to blobs
/// is done to the store.
struct ReadScene {
    let kind: ReadKind
    let fixture: StoreFixture
    let store: AnyStore
    /// Each reads from the one before it, the first from the store.
    let edges: [EdgeStore]
    /// What the server of the store reads from; nil where there is no server.
    let watched: WatchedStore?

    var reads: any BlobStore { edges.last ?? store }

    /// Waits until whoever follows changes has heard of all that there were, or else until what was learned before
    /// them is too old.
    func hearChanges() async throws {
        if kind.followsChanges {
            try await edges.hear(store.changes)
        } else if kind.edges > 0 {
            fixture.clock.pass(seconds: EdgeStore.testedAge.seconds)
        }
    }
}

extension [EdgeStore] {
    /// Waits until all changes have gone through all of these, each of which follows the one before it.
    func hear(_ changes: ChangeRing) async throws {
        try await eventually {
            var source = changes
            for edge in self {
                // Where it had lost the thread, the next tick says that it has dealt with that.
                guard let feed = edge.feed, feed.age != nil, edge.knowsAllChanges, feed.position == source.position
                else { return false }
                source = edge.changes
            }
            return true
        }
    }
}

extension StoreFixture {
    /// Opens the store and what of `kind` is in front of it, lets `body` use them, and closes them.
    ///
    /// - Parameter isWatched: to see what the edge asks the store for; else bytes come from the store's own files.
    func withReads(
        _ kind: ReadKind, isWatched: Bool = false, _ body: (ReadScene) async throws -> Void
    ) async throws {
        try await withStore { store async throws in
            let watched = isWatched ? WatchedStore(store) : nil
            let (key, folders) = (EdgeKey.random(), try (0..<kind.edges).map { _ in try TemporaryFolder.inMemory() })
            var (servers, services, edges): ([ServedStore], [RunningServices], [EdgeStore]) = ([], [], [])
            let result: Result<Void, any Error>
            do {
                for folder in folders {
                    let server =
                        if let edge = edges.last { try await ServedStore(edge, changes: edge, key: key) } else {
                            try await ServedStore(watched ?? store, changes: store, key: key)
                        }
                    servers.append(server)
                    let edge = try EdgeStore.open(
                        in: folder, origin: server.port, key: kind.followsChanges ? key : nil, clock: clock)
                    edges.append(edge)
                    services.append(RunningServices(edge.services))
                }
                if kind.followsChanges {
                    try await edges.hear(store.changes)
                    // What is learned from the next second on is covered by the feed.
                    clock.pass(seconds: 1)
                }
                try await body(
                    ReadScene(kind: kind, fixture: self, store: store, edges: edges, watched: watched))
                result = .success(())
            } catch {
                result = .failure(error)
            }
            for service in services.reversed() { await service.stop() }
            for edge in edges.reversed() { await edge.close() }
            for server in servers.reversed() { await server.stop() }
            withExtendedLifetime(folders) {}
            try result.get()
        }
    }
}

/// What was found of a blob, in a word.
enum FoundWord: Hashable, Sendable {
    case held(until: Timestamp)
    case gone(EndReason)
    case damaged
    case unknown
    /// No answer.
    case none
}

extension BlobFinding {
    var word: FoundWord {
        switch self {
        case .held(let blob), .unreachable(stale: let blob?): .held(until: blob.sunset)
        case .gone(let reason): .gone(reason)
        case .damaged: .damaged
        case .unknown: .unknown
        case .unanswered, .unreachable(stale: nil): .none
        }
    }
}
