import Blobs
import Files
import Testing
import Vault

@Suite struct UploadTests {
    @Test func `what was uploaded can be fetched, also after the store was closed and opened`() async throws {
        let store = try TestStore()
        let bytes = content(1, count: 300_000)
        try await store.withVault { vault in
            let stored = try await vault.upload(bytes, owner: secret(1))
            #expect(stored.address == address(of: bytes))
            #expect(stored.isNew)
            #expect(stored.size == 300_000)
            #expect(stored.uploaded == store.clock.wall)
            #expect(stored.expires == store.clock.wall.advanced(by: .days(30)))
            #expect(try await vault.fetch(stored.address) == .held(bytes))
        }
        let found = try await store.withVault { try await $0.fetch(address(of: bytes)) }
        #expect(found == .held(bytes))
    }
}
