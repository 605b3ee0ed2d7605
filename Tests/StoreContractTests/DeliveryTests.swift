import Blobs
import Store
import StoreTestSupport
import Synchronization
import Testing

@Suite struct DeliveryTests {
    private let bytes = content(21)
    private var blob: BlobAddress { address(of: bytes) }
    private let shared = secret(900)

    // MARK: One shared secret

    @Test(arguments: StoreKind.allCases)
    func `with one secret for all the blob goes a day after the last of those expected has it`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1, recipients: 2, receipts: [shared]))
            try await store.confirmDelivery(of: blob, to: recipient(1), secret: shared)
            var lease = try await store.lease(on: blob, owner: secret(1))
            #expect(lease.state == .held && lease.expires == fixture.clock.wall.advanced(by: .days(30)))
            #expect(lease.received == [Lease.Receipt(recipient: recipient(1), at: fixture.clock.wall)])

            fixture.clock.pass(seconds: 3600)
            try await store.confirmDelivery(of: blob, to: recipient(2), secret: shared)
            let end = fixture.clock.wall.advanced(by: .days(1))
            lease = try await store.lease(on: blob, owner: secret(1))
            #expect(lease.state == .held && lease.expires == end && lease.received.count == 2)
            guard case .held(let held) = try await store.find(blob) else {
                Issue.record("it stays for the grace")
                return
            }
            #expect(held.sunset == end, "which caches hear of")

            fixture.clock.pass(seconds: 86_399)
            var found = try await store.fetch(blob)
            #expect(found == .held(bytes))
            fixture.clock.pass(seconds: 1)
            found = try await store.fetch(blob)
            #expect(found == .gone(.delivered), "though no sweep has come by")
            _ = try await store.collect()
            found = try await store.fetch(blob)
            lease = try await store.lease(on: blob, owner: secret(1))
            #expect(found == .gone(.delivered) && lease.state == .ended(.delivered))
            #expect(lease.received.map(\.recipient) == [recipient(1), recipient(2)], "also when all is gone")
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `no more are kept than are expected, and where nobody is counted no more than 1024`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1, recipients: 2, receipts: [shared]))
            try await store.upload(bytes, on: terms(owner: 2, receipts: [secret(901)]))
            for person in 0..<5 { try await store.confirmDelivery(of: blob, to: recipient(person), secret: shared) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for person in 0..<1030 {
                    group.addTask {
                        try await store.confirmDelivery(of: blob, to: recipient(person), secret: secret(901))
                    }
                }
                try await group.waitForAll()
            }
            let counted = try await store.lease(on: blob, owner: secret(1))
            let open = try await store.lease(on: blob, owner: secret(2))
            #expect(counted.received.count == 2 && open.received.count == 1024)
            #expect(open.expires == fixture.clock.wall.advanced(by: .days(30)), "only time ends it")
        }
    }

    // MARK: Whose secret it is

    @Test(arguments: StoreKind.allCases)
    func `a secret counts for the one lease that knows it, and for no other on the same bytes`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1, recipients: 1, receipts: [secret(11)]))
            try await store.upload(bytes, on: terms(owner: 2, recipients: 2, receipts: [secret(12), secret(13)]))
            try await store.upload(bytes, on: terms(owner: 3, recipients: 1, receipts: [secret(14)]))
            try await store.confirmDelivery(of: blob, to: recipient(5), secret: secret(11))
            try await store.confirmDelivery(of: blob, to: recipient(5), secret: secret(12))
            let received = try await [1, 2, 3].asyncMap {
                try await store.lease(on: blob, owner: secret($0)).received.count
            }
            #expect(received == [1, 1, 0])
            fixture.clock.pass(seconds: 600)
            let states = try await [1, 2, 3].asyncMap { try await store.lease(on: blob, owner: secret($0)).state }
            #expect(states == [.ended(.delivered), .held, .held])
            let found = try await store.fetch(blob)
            #expect(found == .held(bytes), "others hold it")
        }
    }

    /// Whoever holds a message knows its receipt secret: a lease of their own would hear of everybody else's receipts.
    @Test(arguments: StoreKind.allCases)
    func `a receipt hash names one lease on a blob, and is not free while that is remembered`(kind: StoreKind)
        async throws
    {
        var fixture = try StoreFixture(kind)
        fixture.settings.tombstoneLifetime = .days(2)
        try await fixture.withStore { store async throws in
            func refused() async throws {
                for receipts in [[shared], [secret(10), shared]] {
                    let wanted = terms(owner: 2, receipts: receipts, subject: "eve")
                    let upload = UploadAnnouncement(size: Int64(bytes.count), address: blob, terms: wanted)
                    await #expect(throws: StoreError.receiptTaken) { try await store.upload(bytes, on: wanted) }
                    await #expect(throws: StoreError.receiptTaken) { try await store.preflight(upload) }
                    await #expect(throws: StoreError.receiptTaken) { _ = try await store.create(upload) }
                }
                await #expect(throws: StoreError.receiptTaken, "nor for the same subject without an owner") {
                    try await store.upload(bytes, on: terms(receipts: [shared]))
                }
            }
            try await store.upload(bytes, on: terms(owner: 1, lifetime: .days(1), recipients: 2, receipts: [shared]))
            try await refused()
            await #expect(throws: StoreError.receiptTaken) {
                _ = try await store.addLease(on: blob, terms: terms(owner: 2, receipts: [shared], subject: "eve"))
            }
            let again = try await store.addLease(on: blob, terms: terms(owner: 1, receipts: [shared]))
            #expect(!again.isNew, "a retry of the same owner gets the same lease")
            try await store.upload(content(22), on: terms(owner: 2, receipts: [shared]))

            try await store.confirmDelivery(of: blob, to: recipient(1), secret: shared)
            try await store.revoke(on: blob, owner: secret(1))
            try await refused()
            await #expect(throws: StoreError.leaseEnded(.revoked), "an upload that comes late revives nothing") {
                try await store.upload(bytes, on: terms(owner: 1, receipts: [shared]))
            }
            _ = try await store.collect()
            try await refused()
            try await store.confirmDelivery(of: blob, to: recipient(2), secret: shared)
            let received = try await store.lease(on: blob, owner: secret(1)).received
            #expect(Set(received.map(\.recipient)) == [recipient(1), recipient(2)], "a late receipt counts")

            fixture.clock.pass(seconds: 2 * 86_400 + 1)
            _ = try await store.collect()
            try await store.upload(bytes, on: terms(owner: 2, receipts: [shared], subject: "eve"))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `of many who want the same receipt hash at once one gets it`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 0))
            let kept = await withTaskGroup(of: Bool.self) { group in
                for owner in 1...50 {
                    group.addTask {
                        let wanted = terms(owner: owner, receipts: [shared], subject: "subject \(owner)")
                        do throws(StoreError) {
                            if owner.isMultiple(of: 2) {
                                try await store.upload(bytes, on: wanted)
                            } else {
                                _ = try await store.addLease(on: blob, terms: wanted)
                            }
                            return true
                        } catch {
                            #expect(error == .receiptTaken)
                            return false
                        }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(kept == 1)
        }
    }

    @Test(arguments: StoreKind.allCases) func `who shows another secret learns what GET would tell`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            func confirm(_ seed: Int) async throws {
                try await store.confirmDelivery(of: blob, to: recipient(1), secret: secret(seed))
            }
            await #expect(throws: StoreError.notFound) { try await confirm(900) }
            try await store.upload(bytes, on: terms(owner: 1, recipients: 2, receipts: [shared]))
            await #expect(throws: StoreError.wrongSecret) { try await confirm(1) }
            try await store.revoke(on: blob, owner: secret(1))
            await #expect(throws: StoreError.gone(.revoked)) { try await confirm(1) }
            try await confirm(900)
        }
    }

    @Test(arguments: StoreKind.allCases) func `a lease that has ended takes late news and stays ended`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1, lifetime: .days(1), recipients: 2, receipts: [shared]))
            try await store.confirmDelivery(of: blob, to: recipient(1), secret: shared)
            fixture.clock.pass(seconds: 86_400)
            for isSwept in [false, true] {
                if isSwept { _ = try await store.collect() }
                try await store.confirmDelivery(of: blob, to: recipient(2), secret: shared)
                let lease = try await store.lease(on: blob, owner: secret(1))
                let found = try await store.fetch(blob)
                #expect(lease.state == .ended(.expired) && lease.received.count == 2 && found == .gone(.expired))
            }
        }
    }

    @Test(arguments: StoreKind.allCases) func `the hashes go with the tombstone`(kind: StoreKind) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.tombstoneLifetime = .days(1)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1, lifetime: .days(1), recipients: 1, receipts: [shared]))
            try await store.confirmDelivery(of: blob, to: recipient(1), secret: shared)
            fixture.clock.pass(seconds: 86_400)
            _ = try await store.collect()
            fixture.clock.pass(seconds: 86_401)
            let report = try await store.collect()
            #expect(report.tombstonesDropped == 2)
            await #expect(throws: StoreError.notFound) {
                try await store.confirmDelivery(of: blob, to: recipient(1), secret: shared)
            }
        }
    }
}
