import Blobs
import DiskStore
import Files
import Store
import StoreTestSupport
import TestSupport
import Testing
import Vault

/// What a check sees in the folders of a store.
@Suite struct CheckFileTests {
    @Test func `files without a row and names that are no blob's are told`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            try write(content(1), toFile: vault.layout.blob(address(of: content(1))))
            try write([], toFile: "\(vault.layout.blobs)/ab/notes.txt")
            let report = try await vault.check(CheckOptions(repair: true))
            #expect(Set(report.findings.map(\.kind)) == [.orphan, .stranger])
            #expect(try Folder.status(vault.layout.blob(address(of: content(1)))) != nil, "a check removes nothing")
        }
    }
}
