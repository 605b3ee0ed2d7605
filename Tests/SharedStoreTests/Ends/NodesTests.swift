import Blobs
import Files
import MemoryObjects
import Store
import StoreTestSupport
import Synchronization
import TestEngines
import TestSupport
import Testing

@testable import SharedStore

/// Nodes of one store: when an end is acknowledged, no node serves the blob any more.
@Suite(.enabled(if: Engines.hasPostgres, "\(Engines.noPostgres)")) struct NodesTests {
    /// What a node found, and may serve as long as its token says so.
    private struct Ready {
        let store: SharedStore
        let blob: BlobAddress
        let token: ValidityToken

        /// Finds the blob, as whoever keeps it ready does.
        init(_ blob: BlobAddress, on store: SharedStore) async throws {
            self.store = store
            self.blob = blob
            // Another test may keep the database busy for longer than anything is believed.
            token = try await eventually {
                let token = store.validity(of: blob)
                guard case .held = try await store.find(blob) else { throw Unexpected(what: "it is not held") }
                return token.isCurrent ? token : nil
            }
        }

        /// Records an issue where the node serves the blob.
        func expectEnded(_ reason: EndReason?, _ what: Comment) async throws {
            #expect(!token.isCurrent, what)
            let finding = try await store.find(blob)
            switch (finding, reason) {
            case (.gone(let found), let reason?): #expect(found == reason, what)
            case (.held(let found), nil): #expect(found.sunset < Timestamp(seconds: 1_800_200_000), what)
            default: Issue.record("it is found as \(finding), \(what)")
            }
        }
    }

    /// Two nodes of one store.
    private func withNodes(
        faults: FaultPoints = .none, _ body: (SharedStore, SharedStore) async throws -> Void
    ) async throws {
        var scene = try SweepScene()
        scene.settings.silencePatience = .zero
        try await scene.withNode("a") { first in
            try await scene.withNode("b", faults: faults) { second in try await body(first, second) }
        }
    }

    enum End: CaseIterable {
        case revoked, shortened, takenDown, banned, subjectRemoved
    }

    @Test(arguments: End.allCases)
    func `what is ended on one node is served on no other once that is acknowledged`(end: End) async throws {
        try await withNodes { first, second in
            for round in 0..<3 {
                let bytes = content(100 + round)
                let blob = address(of: bytes)
                try await first.upload(bytes, on: terms(owner: round, lifetime: .days(20)))
                let ready = try await Ready(blob, on: second)
                let own = try await Ready(blob, on: first)
                var reason: EndReason? = .removed
                switch end {
                case .revoked:
                    try await first.revoke(on: blob, owner: secret(round))
                    reason = .revoked
                case .shortened:
                    _ = try await first.renew(on: blob, owner: secret(round), lifetime: .days(1), subject: nil)
                    reason = nil
                case .takenDown: _ = try await first.remove(RemoveOptions(address: blob, action: .takeDown))
                case .banned: _ = try await first.remove(RemoveOptions(address: blob, action: .ban))
                case .subjectRemoved: _ = try await first.remove(RemoveSubjectOptions(subject: "somebody"))
                }
                try await ready.expectEnded(reason, "\(end) in round \(round), on the other node")
                try await own.expectEnded(reason, "\(end) in round \(round), on the same node")
                try await eventually { second.changes.position.number > round }
                guard case .changes(let told) = second.changes.read(after: position(0, second), limit: 100) else {
                    throw Unexpected(what: "the position is lost")
                }
                #expect(told.count == round + 1 && told.last == AddressPrefix(blob), "told once, whoever did it")
            }
        }
    }

    private func position(_ number: Int64, _ store: SharedStore) -> ChangePosition {
        ChangePosition(epoch: store.changes.position.epoch, number: number)
    }

    @Test func `a node that does not hear believes nothing once an end is acknowledged, and not before it has to`()
        async throws
    {
        let isHeld = Flag()
        let faults = FaultPoints { point throws(FileError) in
            if point == .changesHeard, isHeld.value { throw FileError(operation: "hear", path: "b", code: 5) }
        }
        try await withNodes(faults: faults) { first, second in
            let bytes = content(1)
            let blob = address(of: bytes)
            try await first.upload(bytes, on: terms(owner: 1))
            let ready = try await Ready(blob, on: second)
            isHeld.value = true
            try await first.revoke(on: blob, owner: secret(1))
            // Its answers are lost: it has not heard, and has to give up what it believed by itself.
            #expect(second.changes.position.number == 0)
            try await ready.expectEnded(.revoked, "the node that does not hear")
            #expect(!second.knowsAllChanges)
            try await eventually { await second.unreadiness() != nil }
            isHeld.value = false
            try await eventually { second.changes.position.number == 1 }
            try await eventually { await second.unreadiness() == nil }
            try await eventually { second.knowsAllChanges }
        }
    }

    @Test func `a node whose signs of life are lost believes nothing before others count it as dead`() async throws {
        let isHeld = Flag()
        let faults = FaultPoints { point throws(FileError) in
            if point == .nodeBeaten, isHeld.value { throw FileError(operation: "beat", path: "b", code: 5) }
        }
        try await withNodes(faults: faults) { first, second in
            #expect(!first.ends.isAlone && !second.ends.isAlone)
            isHeld.value = true
            // The database has them, and this node does not know it.
            try await eventually { !second.knowsAllChanges }
            let token = second.validity(of: address(of: content(1)))
            #expect(!token.isCurrent)
            isHeld.value = false
            try await eventually { second.knowsAllChanges }
            #expect(token.isCurrent)
        }
    }

    @Test func `whoever is alone waits for nobody, and whoever comes and goes is waited for`() async throws {
        let scene = try SweepScene()
        try await scene.withNode("a") { first in
            // Another test may keep the database busy.
            try await eventually { first.ends.isAlone }
            try await scene.withNode("b") { second in
                try await eventually { !first.ends.isAlone && !second.ends.isAlone }
            }
            try await eventually { first.ends.isAlone }
        }
    }

    @Test func `a node that comes while another ends what it holds serves nothing that has ended`() async throws {
        let scene = try SweepScene()
        let blobs = (0..<3000).map { content($0, count: 40) }
        try await scene.withNode("a") { first in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for lane in 0..<16 {
                    group.addTask {
                        for seed in stride(from: lane, to: blobs.count, by: 16) {
                            try await first.upload(blobs[seed], on: terms(owner: seed))
                        }
                    }
                }
                try await group.waitForAll()
            }
            let (found, ended, isOver) = (FoundTokens(), Counter(), Flag())
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for (seed, bytes) in blobs.enumerated() where !isOver.value {
                        let blob = address(of: bytes)
                        ended.value = seed
                        try await first.revoke(on: blob, owner: secret(seed))
                        let isServed = found.isCurrent(blob)
                        #expect(!isServed, "blob \(seed) is ready on a node that came")
                    }
                }
                group.addTask {
                    defer { isOver.value = true }
                    for _ in 0..<4 {
                        try await scene.withNode("b") { second in
                            // What is being ended, and is ended next.
                            for bytes in blobs.dropFirst(ended.value).prefix(8) {
                                let blob = address(of: bytes)
                                let token = second.validity(of: blob)
                                if case .held = try await second.find(blob, for: .head) { found.add(token, for: blob) }
                            }
                            let before = ended.value
                            try await eventually { ended.value > before }
                            found.removeAll()
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    /// The tokens of what a node found.
    private final class FoundTokens: Sendable {
        private let tokens = Mutex<[BlobAddress: ValidityToken]>([:])

        func add(_ token: ValidityToken, for blob: BlobAddress) { tokens.withLock { $0[blob] = token } }
        func removeAll() { tokens.withLock { $0 = [:] } }
        func isCurrent(_ blob: BlobAddress) -> Bool { tokens.withLock { $0[blob] }?.isCurrent ?? false }
    }

    @Test func `what one node takes another reads, whole and in parts, and by its name`() async throws {
        try await withNodes { first, second in
            let bytes = content(7, count: 20_000_000)
            let name = AliasName(hashing: Array("a/b".utf8))
            try await first.upload(bytes, on: terms(owner: 1))
            #expect(try await second.fetch(address(of: bytes)) == .held(bytes))
            guard case .held(let blob) = try await second.find(address(of: bytes), for: .range(9_000_000..<9_000_001))
            else { throw Unexpected(what: "it is not held") }
            let part = try await blob.content.read(9_000_000..<9_000_100, for: .ranges)
            #expect(part == Array(bytes[9_000_000..<9_000_100]))
            var slot = LeaseTerms(subject: "somebody")
            slot.alias = LeaseAlias(name: name, via: "chat")
            try await first.upload(content(8), on: slot)
            let found = try await second.find(name)
            guard case .held(let named) = found.finding else { throw Unexpected(what: "it is not held") }
            #expect(try await named.content.read(0..<1000, for: .whole) == content(8))
            #expect(try await second.fetch(address(of: content(8))) == .unknown, "nobody is shown its address")
        }
    }
}

/// How far something has come.
final class Counter: Sendable {
    private let state = Mutex(0)

    var value: Int {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}

/// What a test turns on and off.
final class Flag: Sendable {
    private let state = Mutex(false)

    var value: Bool {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
