import Blobs
import Store
import StoreTestSupport
import Testing

/// One upload for a group of 256: people with several devices, people who are away for days, one who lies.
@Suite struct GroupTests {
    private static let people = 256
    private let bytes = content(31)
    private var blob: BlobAddress { address(of: bytes) }

    /// Everybody in `people` fetches the blob and says so, all at once.
    private func open(_ people: some Sequence<Int>, _ store: AnyStore, _ secretOf: @escaping @Sendable (Int) -> Secret)
        async throws
    {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for person in people {
                group.addTask {
                    let found = try await store.fetch(blob)
                    #expect(found == .held(bytes), "person \(person) comes too late")
                    try await store.confirmDelivery(of: blob, to: recipient(person), secret: secretOf(person))
                }
            }
            try await group.waitForAll()
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `with a secret for each the blob goes ten minutes after the last of them, and nobody can hurry it`(
        kind: StoreKind
    )
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            let secrets = (0..<Self.people).map { secret(1000 + $0) }
            try await store.upload(bytes, on: terms(owner: 1, recipients: Self.people, receipts: secrets))
            try await open([0, 0, 0], store) { secrets[$0] }  // three devices of one person
            try await open(1..<200, store) { secrets[$0] }
            // Person 7 says so in the name of everybody.
            try await open(0..<Self.people, store) { _ in secrets[7] }
            var lease = try await store.lease(on: blob, owner: secret(1))
            #expect(lease.received.count == 200)
            for day in 0..<5 {
                fixture.clock.pass(seconds: 86_400)
                _ = try await store.collect()
                try await open((200 + day * 10)..<(210 + day * 10), store) { secrets[$0] }
            }
            try await open(250..<Self.people, store) { secrets[$0] }
            lease = try await store.lease(on: blob, owner: secret(1))
            #expect(lease.state == .held && lease.received.count == Self.people)
            #expect(Set(lease.received.map(\.recipient)) == Set((0..<Self.people).map(recipient)))
            #expect(lease.expires == fixture.clock.wall.advanced(by: .minutes(10)))
            fixture.clock.pass(seconds: 599)
            try await open([0], store) { secrets[$0] }
            fixture.clock.pass(seconds: 1)
            try await expectDelivered(store)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `with one secret for all an insider can report for everybody, and a day is left to the others`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            try await store.upload(bytes, on: terms(owner: 1, recipients: Self.people, receipts: [secret(999)]))
            try await open(0..<Self.people, store) { _ in secret(999) }
            fixture.clock.pass(seconds: 86_399)
            _ = try await store.collect()
            try await open([200], store) { _ in secret(999) }
            fixture.clock.pass(seconds: 1)
            try await expectDelivered(store)
        }
    }

    private func expectDelivered(_ store: AnyStore) async throws {
        _ = try await store.collect()
        let found = try await store.fetch(blob)
        let lease = try await store.lease(on: blob, owner: secret(1))
        #expect(found == .gone(.delivered))
        #expect(lease.state == .ended(.delivered) && lease.received.count == Self.people)
    }
}
