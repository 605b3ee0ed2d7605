import Blobs
import DiskStore
import Files
import Store
import StoreTestSupport
import TestSupport
import Testing
import Vault

@Suite struct OpeningTests {
    @Test func `a store is made in an absent folder, and in one that holds only a README`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            #expect(try Folder.names(in: vault.layout.blobs).count == 257)
            #expect(try Folder.status(vault.layout.ballast)?.size == store.settings.ballastBytes)
            #expect(try Folder.status(vault.layout.catalog)?.permissions == 0o600)
        }
        let second = try TestStore()
        try Folder.make(second.path)
        try write(Array("words".utf8), toFile: "\(second.path)/README.md")
        try await second.open().close()
    }

    @Test func `a folder with anything else in it is refused and not touched`() async throws {
        let store = try TestStore()
        try Folder.make(store.path)
        try write([1], toFile: "\(store.path)/holiday.jpg")
        await #expect(throws: VaultError.self) { _ = try await store.open() }
        #expect(try Folder.names(in: store.path) == ["holiday.jpg"])
    }

    @Test func `a second owner is refused while the first lives`() async throws {
        let store = try TestStore()
        try await store.withVault { _ async throws in
            await #expect { _ = try await store.open() } throws: { error in
                if case VaultError.locked = error { true } else { false }
            }
        }
        try await store.open().close()
    }

    @Test(arguments: ["catalog.sqlite", "blobs.v1/STORE", "both"])
    func `a store that has lost half of itself does not start, and no blob is touched`(lost: String) async throws {
        let store = try TestStore()
        let stored = try await store.withVault { try await $0.upload(content(1)) }
        let layout = DiskLayout(root: store.path)
        if lost == "both" {
            try Folder.remove(layout.catalog)
            try Folder.rename(layout.blobs, to: "\(store.folder.path)/elsewhere")
        } else {
            try Folder.remove("\(store.path)/\(lost)")
        }
        await #expect(throws: VaultError.self) { _ = try await store.open() }
        if lost != "both" {
            #expect(try bytes(ofFile: layout.blob(stored.address)) == content(1))
        }
        let isInPlace = try Folder.status(layout.catalog) != nil
        #expect(isInPlace == (lost == "blobs.v1/STORE"), "nothing was made in place of what is lost")
    }

    @Test func `blobs of one store and the catalog of another do not start`() async throws {
        let (one, other) = (try TestStore(), try TestStore())
        let stored = try await one.withVault { try await $0.upload(content(1)) }
        try await other.withVault { _ = try await $0.upload(content(2)) }
        try write(
            try bytes(ofFile: DiskLayout(root: other.path).catalog), toFile: DiskLayout(root: one.path).catalog)
        await #expect { _ = try await one.open() } throws: { error in
            if case VaultError.mismatch = error { true } else { false }
        }
        #expect(try bytes(ofFile: DiskLayout(root: one.path).blob(stored.address)) == content(1))
    }

    @Test func `errors name the place and what to do`() {
        #expect(VaultError.locked(path: "/x").description.contains("/x"))
        #expect(VaultError.notAStore(path: "/x", why: "it holds y").description.contains("it holds y"))
    }
}
