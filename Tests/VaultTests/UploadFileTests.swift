import Blobs
import DiskStore
import Files
import Store
import StoreTestSupport
import TestSupport
import Testing
import Vault

/// The files that uploads become.
@Suite struct UploadFileTests {
    @Test func `a blob's file is read-only and nothing stays in staging`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            let stored = try await vault.upload(content(3))
            let status = try Folder.status(vault.layout.blob(stored.address))
            #expect(status?.permissions == 0o400)
            #expect(try Folder.names(in: vault.layout.staging).isEmpty)
        }
    }

    @Test(arguments: [0, 1, 4, 88, 131_072, 131_073, 9 << 20], [1 << 10, 1 << 18])
    func `bytes arrive whole whatever their number and pieces`(count: Int, piece: Int) async throws {
        let store = try TestStore()
        let bytes = content(count, count: count)
        try await store.withVault { vault async throws in
            let stored = try await vault.upload(bytes, announced: piece > 1 << 10, piece: piece)
            #expect(stored.size == Int64(count))
            guard case .held(let blob) = try await vault.find(stored.address) else {
                Issue.record("the blob is not held")
                return
            }
            #expect(blob.size == Int64(count))
            let file = OpenFile(owning: try #require(blob.content.openDescriptor()), path: "the blob")
            let size = try file.size()
            #expect(size == Int64(count))
            #expect(try bytesOnDisk(stored.address, vault) == bytes)
        }
    }

    private func bytesOnDisk(_ address: BlobAddress, _ vault: Vault) throws -> [UInt8] {
        try bytes(ofFile: vault.layout.blob(address))
    }
}
