import Blobs
import MemoryStore
import Store
import StoreRules
import TestEngines
import TestSupport
import Testing

@testable import SharedCatalog

/// Uploads that outlive their requests, with what they consist of.
@Suite(hasPostgres) struct KeptUploadTests {
    private struct Begun {
        let schema: TestSchema
        let catalog: SharedCatalog
        let id = ChangeWalk.uploads[0]
        let list = ObjectID.random()
        let terms = LeaseTerms(owner: ChangeWalk.secret(1), receipts: [ChangeWalk.secret(2)], subject: "anna")

        init() async throws {
            schema = try TestSchema()
            catalog = try await schema.open()
            let objects = UploadObjects(list: list, turn: 1)
            let announcement = UploadAnnouncement(size: nil, address: ChangeWalk.address(1), terms: terms)
            _ = try await catalog.perform { [id] in
                CreateUpload(id: id, announcement: announcement, lifetime: .days(1))
            } objects: { [id] _, page throws(StoreError) in
                page[upload: id] = objects
            }
        }

        func part(_ number: Int, size: Int64 = 100) -> ObjectRow {
            ObjectRow(id: .random(), list: list, number: number, size: size, digest: ChangeWalk.address(number))
        }

        /// Takes what one request brought, if no other one has begun meanwhile.
        func advance(to offset: Int64, turn: Int64, adding part: ObjectRow) async throws(StoreError) {
            _ = try await catalog.perform { [id] in
                AdvanceUpload(id: id, offset: offset, length: nil, lifetime: .days(1))
            } objects: { [id] _, page throws(StoreError) in
                guard page[upload: id]?.turn == turn else { throw .superseded }
                page.add(part)
            }
        }

        func kept() async throws -> KeptUpload? {
            try await catalog.read { [id] reader throws(SharedCatalogError) in try reader.upload(id) }
        }

        func garbage() async throws -> [BlobObject] {
            try await catalog.read { reader throws(SharedCatalogError) in
                try reader.garbage(dueBy: Timestamp(seconds: .max), after: nil, limit: 100)
            }.map(\.object)
        }

        func parts() async throws -> [ObjectRow] {
            try await catalog.read { [list] reader throws(SharedCatalogError) in try reader.parts(of: list) }
        }
    }

    @Test func `an upload grows part by part, and a request that was overtaken changes nothing`() async throws {
        let begun = try await Begun()
        let parts = (0..<3).map { begun.part($0) }
        try await begun.advance(to: 100, turn: 1, adding: parts[0])
        _ = try await begun.catalog.perform { [id = begun.id] in
            TakeTurn(id: id)
        } objects: { [id = begun.id] _, page throws(StoreError) in
            page[upload: id]?.turn += 1
        }
        await #expect(throws: StoreError.superseded) { try await begun.advance(to: 200, turn: 1, adding: parts[1]) }
        try await begun.advance(to: 200, turn: 2, adding: parts[2])
        let kept = try #require(try await begun.kept())
        #expect(kept.objects == UploadObjects(list: begun.list, turn: 2) && kept.upload.offset == 200)
        #expect(kept.upload.announcement.terms.receipts == begun.terms.receipts)
        #expect(try await begun.parts() == [parts[0], parts[2]])
        let known = try await begun.catalog.read { reader throws(SharedCatalogError) in
            (
                try reader.kept(of: "anna"), try reader.openUploadSum(), try reader.firstToLose(),
                try reader.openUploads(after: nil).map(\.upload.id)
            )
        }
        #expect(known.0 == KeptShare(uploads: 1, bytes: 4096) && known.1 == BlobTotal(count: 1, bytes: 200))
        #expect(known.2?.id == begun.id && known.2?.hasBytes == true && known.2?.places == 1)
        #expect(known.3 == [begun.id])
        // Small ones become one.
        let merged = begun.part(0, size: 200)
        _ = try await begun.catalog.perform { [id = begun.id] in
            TakeTurn(id: id)
        } objects: { _, page throws(StoreError) in
            page.remove(parts[0])
            page.remove(parts[2])
            page.add(merged)
        }
        #expect(try await begun.parts() == [merged])
        #expect(try await Set(begun.garbage().map(\.id)) == [parts[0].id, parts[2].id])
        await begun.catalog.close()
    }

    @Test(arguments: [1, 2]) func `a finished upload leaves its objects to the blob`(count: Int) async throws {
        let begun = try await Begun()
        let parts = (0..<count).map { begun.part($0) }
        for (number, part) in parts.enumerated() {
            try await begun.advance(to: Int64(100 * (number + 1)), turn: 1, adding: part)
        }
        let address = ChangeWalk.address(1)
        _ = try await begun.catalog.perform { [id = begun.id, terms = begun.terms] in
            CommitUpload(
                address: address, size: Int64(100 * count), terms: terms, limits: .generous, bytes: .asRecorded,
                resumable: (id, .days(1)))
        } objects: { [list = begun.list] _, page throws(StoreError) in
            if parts.count == 1 {
                page.adopt(parts[0])
                page.hold(address, by: BlobObject(id: parts[0].id, isList: false))
            } else {
                page.hold(address, by: BlobObject(id: list, isList: true))
            }
        }
        let found = try #require(try await begun.catalog.find(address))
        #expect(found.object == BlobObject(id: count == 1 ? parts[0].id : begun.list, isList: count > 1))
        #expect(found.parts == (count == 1 ? [] : parts))
        #expect(try await begun.parts() == (count == 1 ? [] : parts))
        #expect(try await begun.garbage().isEmpty)
        let kept = try #require(try await begun.kept())
        #expect(kept.objects == nil)
        if case .committed(let blob) = kept.upload.state { #expect(blob.address == address) } else { Issue.record() }
        // What nobody holds any more is garbage, with its list.
        _ = try await begun.catalog.perform(TakeDownBlob(address, banning: false))
        _ = try await begun.catalog.perform(MarkForRemoval([address]))
        _ = try await begun.catalog.perform(FinishRemovals([address]))
        #expect(try await begun.garbage() == [try #require(found.object)])
        await begun.catalog.close()
    }

    @Test func `an upload that is refused or dropped leaves its list as garbage`() async throws {
        let begun = try await Begun()
        try await begun.advance(to: 100, turn: 1, adding: begun.part(0))
        _ = try await begun.catalog.perform(
            RefuseUpload(id: begun.id, of: "anna", because: .banned, lifetime: .days(1)))
        #expect(try await begun.garbage() == [BlobObject(id: begun.list, isList: true)])
        let due = try await begun.catalog.read { reader throws(SharedCatalogError) in
            try reader.dueUploads(at: Timestamp(seconds: .max), after: nil, limit: 10)
        }
        #expect(due.count == 1 && due[0].objects == nil)
        let next = try await begun.catalog.read { reader throws(SharedCatalogError) in
            try reader.dueUploads(at: Timestamp(seconds: .max), after: due[0].upload, limit: 10)
        }
        #expect(next.isEmpty)
        _ = try await begun.catalog.perform(DropUpload(id: begun.id))
        #expect(try await begun.kept() == nil)
        #expect(try await begun.garbage().count == 1)
        await begun.catalog.close()
        let other = try await Begun()
        _ = try await other.catalog.perform(DropUpload(id: other.id))
        #expect(try await other.garbage() == [BlobObject(id: other.list, isList: true)])
        await other.catalog.close()
    }

    @Test func `of two requests that begin at once, one has the turn`() async throws {
        let begun = try await Begun()
        let other = try await begun.schema.open("other")
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                let catalog = number % 2 == 0 ? begun.catalog : other
                group.addTask { [id = begun.id] in
                    do throws(StoreError) {
                        _ = try await catalog.perform({ TakeTurn(id: id) }) { _, page throws(StoreError) in
                            page[upload: id]?.turn += 1
                        }
                    } catch { Issue.record("\(error)") }
                }
            }
        }
        #expect(try await begun.kept()?.objects?.turn == 21)
        await begun.catalog.close()
        await other.close()
    }
}

/// Looks at an upload, and leaves it as it is.
private struct TakeTurn: CatalogChange {
    let id: UploadID

    func request(on page: inout CatalogPage) { page.uploads.request(id) }

    func apply(to page: inout CatalogPage) throws(StoreError) {
        guard page.uploads.row(id) != nil else { throw .notFound }
    }
}
