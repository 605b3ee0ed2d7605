import Blobs
import Store
import Testing
import Vault

/// One upload for a group of 256: people with several devices, people who are away for days, one who lies.
@Suite struct GroupTests {
    private static let people = 256
    private let bytes = content(31)
    private var blob: BlobAddress { address(of: bytes) }

    /// Everybody in `people` fetches the blob and says so, all at once.
    private func open(_ people: some Sequence<Int>, _ vault: Vault, _ secretOf: @escaping @Sendable (Int) -> Secret)
        async throws
    {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for person in people {
                group.addTask {
                    let found = try await vault.fetch(blob)
                    #expect(found == .held(bytes), "person \(person) comes too late")
                    try await vault.confirmDelivery(of: blob, to: recipient(person), secret: secretOf(person))
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `with a secret for each the blob goes ten minutes after the last of them, and nobody can hurry it`()
        async throws
    {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            let secrets = (0..<Self.people).map { secret(1000 + $0) }
            try await vault.upload(bytes, on: terms(owner: 1, recipients: Self.people, receipts: secrets))
            try await open([0, 0, 0], vault) { secrets[$0] }  // three devices of one person
            try await open(1..<200, vault) { secrets[$0] }
            // Person 7 says so in the name of everybody.
            try await open(0..<Self.people, vault) { _ in secrets[7] }
            var lease = try await vault.lease(on: blob, owner: secret(1))
            #expect(lease.received.count == 200)
            for day in 0..<5 {
                store.clock.pass(seconds: 86_400)
                _ = try await vault.collect()
                try await open((200 + day * 10)..<(210 + day * 10), vault) { secrets[$0] }
            }
            try await open(250..<Self.people, vault) { secrets[$0] }
            lease = try await vault.lease(on: blob, owner: secret(1))
            #expect(lease.state == .held && lease.received.count == Self.people)
            #expect(Set(lease.received.map(\.recipient)) == Set((0..<Self.people).map(recipient)))
            #expect(lease.expires == store.clock.wall.advanced(by: .minutes(10)))
            store.clock.pass(seconds: 599)
            try await open([0], vault) { secrets[$0] }
            store.clock.pass(seconds: 1)
            try await expectDelivered(vault)
        }
    }

    @Test func `with one secret for all an insider can report for everybody, and a day is left to the others`()
        async throws
    {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            try await vault.upload(bytes, on: terms(owner: 1, recipients: Self.people, receipts: [secret(999)]))
            try await open(0..<Self.people, vault) { _ in secret(999) }
            store.clock.pass(seconds: 86_399)
            _ = try await vault.collect()
            try await open([200], vault) { _ in secret(999) }
            store.clock.pass(seconds: 1)
            try await expectDelivered(vault)
        }
    }

    private func expectDelivered(_ vault: Vault) async throws {
        _ = try await vault.collect()
        let found = try await vault.fetch(blob)
        let lease = try await vault.lease(on: blob, owner: secret(1))
        #expect(found == .gone(.delivered))
        #expect(lease.state == .ended(.delivered) && lease.received.count == Self.people)
    }
}
