import Blobs
import DiskStore
import Files
import Store
import TestSupport
import Testing
import Vault

@Suite struct CheckTests {
    enum Damage: String, CaseIterable { case flipped, cut, gone }

    @Test(arguments: Damage.allCases)
    func `a damaged blob is found, set aside, answers damaged, and heals by upload`(damage: Damage) async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            let blob = try await vault.upload(content(1), owner: secret(1)).address
            try await vault.upload(content(2), owner: secret(2))
            try Self.inflict(damage, on: vault.layout.blob(blob))

            let found = try await vault.check()
            #expect(!found.isClean && found.findings.count == 1 && found.findings.first?.isRepaired == false)
            #expect(
                found.findings.first?.kind
                    == (damage == .flipped ? .wrongBytes : damage == .cut ? .wrongSize : .missing))
            let repaired = try await vault.check(CheckOptions(repair: true))
            #expect(!repaired.isClean && repaired.repairedCount == 1 && repaired.awaitingUpload == 1)

            var fetched = try await vault.fetch(blob)
            #expect(fetched == .damaged)
            var lease = try await vault.lease(on: blob, owner: secret(1))
            #expect(lease.state == .damaged)
            #expect(try Folder.names(in: vault.layout.damaged).count == (damage == .gone ? 0 : 1))
            let after = try await vault.check()
            #expect(after.isClean && after.awaitingUpload == 1)

            let healed = try await vault.upload(content(1), owner: secret(3))
            fetched = try await vault.fetch(blob)
            lease = try await vault.lease(on: blob, owner: secret(1))
            #expect(healed.isNew && fetched == .held(content(1)) && lease.state == .held)
            let swept = try await vault.collect()
            #expect(swept.asideFilesRemoved == (damage == .gone ? 0 : 1))
            #expect(try await vault.check().isClean)
        }
    }

    @Test(arguments: [Damage.cut, .gone])
    func `what a look at the file shows is never served nor taken for held`(damage: Damage) async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            let blob = try await vault.upload(content(1), owner: secret(1)).address
            try Self.inflict(damage, on: vault.layout.blob(blob))
            let found = try await vault.fetch(blob)
            #expect(found == .damaged)
            let again = try await vault.upload(content(1), owner: secret(1))
            let healed = try await vault.fetch(blob)
            #expect(again.isNew && healed == .held(content(1)))
        }
    }

    @Test func `a damaged blob whose last lease ends goes, and what was set aside with it`() async throws {
        let store = try TestStore()
        try await store.withVault { vault async throws in
            let blob = try await vault.upload(content(1), owner: secret(1)).address
            try Self.inflict(.flipped, on: vault.layout.blob(blob))
            _ = try await vault.check(CheckOptions(repair: true))
            try await vault.revoke(on: blob, owner: secret(1))
            _ = try await vault.collect()
            let found = try await vault.fetch(blob)
            #expect(found == .gone(.revoked))
            #expect(try Folder.names(in: vault.layout.damaged).isEmpty)
        }
    }

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

    static func inflict(_ damage: Damage, on path: String) throws {
        switch damage {
        case .flipped: try VaultTests.damage(path: path)
        case .cut:
            try OpenFile(path, .read).setPermissions(0o600)
            try write([1, 2, 3], toFile: path)
        case .gone: try Folder.remove(path)
        }
    }
}
