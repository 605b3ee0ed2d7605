import BlobFiles
import Blobs
import Files
import TestSupport
import Testing

@Suite struct BlobFilesTests {
    // MARK: Blobs

    @Test func `a placed file is the blob, read-only, and nothing stays in staging`() throws {
        let files = try TestFiles()
        let address = try files.place([1, 2, 3])
        let file = try files.blobs.open(address, size: 3)
        #expect(try file.size() == 3)
        #expect(try files.blobs.size(of: address) == 3)
        #expect(try Folder.status(files.folders.blob(address))?.permissions == 0o400)
        #expect(try Folder.names(in: files.folders.staging).isEmpty)
    }

    @Test func `a file that is absent or has another size is not opened`() throws {
        let files = try TestFiles()
        let address = try files.place([1, 2, 3])
        #expect { _ = try files.blobs.open(address, size: 4) } throws: { error in
            if case BlobFileError.wrongSize(_, expected: 4, found: 3) = error { true } else { false }
        }
        #expect(try files.blobs.unlink(address, point: .blobUnlinked))
        #expect(try !files.blobs.unlink(address, point: .blobUnlinked), "it is gone already")
        #expect { _ = try files.blobs.open(address, size: 3) } throws: { error in
            if case BlobFileError.missing = error { true } else { false }
        }
        #expect(try files.blobs.size(of: address) == nil)
    }

    @Test func `names come in pages, and what is no address of the folder is a stranger`() throws {
        let files = try TestFiles()
        let addresses = try (0..<40).map { try files.place([UInt8($0)]) }
        let shard = addresses[0].shard
        try write([1], toFile: "\(files.folders.shard(shard))/holiday.jpg")
        let other = try #require(addresses.first { $0.shard != shard })
        try write([1], toFile: "\(files.folders.shard(shard))/\(other.hex)")
        var (found, strangers): (Set<BlobAddress>, Set<String>) = ([], [])
        for shard in BlobFolders.shards {
            try files.blobs.forEachPage(inShard: shard, pageSize: 2) { page in
                #expect(page.addresses.count + page.strangers.count <= 2)
                found.formUnion(page.addresses)
                strangers.formUnion(page.strangers)
            }
        }
        #expect(found == Set(addresses))
        #expect(strangers == ["\(shard)/holiday.jpg", "\(shard)/\(other.hex)"])
    }

    @Test func `what is set aside is no blob any more, is listed, and can be removed`() throws {
        let files = try TestFiles()
        let address = try files.place([1])
        try files.blobs.setAside(address)
        try files.blobs.setAside(address)
        #expect(try files.blobs.size(of: address) == nil)
        #expect(try files.blobs.addressesSetAside(limit: 10) == [address])
        #expect(try files.blobs.removeAside(address))
        #expect(try !files.blobs.removeAside(address))
    }

    // MARK: Staged files

    @Test func `a staged file is nobody's but its owner's, and removes itself`() throws {
        let files = try TestFiles()
        do {
            var file = try files.blobs.stage()
            try file.write([1, 2, 3])
            #expect(try Folder.names(in: files.folders.staging).count == 1)
            #expect(try files.blobs.deadStagedNames().isEmpty)
        }
        #expect(try Folder.names(in: files.folders.staging).isEmpty)
        try write([1], toFile: "\(files.folders.staging)/left")
        #expect(try files.blobs.deadStagedNames() == ["left"])
        try files.blobs.removeStaged("left")
        try files.blobs.removeStaged("left")
        #expect(try Folder.names(in: files.folders.staging).isEmpty)
    }

    @Test func `a kept file is opened again at what was synced; the rest is cut, and its digest is the file's`() throws
    {
        let files = try TestFiles()
        let id = UploadID.random()
        do {
            var file = try files.blobs.stage(for: id)
            try file.write(Array("what came".utf8))
            file.keep()
        }
        #expect(try files.blobs.stagedSize(of: id) == 9)
        do {
            let file = try files.blobs.reopen(id, at: 4)
            #expect(file.size == 4)
            #expect(try file.head(4) == Array("what".utf8))
            let digest = try file.hasher().address()
            #expect(digest == address(of: Array("what".utf8)))
        }
        #expect(try files.blobs.stagedSize(of: id) == 4)
        #expect(throws: BlobFileError.self) { _ = try files.blobs.reopen(id, at: 5) }
        #expect(throws: BlobFileError.self) { _ = try files.blobs.reopen(.random(), at: 0) }
    }

    @Test func `a kept file has its blob's name beside its own, also over an older file`() throws {
        let files = try TestFiles()
        let id = UploadID.random()
        let target = try files.place([1])
        var file = try files.blobs.stage(for: id)
        file.keep()
        try file.write([2, 2])
        try file.flush()
        try file.place(at: files.folders.blob(target))
        #expect(try files.blobs.size(of: target) == 2)
        #expect(try Folder.names(in: files.folders.staging) == [id.hex])
    }
}

/// Folders of a test's own.
private struct TestFiles {
    let folder: TemporaryFolder
    let blobs: BlobFiles

    var folders: BlobFolders { blobs.folders }

    init() throws {
        folder = try TemporaryFolder.inMemory()
        let path = folder.path("blobs")
        try Folder.make(path)
        for shard in BlobFolders.shards { try Folder.make("\(path)/\(shard)") }
        blobs = try BlobFiles(
            BlobFolders(blobs: path, staging: folder.path("staging"), damaged: folder.path("damaged")), faults: .none)
    }

    /// Stages `bytes` and places them under their address.
    func place(_ bytes: [UInt8]) throws -> BlobAddress {
        let address = address(of: bytes)
        var file = try blobs.stage()
        try file.write(bytes)
        try file.flush()
        try file.place(at: folders.blob(address))
        try blobs.synchronizeNames()
        return address
    }
}

private func address(of bytes: [UInt8]) -> BlobAddress {
    var hasher = BlobHasher()
    hasher.update(bytes)
    return hasher.address()
}
