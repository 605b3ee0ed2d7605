import Blobs
import Catalog
import Dispatch
import Store
import Testing
import Vault

@Suite struct QuotaTests {
    /// A blob is charged at least 4 KiB.
    private static let charge: Int64 = 4096

    private func store(bytesPerSubject: Int64?) throws -> TestStore {
        var store = try TestStore()
        store.settings.bytesPerSubject = bytesPerSubject
        return store
    }

    @Test func `what can never fit is too large, what does not fit now is refused until a lease ends`() async throws {
        let store = try store(bytesPerSubject: 10_000)
        try await store.withVault { vault async throws in
            await #expect(throws: StoreError.tooLarge(limitBytes: 10_000)) {
                try await vault.upload(content(1, count: 10_001), owner: secret(1))
            }
            try await vault.upload(content(2, count: 5905), owner: secret(2), lifetime: .days(1))
            let full = StoreError.busy(limit: "bytes of this subject", retryAfterSeconds: 3600)
            for announced in [true, false] {
                await #expect(throws: full, "a small blob is charged 4096 bytes") {
                    try await vault.upload(content(3, count: 1), owner: secret(3), announced: announced)
                }
            }
            try await vault.upload(content(3, count: 1), owner: secret(3), subject: "ben")
            try await vault.upload(content(2, count: 5905), owner: secret(2), lifetime: .days(1))
            store.clock.pass(seconds: 86_400)
            _ = try await vault.collect()
            try await vault.upload(content(4, count: 10_000), owner: secret(4))
        }
        try Charges.expectExact(inStore: store.path)
    }

    @Test func `equal bytes are charged to everybody who holds them, and forwarding too`() async throws {
        let store = try store(bytesPerSubject: 9000)
        let bytes = content(1, count: 8000)
        try await store.withVault { vault async throws in
            for (subject, seed) in [("ann", 1), ("ben", 2)] {
                try await vault.upload(bytes, owner: secret(seed), subject: subject)
                let holdings = try await vault.quotaUsage(of: subject)
                #expect(holdings.bytes == 8000 && holdings.leases == 1 && holdings.limitBytes == 9000)
                let terms = LeaseTerms(owner: secret(seed + 10).hash, subject: subject)
                await #expect(throws: StoreError.busy(limit: "bytes of this subject", retryAfterSeconds: 3600)) {
                    try await vault.addLease(on: address(of: bytes), terms: terms)
                }
            }
            let none = try await vault.quotaUsage(of: "nobody")
            #expect(none.bytes == 0 && none.leases == 0 && none.nextEnd == nil)
        }
        try Charges.expectExact(inStore: store.path)
    }

    @Test(arguments: [true, false])
    func `of many uploads at once never more are kept than fit`(announced: Bool) async throws {
        let room = 10
        let store = try store(bytesPerSubject: Int64(room) * Self.charge)
        try await store.withVault { vault async throws in
            var kept = await withTaskGroup(of: Bool.self) { group in
                for seed in 0..<100 {
                    group.addTask {
                        do throws(StoreError) {
                            try await vault.upload(content(seed), owner: secret(seed), announced: announced)
                            return true
                        } catch {
                            if case .busy = error { return false }
                            Issue.record("\(error)")
                            return false
                        }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            // An upload that ends while another asks is counted twice for a moment, so that one may be refused that
            // would have fitted; never the other way round.
            while kept < room {
                try await vault.upload(content(100 + kept), owner: secret(100 + kept), announced: announced)
                kept += 1
            }
            await #expect(throws: StoreError.self) { try await vault.upload(content(999), owner: secret(999)) }
            let holdings = try await vault.quotaUsage(of: "somebody")
            #expect(holdings.bytes == Int64(room) * Self.charge && holdings.leases == room)
            #expect(kept == room)
            #expect(holdings.reservedBytes == 0 && holdings.uploads == 0)
        }
        try Charges.expectExact(inStore: store.path)
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["plain", "preview", "resumable"])
    func `no more uploads wait for busy threads than may be open`(kind: String) async throws {
        var store = try store(bytesPerSubject: nil)
        store.settings.threads = 1
        store.settings.openUploads = 3
        try await store.withVault { vault async throws in
            let announcement = UploadAnnouncement(
                size: 200_000, address: nil, terms: LeaseTerms(owner: Secret.random().hash, subject: "ann"))
            let begin = { @Sendable () async throws in
                switch kind {
                case "plain": await (try vault.begin(announcement)).abandon()
                case "preview": try await vault.preflight(announcement)
                default: _ = try await vault.create(announcement)
                }
            }
            let gate = DispatchSemaphore(value: 0)
            async let held: Void = vault.onDisk { _ in gate.wait() }
            try await withThrowingTaskGroup { group in
                for _ in 0..<4 {
                    group.addTask {
                        do { try await begin() } catch { return error as? StoreError }
                        return nil
                    }
                }
                // The one thread is held: this is answered without it, or never.
                let first = try await group.next()
                gate.signal()
                #expect(first == .busy(limit: "uploads open", retryAfterSeconds: 5))
                for try await refusal in group { #expect(refusal == nil) }
            }
            try await held
        }
    }

    @Test func `uploads under way count against their subject, and are given back however they end`() async throws {
        // Small uploads are judged when they end; these are not small.
        let size: Int64 = 200_000
        var store = try store(bytesPerSubject: 3 * size)
        store.settings.openUploads = 3
        store.settings.openUploadsPerSubject = 2
        try await store.withVault { vault async throws in
            func begin(_ subject: String, bytes: Int64) async throws -> any UploadSession {
                let terms = LeaseTerms(owner: Secret.random().hash, subject: subject)
                return try await vault.begin(UploadAnnouncement(size: bytes, address: nil, terms: terms))
            }
            let first = try await begin("ann", bytes: 2 * size)
            await #expect(throws: StoreError.busy(limit: "bytes of this subject", retryAfterSeconds: 60)) {
                _ = try await begin("ann", bytes: size + 1)
            }
            let second = try await begin("ann", bytes: size)
            var holdings = try await vault.quotaUsage(of: "ann")
            #expect(holdings.reservedBytes == 3 * size && holdings.uploads == 2 && holdings.bytes == 0)
            await #expect(throws: StoreError.busy(limit: "uploads open of this subject", retryAfterSeconds: 5)) {
                _ = try await begin("ann", bytes: 1)
            }
            let third = try await begin("ben", bytes: 1)
            await #expect(throws: StoreError.busy(limit: "uploads open", retryAfterSeconds: 5)) {
                _ = try await begin("eve", bytes: 1)
            }
            await first.abandon()
            await first.abandon()
            try await second.append([1, 2, 3])
            await #expect(throws: StoreError.self, "too few bytes") { _ = try await second.commit() }
            try await third.append([1])
            _ = try await third.commit()
            for subject in ["ann", "ben", "eve"] {
                holdings = try await vault.quotaUsage(of: subject)
                #expect(holdings.reservedBytes == 0 && holdings.uploads == 0, "\(subject)")
            }
        }
    }

    @Test func `a limit can be left off, and the lifetime a subject is entitled to is kept for renewals`() async throws
    {
        let store = try store(bytesPerSubject: nil)
        try await store.withVault { vault async throws in
            var terms = LeaseTerms(owner: secret(1).hash, subject: "ann")
            terms.entitlement = Entitlement(largestBytes: 5000, longestLifetime: .days(2))
            func upload(_ bytes: [UInt8], lifetime: Lifetime?) async throws(StoreError) -> StoredBlob {
                terms.lifetime = lifetime
                let session = try await vault.begin(UploadAnnouncement(size: nil, address: nil, terms: terms))
                try await session.append(bytes)
                return try await session.commit()
            }
            await #expect(throws: StoreError.lifetimeNotEntitled(limit: .days(2))) {
                try await upload(content(1), lifetime: .days(3))
            }
            await #expect(throws: StoreError.sizeNotEntitled(limitBytes: 5000), "though it was not announced") {
                try await upload(content(2, count: 5001), lifetime: nil)
            }
            let stored = try await upload(content(3, count: 5000), lifetime: nil)
            #expect(stored.expires == stored.uploaded.advanced(by: .days(2)))
            await #expect(throws: StoreError.lifetimeTooLong(limit: .days(2))) {
                try await vault.renew(on: stored.address, owner: secret(1), lifetime: .days(3), subject: "ann")
            }
        }
    }
}
