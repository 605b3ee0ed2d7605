import Blobs
import Crypto
import Store
import StoreRules
import StoreTestSupport
import TestSupport
import Testing

@Suite struct ResumingTests {
    @Test(arguments: StoreKind.allCases)
    func `an upload brought in three requests is the blob, and every offset on the way is told`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind, isSynced: true)
        let bytes = content(1, count: 400_000)
        try await fixture.withStore { store async throws in
            let id = try await store.create(bytes, owner: secret(1)).id
            for range in [0..<1, 1..<300_001] {
                let upload = try await store.bring(bytes[range], to: id, at: Int64(range.lowerBound))
                #expect(upload.offset == Int64(range.upperBound) && upload.isOpen && upload.length == 400_000)
            }
            let session = try await store.session(id, at: 300_001)
            try await session.append(Array(bytes[300_001...]))
            let blob = try await session.commit()
            #expect(blob.address == address(of: bytes) && blob.size == 400_000 && blob.isNew)
            #expect(try await store.lease(on: blob.address, owner: secret(1)).state == .held)
            #expect(try await store.fetch(blob.address) == .held(bytes))
            #expect(try fixture.staged().isEmpty)
            #expect(store.writeStatus.promisedBytes == 0)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what was told is there after a restart, what was not is cut, and the end can be asked for again`(
        kind: StoreKind
    )
        async throws
    {
        let fixture = try StoreFixture(kind, isSynced: true)
        let bytes = content(2, count: 300_000)
        let id = try await fixture.withStore { store async throws in
            let id = try await store.create(bytes).id
            _ = try await store.bring(bytes[..<200_000], to: id, at: 0)
            let lost = try await store.session(id, at: 200_000)
            try await lost.append(content(9, count: 100_000))
            return id
        }
        try await fixture.withStore { store async throws in
            #expect(try await store.offset(of: id) == 200_000)
            #expect(store.writeStatus.promisedBytes == (kind.hasOwnRoom ? 100_000 : 0))
            #expect(try await store.quotaUsage(of: "somebody").uploads == 1)
            let session = try await store.session(id, at: 200_000)
            try await session.append(Array(bytes[200_000...]))
            _ = try await session.commit()
            #expect(try await store.fetch(address(of: bytes)) == .held(bytes))
        }
        try await fixture.withStore { store async throws in
            let upload = try await store.upload(id)
            #expect(upload.offset == 300_000 && upload.length == 300_000)
            #expect(upload.blob?.address == address(of: bytes) && upload.blob?.isNew == true)
            guard case .finished(let again) = try await store.resume(id, with: UploadAppend(offset: 5))
            else { throw Unexpected(what: "a committed upload goes on") }
            #expect(again.blob?.expires == upload.blob?.expires)
            #expect(try await store.quotaUsage(of: "somebody").uploads == 0)
        }
    }

    @Test(arguments: StoreKind.allCases) func `the length may come later, and then it is judged`(kind: StoreKind)
        async throws
    {
        var fixture = try StoreFixture(kind)
        fixture.settings.blobLimitBytes = 2000
        fixture.settings.bytesPerSubject = 4096
        let bytes = content(3)
        try await fixture.withStore { store async throws in
            let id = try await store.create(bytes, announcesLength: false).id
            #expect(try await store.bring(bytes[..<10], to: id, at: 0).length == nil)
            for (length, error): (Int64, StoreError) in [(9, .wrongLength), (2001, .tooLarge(limitBytes: 2000))] {
                await #expect(throws: error) { _ = try await store.session(id, at: 10, length: length) }
            }
            let session = try await store.session(id, at: 10, length: 1000)
            #expect(try await session.pause().length == 1000)
            await #expect(throws: StoreError.wrongLength) { _ = try await store.session(id, at: 10, length: 1001) }
            let last = try await store.session(id, at: 10, length: 1000)
            try await last.append(Array(bytes[10...]))
            #expect(try await last.commit().size == 1000)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an upload goes on at its offset, in its time, and nowhere else`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        let bytes = content(4)
        try await fixture.withStore { store async throws in
            let id = try await store.create(bytes).id
            _ = try await store.bring(bytes[..<100], to: id, at: 0)
            for offset: Int64 in [0, 99, 101, .max, -1] {
                await #expect(throws: StoreError.wrongOffset(100)) { _ = try await store.session(id, at: offset) }
            }
            await #expect(throws: StoreError.notFound) { _ = try await store.upload(.random()) }
            fixture.clock.pass(seconds: 86_399)
            #expect(try await store.offset(of: id) == 100)
            fixture.clock.pass(seconds: 1)
            await #expect(throws: StoreError.notFound) { _ = try await store.upload(id) }
            await #expect(throws: StoreError.notFound) { _ = try await store.session(id, at: 100) }
        }
    }

    // MARK: Two at once

    @Test(arguments: StoreKind.allCases) func `a newer request ends the old one, whose bytes count`(kind: StoreKind)
        async throws
    {
        let fixture = try StoreFixture(kind)
        let bytes = content(5, count: 300_000)
        try await fixture.withStore { store async throws in
            let id = try await store.create(bytes).id
            let old = try await store.session(id, at: 0)
            try await old.append(Array(bytes[..<150_000]))
            #expect(try await store.offset(of: id) == 150_000)
            await #expect(throws: StoreError.superseded) { try await old.append([1]) }
            await #expect(throws: StoreError.superseded) { _ = try await old.pause() }
            await #expect(throws: StoreError.superseded) { _ = try await old.commit() }
            await old.abandon()
            let new = try await store.session(id, at: 150_000)
            try await new.append(Array(bytes[150_000...]))
            _ = try await new.commit()
            #expect(try await store.fetch(address(of: bytes)) == .held(bytes))
        }
    }

    @Test(arguments: StoreKind.allCases) func `of many that go on at one offset one wins, and nothing interleaves`(
        kind: StoreKind
    ) async throws {
        let fixture = try StoreFixture(kind)
        let bytes = content(6, count: 1 << 20)
        try await fixture.withStore { store async throws in
            let id = try await store.create(bytes).id
            let ends = await withTaskGroup(of: StoredBlob?.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        guard let session = try? await store.session(id, at: 0) else { return nil }
                        for start in stride(from: 0, to: bytes.count, by: 100_000) {
                            let piece = Array(bytes[start..<min(start + 100_000, bytes.count)])
                            do { try await session.append(piece) } catch { return nil }
                        }
                        return try? await session.commit()
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            let won = ends.compactMap { $0 }
            if won.isEmpty {
                // All were ended by others: what counts is right as far as it goes.
                let offset = try await store.offset(of: id)
                let session = try await store.session(id, at: offset)
                try await session.append(Array(bytes[Int(offset)...]))
                _ = try await session.commit()
            }
            #expect(won.count <= 1)
            #expect(try await store.fetch(address(of: bytes)) == .held(bytes))
        }
    }

    // MARK: Checksums

    @Test(arguments: StoreKind.allCases, UploadChecksum.Algorithm.allCases)
    func `bytes with a checksum count all together or not at all`(kind: StoreKind, algorithm: UploadChecksum.Algorithm)
        async throws
    {
        let fixture = try StoreFixture(kind)
        let bytes = content(7, count: 400_000)
        try await fixture.withStore { store async throws in
            let id = try await store.create(bytes).id
            let (first, second) = (Array(bytes[..<200_000]), Array(bytes[200_000...]))
            let right = try #require(UploadChecksum(algorithm, digest: Self.digest(first, algorithm)))
            let wrong = try #require(UploadChecksum(algorithm, digest: Self.digest(second, algorithm)))
            let bad = try await store.session(id, at: 0, checksum: wrong)
            try await bad.append(first)
            await #expect(throws: StoreError.wrongChecksum) { _ = try await bad.pause() }
            let cut = try await store.session(id, at: 0, checksum: right)
            try await cut.append(Array(first[..<150_000]))
            #expect(try await store.offset(of: id) == 0)
            let good = try await store.session(id, at: 0, checksum: right)
            try await good.append(first)
            #expect(try await good.pause().offset == 200_000)
            let last = try await store.session(id, at: 200_000, checksum: wrong)
            try await last.append(second)
            _ = try await last.commit()
            #expect(try await store.fetch(address(of: bytes)) == .held(bytes))
        }
    }

    private static func digest(_ bytes: [UInt8], _ algorithm: UploadChecksum.Algorithm) -> [UInt8] {
        switch algorithm {
        case .sha1: Array(Insecure.SHA1.hash(data: bytes))
        case .sha256: Array(SHA256.hash(data: bytes))
        }
    }

    // MARK: Ends

    @Test(arguments: StoreKind.allCases)
    func `other bytes than announced are refused for good, and give everything back`(kind: StoreKind) async throws {
        let fixture = try StoreFixture(kind)
        let (bytes, other) = (content(8), address(of: content(9)))
        let refusal = StoreError.digestMismatch(announced: other, actual: address(of: bytes))
        let id = try await fixture.withStore { store async throws in
            let id = try await store.create(bytes, address: other).id
            _ = try await store.bring(bytes, to: id, at: 0)
            await #expect(throws: refusal) { _ = try await store.finish(id, at: 1000) }
            #expect(store.writeStatus.promisedBytes == 0)
            #expect(try await store.quotaUsage(of: "somebody").reservedBytes == 0)
            #expect(try fixture.staged().isEmpty)
            return id
        }
        try await fixture.withStore { store async throws in
            #expect(try await store.upload(id).refusal == refusal)
        }
    }

    @Test(arguments: StoreKind.allCases) func `bytes that are not sealed are refused at the fourth, however they come`(
        kind: StoreKind
    ) async throws {
        var fixture = try StoreFixture(kind)
        fixture.settings.acceptance = .sealedOnly
        try await fixture.withStore { store async throws in
            let id = try await store.create(content(1)).id
            _ = try await store.bring(SealedShape.magic[..<3], to: id, at: 0)
            let session = try await store.session(id, at: 3)
            await #expect(throws: StoreError.notSealed) { try await session.append([0]) }
            #expect(try await store.upload(id).refusal == .notSealed)
        }
    }

    @Test(arguments: StoreKind.allCases) func `who cancels gets everything back, and takes no lease from anybody`(
        kind: StoreKind
    ) async throws {
        let fixture = try StoreFixture(kind)
        let bytes = content(13)
        try await fixture.withStore { store async throws in
            let open = try await store.create(bytes).id
            let session = try await store.session(open, at: 0)
            try await session.append(Array(bytes[..<500]))
            try await store.cancel(open)
            await #expect(throws: StoreError.superseded) { try await session.append([1]) }
            await #expect(throws: StoreError.notFound) { try await store.cancel(open) }
            #expect(store.writeStatus.promisedBytes == 0)
            #expect(try fixture.staged().isEmpty)
            let id = try await store.create(bytes, owner: secret(1)).id
            _ = try await store.bring(bytes, to: id, at: 0)
            _ = try await store.finish(id, at: 1000)
            try await store.cancel(id)
            await #expect(throws: StoreError.notFound) { _ = try await store.upload(id) }
            #expect(try await store.lease(on: address(of: bytes), owner: secret(1)).state == .held)
        }
    }

    @Test(arguments: StoreKind.allCases) func `a sweep forgets uploads whose time is up, and only those`(
        kind: StoreKind
    ) async throws {
        let fixture = try StoreFixture(kind)
        try await fixture.withStore { store async throws in
            let abandoned = try await store.create(content(1)).id
            _ = try await store.bring(content(1)[..<500], to: abandoned, at: 0)
            let finished = try await store.create(content(2)).id
            _ = try await store.bring(content(2), to: finished, at: 0)
            _ = try await store.finish(finished, at: 1000)
            fixture.clock.pass(seconds: 80_000)
            let young = try await store.create(content(3)).id
            fixture.clock.pass(seconds: 6400)
            let report = try await store.collect(CollectOptions(isAlone: true))
            #expect(report.uploadsExpired == 1 && report.uploadBytesExpired == 500 && report.uploadsForgotten == 1)
            #expect(try fixture.staged() == [young.hex])
            #expect((kind.hasOwnRoom ? [1000, 4096] : [0]).contains(store.writeStatus.promisedBytes))
            #expect(try await store.quotaUsage(of: "somebody").uploads == 1)
            #expect(try await store.fetch(address(of: content(2))) == .held(content(2)))
        }
    }

    // MARK: Limits

    @Test(arguments: StoreKind.allCases)
    func `open uploads count against their limits and the quota, whether a request is there or not`(kind: StoreKind)
        async throws
    {
        var fixture = try StoreFixture(kind)
        fixture.settings.openUploadsPerSubject = 2
        fixture.settings.bytesPerSubject = 10_000
        try await fixture.withStore { store async throws in
            _ = try await store.create(content(1, count: 5000))
            await #expect { _ = try await store.create(content(2, count: 6000)) } throws: { Self.isBusy($0) }
            _ = try await store.create(content(3, count: 5000))
            await #expect { _ = try await store.create(content(4, count: 0)) } throws: { Self.isBusy($0) }
        }
        try await fixture.withStore { store async throws in
            let holdings = try await store.quotaUsage(of: "somebody")
            #expect(holdings.uploads == 2 && holdings.reservedBytes == 10_000)
            await #expect { _ = try await store.create(content(5)) } throws: { Self.isBusy($0) }
        }
    }

    private static func isBusy(_ error: any Error) -> Bool { if case StoreError.busy = error { true } else { false } }

    @Test(arguments: StoreKind.allWithOwnRoom)
    func `an upload whose file is gone is told as gone, and a shorter one as well`(
        kind: StoreKind
    ) async throws {
        let fixture = try StoreFixture(kind)
        let bytes = content(14)
        try await fixture.withStore { store async throws in
            for isCut in [false, true] {
                let id = try await store.create(bytes).id
                _ = try await store.bring(bytes[..<500], to: id, at: 0)
                try fixture.cut(id, to: isCut ? 499 : nil)
                await #expect(throws: StoreError.notFound) { _ = try await store.session(id, at: 500) }
                await #expect(throws: StoreError.notFound) { _ = try await store.upload(id) }
                #expect(try fixture.staged().isEmpty)
            }
            #expect(store.writeStatus.promisedBytes == 0)
        }
    }
}
