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
            // The bytes of a small one have been read, and no file stays open for it.
            if let descriptor = blob.content.openDescriptor() {
                let size = try OpenFile(owning: descriptor, path: "the blob").size()
                #expect(size == Int64(count) && count > 32 << 10)
            } else {
                #expect(count <= 32 << 10)
                let all = ByteRange(offset: 0, count: Int64(count), within: Int64(count))
                if let all { #expect(try await blob.content.read(all) == bytes) }
            }
            #expect(try bytesOnDisk(stored.address, vault) == bytes)
        }
    }

    private func bytesOnDisk(_ address: BlobAddress, _ vault: Vault) throws -> [UInt8] {
        try bytes(ofFile: vault.layout.blob(address))
    }
}
