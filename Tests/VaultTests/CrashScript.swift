import Blobs
import DiskStore
import Files
import Glibc
import Store
import StoreTestSupport
import Synchronization
import TestSupport
import Vault

/// Everything that a store does durably, once, in a fixed order, with a ledger of what was acknowledged.
///
/// The process is killed at the chosen fault point; what the ledger says by then must be true for ever after.
struct CrashScript {
    /// The folder that holds the store and the ledger.
    let folder: String
    private let points: Points
    private let clock = TestClock()

    /// Counts the points that are reached, kills at one of them, and makes single steps fail where the script says so.
    private final class Points: Sendable {
        private let killAt: Int?
        private let reached = Mutex<[FaultPoint]>([])
        private let failure = Mutex<(point: FaultPoint, code: Int32)?>(nil)

        init(killAt: Int?) { self.killAt = killAt }

        var names: [FaultPoint] { reached.withLock { $0 } }

        func reach(_ point: FaultPoint) throws(FileError) {
            let count = reached.withLock { reached in
                reached.append(point)
                return reached.count
            }
            if count == killAt { kill(getpid(), SIGKILL) }
            let code = failure.withLock { failure -> Int32? in
                guard failure?.point == point else { return nil }
                defer { failure = nil }
                return failure?.code
            }
            if let code { throw FileError(operation: "fault", path: point.rawValue, code: code) }
        }

        func failOnce(at point: FaultPoint, code: Int32) {
            failure.withLock { $0 = (point, code) }
        }
    }

    /// - Parameter killAt: the ordinal of the point at which the process dies, from 1; nil to live.
    init(folder: String, killAt: Int? = nil) {
        self.folder = folder
        points = Points(killAt: killAt)
    }

    /// The points reached so far, in order.
    var reached: [FaultPoint] { points.names }

    /// A probe is made once, however slow the machine: each run has the same steps.
    private static var settings: VaultSettings {
        var settings = VaultSettings.small
        settings.probeFreshness = .seconds(86_400)
        return settings
    }

    static func store(in folder: String) -> String { "\(folder)/store" }
    static func ledger(in folder: String) -> String { "\(folder)/ledger" }

    /// The bytes of the blob that the ledger calls `name`; a capital stands for a large one.
    static func bytes(_ name: String) -> [UInt8] {
        if name == "r" { return content(42, count: 140_000) }
        if name == name.uppercased() { return [UInt8](repeating: 9, count: (8 << 20) + 5000) }
        return content(Int(name.utf8.first ?? 0), count: 5000)
    }

    func run() async throws {
        let points = points
        let faults = FaultPoints { point throws(FileError) in try points.reach(point) }
        let vault = try await Vault.open(
            at: Self.store(in: folder), settings: Self.settings, clock: clock, faults: faults,
            logger: TestStore.quiet)
        try await lease(in: vault)
        try await remove(in: vault)
        try await damageAndHeal(in: vault)
        try await fail(in: vault)
        try await live(in: vault)
        try await name(in: vault)
        try await resume(in: vault)
        try await expire(in: vault)
        await vault.close()
    }

    /// Many uploads at once, two of each blob, so that batches are cut in the middle.
    func runCrowd(of count: Int) async throws {
        let points = points
        let faults = FaultPoints { point throws(FileError) in try points.reach(point) }
        let vault = try await Vault.open(
            at: Self.store(in: folder), settings: VaultSettings.small, clock: TestClock(), faults: faults,
            logger: TestStore.quiet)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                group.addTask {
                    try await vault.upload(content(number / 2), owner: secret(number))
                    try note("held \(number / 2)")
                }
            }
            try await group.waitForAll()
        }
        await vault.close()
    }

    /// New bytes, the same bytes again, two more blobs and a large one.
    private func lease(in vault: Vault) async throws {
        try await upload("a", owner: 1, to: vault)
        try await upload("a", owner: 2, to: vault)
        try await upload("b", owner: 3, to: vault)
        try await upload("c", owner: 4, to: vault)
        try await upload("L", owner: 10, to: vault)
    }

    private func remove(in vault: Vault) async throws {
        try note("revoking b")
        try await vault.revoke(on: address(of: Self.bytes("a")), owner: secret(1))
        try await vault.revoke(on: address(of: Self.bytes("b")), owner: secret(3))
        try note("revoked b")
        _ = try await vault.collect(CollectOptions(isAlone: true))
    }

    private func damageAndHeal(in vault: Vault) async throws {
        try note("damaged c")
        try flipBit(ofFile: vault.layout.blob(address(of: Self.bytes("c"))))
        _ = try await vault.check(CheckOptions(repair: true))
        try await upload("c", owner: 5, to: vault)
        _ = try await vault.collect(CollectOptions(isAlone: true))
    }

    /// A sync that fails and one that leaves a file without a row, a full disk, and the way back from each.
    private func fail(in vault: Vault) async throws {
        points.failOnce(at: .namesSynced, code: EIO)
        try? await upload("d", owner: 6, to: vault)
        try await recover(vault)
        try await upload("d", owner: 6, to: vault)
        points.failOnce(at: .namesSynced, code: EIO)
        try? await upload("e", owner: 7, to: vault)
        try await recover(vault)
        points.failOnce(at: .rowsChanged, code: ENOSPC)
        try await upload("f", owner: 8, to: vault)
        _ = try await vault.collect(CollectOptions(isAlone: true))
    }

    /// A word, a renewal and a forward on one blob; another is taken away.
    private func live(in vault: Vault) async throws {
        let (a, f) = (address(of: Self.bytes("a")), address(of: Self.bytes("f")))
        _ = try await vault.addLease(on: a, terms: terms(owner: 10, recipients: 2, receipts: [secret(11)]))
        try note("forwarded a")
        try await vault.confirmDelivery(of: a, to: recipient(1), secret: secret(11))
        try note("received a")
        _ = try await vault.renew(on: a, owner: secret(10), lifetime: .days(3), subject: nil)
        try note("renewed a")
        try note("removing f")
        _ = try await vault.takeDown(f, banning: true)
        try note("banned f")
    }

    /// Two names for one blob that is new, one for a blob that is held, and one that ends.
    private func name(in vault: Vault) async throws {
        try await upload("n", named: 1, to: vault)
        try await upload("n", named: 2, to: vault)
        try await upload("c", named: 3, to: vault)
        try await upload("o", named: 4, to: vault)
        try note("unnaming 4 o")
        _ = try await vault.remove(RemoveSubjectOptions(subject: "door 4"))
        try note("unnamed 4 o")
    }

    /// The name of that number.
    static func alias(_ number: Int) -> AliasName { AliasName(hashing: content(number + 9000)) }

    private func upload(_ name: String, named number: Int, to vault: Vault) async throws {
        let alias = Self.alias(number)
        let terms = LeaseTerms(
            owner: SecretHash(bytes: alias.bytes), subject: "door \(number)",
            alias: LeaseAlias(name: alias, via: "chat"))
        try await vault.upload(Self.bytes(name), on: terms)
        try note("named \(number) \(name)")
    }

    /// One upload in three requests of which one is lost, one whose blob is held already, one that is cancelled and one
    /// that is refused.
    private func resume(in vault: Vault) async throws {
        let whole = Self.bytes("r")
        let id = try await make("r", in: vault)
        try note("told r \(try await vault.bring(whole[..<2000], to: id, at: 0).offset)")
        let lost = try await vault.session(id, at: 2000)
        try await lost.append(Array(repeating: 1, count: 140_000 - 2000))
        await lost.abandon()
        try note("told r \(try await vault.bring(whole[2000...], to: id, at: 2000).offset)")
        _ = try await vault.finish(id, at: Int64(whole.count))
        try note("held r")
        let again = try await make("r", in: vault)
        _ = try await vault.bring(whole, to: again, at: 0)
        _ = try await vault.finish(again, at: Int64(whole.count))
        let cancelled = try await make("s", in: vault)
        try note("told s \(try await vault.bring(Self.bytes("s")[..<2000], to: cancelled, at: 0).offset)")
        try note("cancelling s")
        try await vault.cancel(cancelled)
        let refused = try await make("t", in: vault)
        _ = try await vault.bring(Self.bytes("u"), to: refused, at: 0)
        _ = try? await vault.finish(refused, at: 5000)
    }

    /// An upload of which no more comes in its time.
    private func expire(in vault: Vault) async throws {
        let id = try await make("v", in: vault)
        try note("told v \(try await vault.bring(Self.bytes("v")[..<2000], to: id, at: 0).offset)")
        try note("later")
        clock.pass(seconds: 86_400)
        _ = try await vault.collect(CollectOptions(isAlone: true))
    }

    private func make(_ name: String, in vault: Vault) async throws -> UploadID {
        let id = try await vault.create(Self.bytes(name)).id
        try note("made \(name) \(id.hex)")
        return id
    }

    private func recover(_ vault: Vault) async throws {
        try await eventually { await vault.unreadiness() == nil }
    }

    private func upload(_ name: String, owner: Int, to vault: Vault) async throws {
        // As much at a time as is written at a time: each run has the same writes, however busy the threads.
        try await vault.upload(Self.bytes(name), owner: secret(owner), piece: 256 << 10)
        try note("held \(name)")
    }

    /// One line of the ledger, appended in one piece.
    private func note(_ line: String) throws {
        let path = Self.ledger(in: folder)
        let file = OpenFile(owning: unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600), path: path)
        try file.write(Array("\(line)\n".utf8))
    }
}
