import Blobs
import Store
import StoreRules
import StoreTestSupport
import Testing

/// Who gets a place where uploads crowd, and who loses one.
@Suite struct PlaceTests {
    // MARK: Kept uploads

    @Test(arguments: StoreKind.allCases)
    func `a few who begin all the uploads that can be kept shut nobody out`(kind: StoreKind) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.keptUploads = 40
        fixture.settings.openUploadsPerSubject = 12
        try await fixture.withStore { store async throws in
            let crowd = ["ann", "ben", "cyd", "dan"]
            var begun: [UploadID] = []
            for round in 0..<12 {
                for subject in crowd {
                    do throws(StoreError) {
                        begun.append(try await store.create(content(round), subject: subject).id)
                    } catch {
                        #expect(error == .noPlaceToKeep)
                    }
                }
            }
            #expect(begun.count == 36, "a tenth is for those who have none")
            for newcomer in 0..<8 {
                let (subject, bytes) = ("newcomer \(newcomer)", content(100 + newcomer))
                let id = try await store.create(bytes, subject: subject).id
                _ = try await store.bring(bytes, to: id, at: 0)
                await #expect(throws: StoreError.noPlaceToKeep) {
                    try await store.create(bytes, subject: crowd[newcomer % 4])
                }
            }
            for subject in crowd {
                let share = try await store.quotaUsage(of: subject)
                #expect(share.uploads == 8 && share.reservedBytes == 8 * 4096, "each lost one")
            }
            #expect(try fixture.staged().count == 40)
            var lost = 0
            for id in begun {
                do throws(StoreError) { _ = try await store.upload(id) } catch {
                    #expect(error == .notFound, "as if it had expired")
                    lost += 1
                }
            }
            #expect(lost == 4)
            #expect(try await store.statistics().uploads == 40)
        }
    }

    @Test(arguments: StoreKind.allCases, [true, false])
    func `an upload without a byte loses its place first, then the one idle for longest`(
        kind: StoreKind, isReopened: Bool
    ) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.keptUploads = 4
        let (bytes, clock) = (content(1), fixture.clock)
        func begin(_ store: AnyStore) async throws -> [UploadID] {
            var ids: [UploadID] = []
            for _ in 0..<4 { ids.append(try await store.create(bytes, subject: "ann").id) }
            for (index, offset) in [(0, 0), (1, 0), (2, 0), (0, 1)] {
                clock.pass(seconds: 10)
                _ = try await store.bring(bytes[offset..<offset + 1], to: ids[index], at: Int64(offset))
            }
            return ids
        }
        func crowd(_ store: AnyStore, _ ids: [UploadID]) async throws {
            for (newcomer, loser) in [(0, 3), (1, 1), (2, 2)] {
                clock.pass(seconds: 1)
                _ = try await store.create(bytes, subject: "newcomer \(newcomer)")
                await #expect(throws: StoreError.notFound) { _ = try await store.upload(ids[loser]) }
            }
            #expect(try await store.offset(of: ids[0]) == 2)
            // All hold one now, of which some have no byte.
            _ = try await store.create(bytes, subject: "newcomer 3")
            #expect(try await store.offset(of: ids[0]) == 2)
            #expect(try await store.quotaUsage(of: "newcomer 0").uploads == 0)
        }
        if isReopened {
            let ids = try await fixture.withStore { try await begin($0) }
            try await fixture.withStore { try await crowd($0, ids) }
        } else {
            try await fixture.withStore { try await crowd($0, try await begin($0)) }
        }
    }

    @Test(arguments: StoreKind.allCases) func `a request that is bringing an upload whose place is taken is ended`(
        kind: StoreKind
    ) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.keptUploads = 2
        let bytes = content(2, count: 300_000)
        try await fixture.withStore { store async throws in
            let first = try await store.create(bytes, subject: "ann").id
            let session = try await store.session(first, at: 0)
            try await session.append(Array(bytes[..<200_000]))
            fixture.clock.pass(seconds: 1)
            let second = try await store.create(bytes, subject: "ann").id
            _ = try await store.bring(bytes[..<1], to: second, at: 0)
            _ = try await store.create(bytes, subject: "ben")
            await #expect(throws: StoreError.superseded) { try await session.append([1]) }
            await #expect(throws: StoreError.notFound) { _ = try await store.upload(first) }
            #expect(try await store.offset(of: second) == 1)
            #expect(try fixture.staged().count == 2)
            #expect(store.writeStatus.promisedBytes == (kind.hasOwnRoom ? 599_999 : 0))
            #expect(try await store.quotaUsage(of: "ann").reservedBytes == 300_000)
        }
    }

    // MARK: Requests in progress

    private func begin(
        _ store: AnyStore, _ subject: String, bytes: Int64 = 200_000
    ) async throws -> any UploadSession {
        let terms = LeaseTerms(owner: Secret.random().hash, subject: subject)
        return try await store.begin(UploadAnnouncement(size: bytes, address: nil, terms: terms))
    }

    @Test(arguments: StoreKind.allCases)
    func `requests that bring nothing lose their places, and hear of it with their next byte`(kind: StoreKind)
        async throws
    {
        var fixture = try StoreFixture(kind)
        fixture.settings.openUploads = 4
        let bytes = content(3, count: 200_000)
        try await fixture.withStore { store async throws in
            var sessions: [any UploadSession] = []
            for _ in 0..<4 { sessions.append(try await begin(store, "ann")) }
            try await sessions[0].append(Array(bytes[..<150_000]))
            await #expect(throws: StoreError.noPlaceInProgress) { _ = try await begin(store, "ann") }
            let ben = try await begin(store, "ben")
            // Of those without a byte any may have gone.
            var lost = 0
            for session in sessions[1...] {
                do { try await session.append([1]) } catch {
                    #expect(error as? StoreError == .noPlaceInProgress)
                    await #expect(throws: StoreError.noPlaceInProgress) { _ = try await session.commit() }
                    lost += 1
                }
            }
            #expect(lost == 1)
            #expect(try await store.quotaUsage(of: "ann").uploads == 3)
            try await sessions[0].append(Array(bytes[150_000...]))
            #expect(try await sessions[0].commit().address == address(of: bytes))
            await ben.abandon()
            for session in sessions { await session.abandon() }
            #expect(store.writeStatus.promisedBytes == 0)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what a request brought to a kept upload stays when its place is taken`(kind: StoreKind) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.openUploads = 2
        let bytes = content(4, count: 300_000)
        try await fixture.withStore { store async throws in
            let ids = [
                try await store.create(bytes, subject: "ann").id, try await store.create(bytes, subject: "ann").id,
            ]
            let idle = try await store.session(ids[0], at: 0)
            try await idle.append(Array(bytes[..<200_000]))
            fixture.clock.pass(seconds: 1)
            let busy = try await store.session(ids[1], at: 0)
            try await busy.append(Array(bytes[..<200_000]))
            let ben = try await begin(store, "ben")
            await #expect(throws: StoreError.noPlaceInProgress) { try await idle.append([1]) }
            #expect(try await store.offset(of: ids[0]) == 200_000)
            await #expect(throws: StoreError.noPlaceInProgress, "ben has no more than ann") {
                _ = try await store.session(ids[0], at: 200_000)
            }
            #expect(try await store.offset(of: ids[0]) == 200_000)
            await ben.abandon()
            let again = try await store.session(ids[0], at: 200_000)
            try await again.append(Array(bytes[200_000...]))
            #expect(try await again.commit().address == address(of: bytes))
            #expect(try await busy.pause().offset == 200_000)
        }
    }

    @Test(arguments: StoreKind.allCases) func `where all hold one request, bytes that arrive are not lost to newcomers`(
        kind: StoreKind
    ) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.openUploads = 2
        try await fixture.withStore { store async throws in
            let (ann, ben) = (try await begin(store, "ann"), try await begin(store, "ben"))
            try await ann.append([1])
            let cyd = try await begin(store, "cyd")
            await #expect(throws: StoreError.noPlaceInProgress) { try await ben.append([1]) }
            try await cyd.append([1])
            await #expect(throws: StoreError.noPlaceInProgress) { _ = try await begin(store, "dan") }
            for session in [ann, cyd] {
                try await session.append([2])
                await session.abandon()
            }
        }
    }

    @Test(arguments: StoreKind.allCases) func `nobody loses a place to a question`(kind: StoreKind) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.openUploads = 2
        try await fixture.withStore { store async throws in
            let sessions = [try await begin(store, "ann"), try await begin(store, "ann")]
            let terms = LeaseTerms(subject: "ben")
            try await store.preflight(UploadAnnouncement(size: 200_000, address: nil, terms: terms))
            for session in sessions {
                try await session.append([1])
                await session.abandon()
            }
        }
    }
}
