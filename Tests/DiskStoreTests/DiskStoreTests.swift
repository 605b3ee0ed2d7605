import BlobFiles
import Blobs
import DiskStore
import Files
import Glibc
import Store
import TestSupport
import Testing

@Suite struct DiskStoreTests {
    @Test func `a store that was made has the id it was made with, and one owner`() throws {
        let store = try MadeStore()
        let disk = try store.open()
        #expect(disk.identity == store.identity)
        #expect(try Folder.names(in: store.layout.blobs).count == BlobFolders.shards.count + 1)
        #expect { _ = try DiskStore.takeLock(store.layout) } throws: { ($0 as? FileError)?.isLocked == true }
        disk.releaseLock()
        #expect(try store.open().identity == store.identity)
    }

    @Test func `the number of commits is noted in the lock file, whatever its length`() throws {
        let store = try MadeStore()
        let disk = try store.open()
        #expect(try disk.notedCommits() == nil)
        for commits: Int64 in [.max, 7, 0] {
            try disk.note(commits: commits)
            #expect(try disk.notedCommits() == commits)
        }
    }

    @Test func `the ballast is taken whole where it fits, and given up once`() throws {
        let store = try MadeStore()
        let disk = try store.open(ballastBytes: 1 << 20)
        #expect(try !disk.allocateBallast(keepFreeBytes: .max), "so much is never free")
        #expect(try !disk.hasBallast())
        #expect(try disk.allocateBallast(keepFreeBytes: 0) && disk.hasBallast())
        #expect(try Folder.status(store.layout.ballast)?.size == 1 << 20)
        #expect(try disk.releaseBallast())
        #expect(try !disk.releaseBallast())
    }

    @Test(.enabled(if: geteuid() == 0, "takes root"))
    func `what root makes in the folder of another user belongs to that user`() throws {
        let owner = FileOwner(user: 65_534, group: 65_533)
        let store = try MadeStore(owner: owner)
        let disk = try store.open(ballastBytes: 1 << 20)
        #expect(try disk.allocateBallast(keepFreeBytes: 0))
        var staged = try disk.files.stage()
        try staged.write([1])
        let names = try Folder.names(in: store.layout.staging).map { "staging/\($0)" }
        for name in names + ["lock", "ballast", "staging", "damaged", "catalog.sqlite", "blobs.v1", "blobs.v1/STORE"]
            + BlobFolders.shards.map({ "blobs.v1/\($0)" })
        {
            #expect(try Folder.status("\(store.layout.root)/\(name)")?.owner == owner, "\(name)")
        }
        #expect(names.count == 1)
    }

    @Test func `a probe leaves nothing behind`() throws {
        let store = try MadeStore()
        let disk = try store.open()
        try disk.probe()
        try disk.tryWriting()
        #expect(try Folder.names(in: store.layout.staging).isEmpty)
    }
}

/// A storage folder with everything but a catalog's content.
private struct MadeStore {
    let folder: TemporaryFolder
    let layout: DiskLayout
    let identity = StoreIdentity.random()

    init(owner: FileOwner? = nil) throws {
        folder = try TemporaryFolder.inMemory()
        layout = DiskLayout(root: folder.path)
        if let owner { try Folder.give(layout.root, to: owner) }
        try DiskStore.make(layout, identity: identity, faults: .none)
        try write([], toFile: DiskLayout(root: layout.making).catalog)
        try DiskStore.publish(layout, faults: .none)
    }

    func open(ballastBytes: Int64 = 0) throws -> DiskStore {
        try DiskStore(layout, lock: try DiskStore.takeLock(layout), ballastBytes: ballastBytes, faults: .none)
    }
}
