package import Blobs
package import Store

/// What a store says to everything that a test can ask it about some blobs: two stores that give the same answers are the
/// same to whoever uses them.
package struct StoreAnswers: Equatable, Sendable {
    package private(set) var blobs: [Int: Fetched] = [:]
    /// By blob and owner: the lease, or why there is none to be seen.
    package private(set) var leases: [String: String] = [:]
    package private(set) var aliases: [Int: Fetched] = [:]
    package private(set) var quotas: [String: QuotaUsage] = [:]
    package private(set) var uploads: [UploadID: String] = [:]
    package private(set) var banned: Set<Int> = []

    /// Asks about the blobs `content(seed)`, the owners `secret(0..<owners)`, and names.
    package init(
        of store: some LeaseStore, seeds: some Sequence<Int>, owners: Int = 4, aliases: [AliasName] = [],
        subjects: [String] = ["somebody"], uploads: [UploadID] = []
    ) async throws {
        for seed in seeds {
            let address = address(of: content(seed))
            blobs[seed] = try await store.fetch(address)
            for owner in 0..<owners {
                leases["\(seed)/\(owner)"] = await Self.words {
                    try await store.lease(on: address, owner: secret(owner))
                }
            }
            let announcement = UploadAnnouncement(size: 1000, address: address, terms: terms(subject: "a stranger"))
            do throws(StoreError) { try await store.preflight(announcement) } catch {
                if error == .banned { banned.insert(seed) }
            }
        }
        for (index, alias) in aliases.enumerated() {
            self.aliases[index] = try await Self.fetched(store.find(alias).finding)
        }
        for subject in subjects {
            var quota = try await store.quotaUsage(of: subject)
            // What may be used is a matter of settings.
            (quota.limitBytes, quota.leaseLimit, quota.leasesMadeLimit, quota.uploadLimit) = (nil, 0, 0, 0)
            quotas[subject] = quota
        }
        for id in uploads {
            self.uploads[id] = await Self.words { () in
                let upload = try await store.upload(id)
                return "\(upload.state), \(upload.offset) of \(upload.length ?? -1), until \(upload.expires.seconds)"
            }
        }
    }

    /// Where other answers are not the same.
    package func differences(from other: StoreAnswers) -> [String] {
        func differing<Key: Hashable, Value: Equatable>(
            _ what: String, _ mine: [Key: Value], _ its: [Key: Value]
        ) -> [String] {
            Set(mine.keys).union(its.keys).filter { mine[$0] != its[$0] }.map { key in
                "\(what) \(key): \(mine[key].map { "\($0)" } ?? "none") and \(its[key].map { "\($0)" } ?? "none")"
            }
        }
        return differing("blob", blobs, other.blobs) + differing("lease", leases, other.leases)
            + differing("alias", aliases, other.aliases) + differing("quota", quotas, other.quotas)
            + differing("upload", uploads, other.uploads)
            + banned.symmetricDifference(other.banned).map { "ban of \($0)" }
    }

    private static func words<Value>(_ ask: () async throws -> Value) async -> String {
        do { return "\(try await ask())" } catch { return "\(error)" }
    }

    private static func fetched(_ finding: BlobFinding) async throws -> Fetched {
        switch finding {
        case .held(let blob):
            guard let range = ByteRange(offset: 0, count: blob.size, within: blob.size) else { return .held([]) }
            return .held(try await blob.content.read(range))
        case .gone(let reason): return .gone(reason)
        case .damaged: return .damaged
        case .unknown, .unanswered, .unreachable: return .unknown
        }
    }
}

/// The life of a store of some twenty blobs in two parts, so that a copy of the first has something to catch up with.
package struct StoreLife: Sendable {
    package static let seeds = 1...24
    package static let names = (0..<3).map { AliasName(hashing: content($0 + 9000)) }
    package static let subjects = ["anna", "bert", "somebody"]

    private let clock: TestClock
    package private(set) var uploads: [UploadID] = []

    package init(clock: TestClock) {
        self.clock = clock
    }

    private static func address(_ seed: Int) -> BlobAddress { StoreTestSupport.address(of: content(seed)) }

    private static func named(_ index: Int, subject: String) -> LeaseTerms {
        let name = names[index]
        return LeaseTerms(
            owner: SecretHash(bytes: name.bytes), subject: subject, alias: LeaseAlias(name: name, via: "chat"))
    }

    /// Leases of several on the same, receipts, names, a ban, a tombstone, an end that no sweep has seen, and a finished
    /// upload.
    package mutating func begin(on store: some LeaseStore & Upkeep) async throws {
        for seed in 1...12 {
            try await store.upload(
                content(seed), owner: secret(seed % 4), subject: seed.isMultiple(of: 2) ? "anna" : "bert")
        }
        try await store.upload(content(1), on: terms(owner: 0, lifetime: seconds(50), subject: "anna"))
        try await store.upload(
            content(2), on: terms(owner: 3, recipients: 3, receipts: [secret(70)], subject: "bert"))
        try await store.confirmDelivery(of: Self.address(2), to: recipient(1), secret: secret(70))
        try await store.upload(content(3), on: terms(subject: "anna"))
        try await store.upload(content(3), on: Self.named(0, subject: "anna"))
        try await store.upload(content(13), on: Self.named(1, subject: "bert"))
        try await store.revoke(on: Self.address(4), owner: secret(0))
        _ = try await store.remove(RemoveOptions(address: Self.address(5), action: .ban))
        _ = try await store.remove(RemoveOptions(address: Self.address(20), action: .ban))
        let upload = try await store.create(content(14), owner: secret(2), subject: "bert")
        uploads.append(upload.id)
        try await store.bring(content(14), to: upload.id, at: 0)
        _ = try await store.finish(upload.id, at: 1000)
        clock.pass(seconds: 60)
        _ = try await store.collect()
    }

    /// More of it, and ends, renewals, deliveries and damage of what was there.
    package mutating func goOn(on store: some LeaseStore & Upkeep) async throws {
        for seed in 15...19 { try await store.upload(content(seed), owner: secret(1), subject: "anna") }
        try await store.confirmDelivery(of: Self.address(2), to: recipient(2), secret: secret(70))
        try await store.confirmDelivery(of: Self.address(2), to: recipient(3), secret: secret(70))
        _ = try await store.renew(on: Self.address(6), owner: secret(2), lifetime: .days(3), subject: nil)
        try await store.revoke(on: Self.address(7), owner: secret(3))
        try await store.upload(content(8), on: Self.named(2, subject: "anna"))
        try await store.upload(content(4), owner: secret(1), subject: "bert")
        _ = try await store.remove(RemoveOptions(address: Self.address(20), action: .unban))
        _ = try await store.remove(RemoveOptions(address: Self.address(9), action: .takeDown))
        _ = try await store.remove(RemoveSubjectOptions(subject: "somebody"))
        let upload = try await store.create(content(21), owner: secret(2), subject: "anna")
        uploads.append(upload.id)
        try await store.bring(content(21), to: upload.id, at: 0)
        _ = try await store.finish(upload.id, at: 1000)
        clock.pass(seconds: 60)
    }

    package func answers(from store: some LeaseStore) async throws -> StoreAnswers {
        try await StoreAnswers(
            of: store, seeds: Self.seeds, aliases: Self.names, subjects: Self.subjects, uploads: uploads)
    }
}
