import Blobs
import Foundation
import TestSupport
import Testing

/// A running server whose disk says no, and is well again.
@Suite(
    .enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)),
    .enabled(if: FailingDisk.isPossible, Comment(rawValue: FailingDisk.missing)))
struct DiskRefusalTests {
    /// One way in which a disk refuses an upload.
    struct Refusal: Sendable, CustomTestStringConvertible {
        let name: String
        /// As `FailingDisk.fail` takes it.
        let rule: String
        let status: String
        /// Whether a sync failed, so that nothing is written until the store is proved well.
        var isFinal = false
        /// Whether the row may be in the log all the same, so that the blob may be seen before anybody knows that it
        /// stays.
        var mayBeSeen = false
        /// Whether the upload has a file and a sync of its own.
        var isLarge = false

        var testDescription: String { name }
        /// Ends of leases go on where the catalog can be written.
        var hitsCatalog: Bool { isFinal || rule.contains("catalog") }
    }

    static let refusals = [
        Refusal(name: "EIO on open", rule: "open 5 /staging/", status: "503"),
        Refusal(name: "inodes gone", rule: "open 28 /staging/", status: "507"),
        Refusal(name: "read-only", rule: "open 30 /staging/", status: "503"),
        Refusal(name: "EIO on write", rule: "write 5 /staging/", status: "503"),
        Refusal(name: "EIO on write, large", rule: "write 5 /staging/", status: "503", isLarge: true),
        Refusal(name: "ENOSPC on write", rule: "write 28 /staging/", status: "507"),
        Refusal(name: "EDQUOT on write, large", rule: "write 122 /staging/", status: "507", isLarge: true),
        Refusal(name: "EIO on fdatasync of the file", rule: "sync 5 /staging/", status: "503", isLarge: true),
        Refusal(name: "EIO on rename", rule: "rename 5 /blobs.v1/", status: "503"),
        Refusal(name: "EDQUOT on rename", rule: "rename 122 /blobs.v1/", status: "507"),
        Refusal(name: "EIO on syncfs", rule: "sync 5 /blobs.v1", status: "503", isFinal: true),
        Refusal(name: "ENOSPC on syncfs", rule: "sync 28 /blobs.v1", status: "503", isFinal: true),
        Refusal(name: "ENOSPC on write of the log", rule: "write 28 /catalog.sqlite-wal", status: "507"),
        Refusal(name: "EDQUOT on write of the log", rule: "write 122 /catalog.sqlite-wal", status: "507"),
        Refusal(
            name: "EIO on write of the log", rule: "write 5 /catalog.sqlite-wal", status: "503", isFinal: true,
            mayBeSeen: true),
        Refusal(
            name: "EIO on fdatasync of the log", rule: "sync 5 /catalog.sqlite-wal", status: "503", isFinal: true,
            mayBeSeen: true),
        Refusal(
            name: "ENOSPC on fdatasync of the log", rule: "sync 28 /catalog.sqlite-wal", status: "503", isFinal: true,
            mayBeSeen: true),
    ]

    @Test func `health says whether the server can store, whatever it listens at, and why not`() async throws {
        let scene = try await DiskScene()
        let well = try await scene.journey.satcheld("health")
        #expect(well.status == 0 && well.output == "ready\n", "\(well.errors)")
        try scene.disk.fail("open 5 /staging/")
        // The store proves itself by writing only now and then.
        try await eventually { try await scene.journey.satcheld("health").status == 1 }
        #expect(try await scene.journey.satcheld("health").errors.contains("not ready: "))
        try scene.disk.recover()
        try await eventually { try await scene.journey.satcheld("health").status == 0 }
        #expect(await scene.server.stop() == 0)
        let gone = try await scene.journey.satcheld("health")
        #expect(gone.status == 75 && gone.errors.hasSuffix(": none runs on this store\n"), "\(gone.errors)")
    }

    @Test(arguments: refusals)
    func `an upload is refused, nothing stays, the rest goes on, and the server is well when its disk is`(
        refusal: Refusal
    ) async throws {
        let scene = try await DiskScene()
        let held = try await scene.put(1, bytes: 20_000)
        let revoked = try await scene.put(2, bytes: 500_000)
        let files = try scene.journey.blobFiles().count

        try scene.disk.fail(refusal.rule)
        let refused = DiskScene.blob(3, bytes: refusal.isLarge ? 400_000 : 20_000)
        #expect(try await scene.upload(refused, owner: 3) == refusal.status)
        #expect(try await scene.status("/\(held.address.hex)") == "200")
        let seen = try await scene.read(refused)
        #expect(seen == nil || refusal.mayBeSeen && seen == refused.bytes, "not even half of it is to be seen")
        // The probe writes and syncs; it renames nothing.
        #expect(try await scene.status("/readyz") == (refusal.rule.hasPrefix("rename") ? "200" : "503"))
        #expect(try await scene.isSuspended() == refusal.isFinal)
        if refusal.hitsCatalog {
            if refusal.isFinal { #expect(try await scene.upload(DiskScene.blob(4, bytes: 9), owner: 4) == "503") }
        } else {
            #expect(try await scene.revoke(revoked, owner: 2) == "204")
            #expect(try scene.journey.blobFiles().count == files)
        }
        try await scene.expectNothingLeaked()

        try scene.disk.recover()
        try await eventually { try await scene.status("/readyz") == "200" }
        #expect(try await scene.isSuspended() == false)
        // Of a row whose sync failed nobody knows whether it is there; then it may be, and the upload is held already.
        let again = try await scene.upload(refused, owner: 3)
        #expect(again == "201" || refusal.isFinal && again == "200")
        #expect(try await scene.status("/\(refused.address.hex)") == "200")
        if refusal.hitsCatalog { #expect(try await scene.revoke(revoked, owner: 2) == "204") }
        try await scene.expectCleanAfterTheEnd()
    }

    @Test(arguments: ["write 5", "sync 5"])
    func `a catalog that cannot be written for a while is read all the while and says so`(refusal: String) async throws
    {
        let scene = try await DiskScene()
        let held = try await scene.put(1, bytes: 20_000)
        try scene.disk.fail("\(refusal) /catalog.sqlite-wal")
        #expect(try await scene.upload(DiskScene.blob(2, bytes: 20_000), owner: 2) == "503")
        // Until the store has tried in vain to write again, and again.
        try await eventually { scene.server.log.ranges(of: "The store still cannot write").count >= 2 }
        for _ in 0..<5 {
            #expect(try await scene.isSuspended())
            #expect(try await scene.lease(on: held, owner: 1).contains("\"expires\""))
            #expect(try await scene.metric("satcheld_leases") != nil)
            try await Task.sleep(for: .milliseconds(200))
        }
        try scene.disk.recover()
        try await eventually { try await scene.status("/readyz") == "200" }
        #expect(try await scene.isSuspended() == false)
        try await scene.expectCleanAfterTheEnd()
    }

    @Test(arguments: [28, 122])
    func `a catalog that meets a full disk or quota gets the ballast and a sweep makes it again`(code: Int) async throws
    {
        let scene = try await DiskScene()
        let first = try await scene.put(1, bytes: 20_000)
        let ballast = "\(scene.journey.storage)/ballast"
        try scene.disk.fail("write \(code) /catalog.sqlite-wal \(ballast)")
        #expect(try await scene.revoke(first, owner: 1) == "204", "a full disk can still delete")
        #expect(!FileManager.default.fileExists(atPath: ballast))
        #expect(try await scene.isSuspended() == false)
        #expect(try await scene.status("/\(first.address.hex)") == "410")
        #expect(try await scene.upload(DiskScene.blob(2, bytes: 20_000), owner: 2) == "201")
        try scene.disk.recover()
        #expect(try await scene.journey.satcheld("gc").status == 0)
        #expect(FileManager.default.fileExists(atPath: ballast))
        try await scene.expectCleanAfterTheEnd()
    }
}
