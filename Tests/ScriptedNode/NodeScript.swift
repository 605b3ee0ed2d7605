import Blobs
import Files
package import SharedStore
import Store
import StoreRules
package import StoreTestSupport
import TestSupport

/// Everything that a node of a shared store does durably, once, in a fixed order, with a ledger of what was acknowledged.
///
/// Its process may be killed at any fault point; what the ledger says by then must be true for ever after, at every node.
package struct NodeScript: Sendable {
    /// So long before the script begins the other node has made what there is.
    package static let secondsBefore: Int64 = 3 * 86_400

    package static var settings: SharedStoreSettings { TestSettings().shared }

    let directions: NodeDirections
    let ledger: CrashLedger
    /// Whether its sweep looks for objects that no row names, which takes hundreds of listings.
    let searches: Bool

    package init(directions: NodeDirections, ledger: CrashLedger, searches: Bool) {
        self.directions = directions
        self.ledger = ledger
        self.searches = searches
    }

    package func run(_ points: ComingsBy) async throws {
        let clock = TestClock()
        clock.pass(seconds: Self.secondsBefore)
        let node = try await directions.open(settings: Self.settings, clock: clock, faults: points.faults)
        try await upload(to: node)
        try await resume(at: node)
        try await live(at: node)
        try await end(at: node)
        try ledger.note("sending \(CrashBlob.large)")
        try await upload(CrashBlob.large, owner: 14, to: node)
        try await look(after: node)
        await node.close()
    }

    /// New bytes, the same bytes again, and more of them than are kept in memory.
    private func upload(to node: SharedStore) async throws {
        try await upload("a", owner: 10, to: node)
        try await upload("a", owner: 11, to: node)
        try await upload("b", owner: 12, to: node)
    }

    private func upload(_ name: String, owner: Int, to node: SharedStore) async throws {
        // As much at a time as is spooled at a time: each run has the same steps, however busy the threads.
        try await node.upload(CrashBlob.bytes(name), owner: secret(owner), piece: 256 << 10)
        try ledger.note("held \(name)")
    }

    /// One upload in several requests of which one is lost, one that is cancelled and one that is refused.
    private func resume(at node: SharedStore) async throws {
        let whole = CrashBlob.bytes("r")
        let id = try await make("r", at: node)
        try await bring("r", whole[..<100_000], to: id, at: 0, node)
        let lost = try await node.session(id, at: 100_000)
        // So few that none are spooled, which may happen or not once a request is given up.
        try await lost.append(Array(repeating: 1, count: 90_000))
        await lost.abandon()
        try await bring("r", whole[100_000..<250_000], to: id, at: 100_000, node)
        let last = try await node.session(id, at: 250_000)
        try await last.append(Array(whole[250_000...]))
        _ = try await last.commit()
        try ledger.note("held r")
        let cancelled = try await make("s", at: node)
        try await bring("s", CrashBlob.bytes("s")[..<400], to: cancelled, at: 0, node)
        try ledger.note("cancelling s")
        try await node.cancel(cancelled)
        try ledger.note("cancelled s")
        let refused = try await make("t", at: node)
        try await bring("t", CrashBlob.bytes("u"), to: refused, at: 0, node)
        do { _ = try await node.finish(refused, at: 1000) } catch StoreError.digestMismatch {
            try ledger.note("refused t")
        }
    }

    private func make(_ name: String, at node: SharedStore) async throws -> UploadID {
        let id = try await node.create(CrashBlob.bytes(name), owner: secret(13)).id
        try ledger.note("made \(name) \(id.hex)")
        return id
    }

    private func bring(
        _ name: String, _ bytes: some Sequence<UInt8>, to id: UploadID, at offset: Int64, _ node: SharedStore
    ) async throws {
        let upload = try await node.bring(bytes, to: id, at: offset)
        try ledger.note("told \(name) \(upload.offset)")
    }

    /// A lease for somebody else, a word that it has come, a renewal that shortens.
    private func live(at node: SharedStore) async throws {
        let a = CrashBlob.address("a")
        _ = try await node.addLease(on: a, terms: terms(owner: 15, recipients: 2, receipts: [secret(16)]))
        try ledger.note("forwarded a")
        try await node.confirmDelivery(of: a, to: recipient(1), secret: secret(16))
        try ledger.note("received a")
        let renewed = try await node.renew(
            on: CrashBlob.address("n"), owner: secret(4), lifetime: .days(9), subject: nil)
        try ledger.note("renewed n \(renewed.expires.seconds)")
    }

    /// Ends what the other node has made and has ready.
    private func end(at node: SharedStore) async throws {
        try ledger.note("ending p")
        try await node.revoke(on: CrashBlob.address("p"), owner: secret(1))
        try ledger.note("revoked p")
        try ledger.note("ending q")
        _ = try await node.remove(RemoveOptions(address: CrashBlob.address("q"), action: .takeDown))
        try ledger.note("removed q")
        try ledger.note("ending z")
        _ = try await node.remove(RemoveOptions(address: CrashBlob.address("z"), action: .ban))
        try ledger.note("banned z")
    }

    private func look(after node: SharedStore) async throws {
        let sweep = try await node.collect(CollectOptions(trustClock: true, searchesForOrphans: searches))
        if sweep.hold == nil, sweep.orphansKept == nil { try ledger.note("swept") }
        if try await node.check().isClean { try ledger.note("checked") }
    }
}
