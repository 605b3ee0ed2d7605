import BlobFiles
import Blobs
import DiskStore
import Files
import Glibc
import Store
import StoreTestSupport
import TestSupport
import Testing
import Vault

/// A small file system of its own that is really full.
@Suite(.enabled(if: SmallDisk.isPossible, "mounting a small file system takes root"))
struct FullDiskTests {
    @Test func `a full disk refuses uploads, serves, deletes, and takes uploads again`() async throws {
        let disk = try SmallDisk(megabytes: 12)
        var settings = VaultSettings.small
        settings.ballastBytes = 2 << 20
        let vault = try await Vault.open(
            at: disk.path, settings: settings, clock: TestClock(), logger: TestStore.quiet)
        let held = try await fill(vault)
        // What is left over goes to a stranger, so that the catalog itself meets the full disk.
        try disk.exhaust()
        await #expect(throws: StoreError.diskFull) { try await vault.upload(content(1)) }
        #expect(await vault.unreadiness() == "the disk is full")
        #expect(try Folder.names(in: vault.layout.staging).isEmpty)

        for seed in 1..<held {
            try await vault.revoke(on: address(of: Self.blob(seed)), owner: secret(seed))
        }
        let found = try await vault.fetch(address(of: Self.blob(0)))
        #expect(found == .held(Self.blob(0)))
        let report = try await vault.collect()
        #expect(report.blobsRemoved == held - 1)
        try await vault.upload(Self.blob(99), owner: secret(99))
        #expect(await vault.unreadiness() == nil)
        let checked = try await vault.check()
        #expect(checked.isClean)
        await vault.close()
    }

    @Test func `an upload has to fit with the rows of its lease, and so has one whose bytes came long ago`()
        async throws
    {
        let disk = try SmallDisk(megabytes: 12)
        var settings = VaultSettings.small
        settings.keepFreeBytes = 4 << 20
        let vault = try await Vault.open(
            at: disk.path, settings: settings, clock: TestClock(), logger: TestStore.quiet)
        let many = (0..<LeaseTerms.receiptLimit).map { secret($0) }
        let bytes = Self.blob(1)
        let announcement = UploadAnnouncement(
            size: Int64(bytes.count), address: nil, terms: terms(owner: 1, receipts: many))
        let upload = try await vault.create(announcement)
        guard
            case .ready(let session) = try await vault.resume(upload.id, with: UploadAppend(offset: 0))
        else {
            Issue.record("it is open")
            return
        }
        try await session.append(bytes)
        // Somebody else leaves space for a small blob and its lease, but not for 256 receipt hashes.
        let filler = "\(disk.path)/filler"
        func fill() async throws {
            _ = try Folder.remove(filler)
            let free = try await vault.onDisk { disk throws(FileError) in try disk.files.freeBytes() }
            try write([UInt8](repeating: 0, count: Int(free - settings.keepFreeBytes - 32_000)), toFile: filler)
        }
        try await fill()
        await #expect(throws: StoreError.diskFull) { _ = try await session.commit() }
        try await fill()
        await #expect(throws: StoreError.diskFull) {
            try await vault.upload(content(2), on: terms(owner: 2, receipts: many))
        }
        try await fill()
        try await vault.upload(content(2), on: terms(owner: 2, receipts: [secret(0)]))
        try Folder.remove(filler)
        let full = UploadAppend(offset: Int64(bytes.count))
        guard case .ready(let again) = try await vault.resume(upload.id, with: full) else {
            Issue.record("it is full, and tries again")
            return
        }
        #expect(try await again.commit().address == address(of: bytes))
        await vault.close()
    }

    /// Uploads until the disk is full; tells how many blobs are held.
    private func fill(_ vault: Vault) async throws -> Int {
        var held = 0
        while true {
            do {
                try await vault.upload(Self.blob(held), owner: secret(held))
                held += 1
            } catch {
                #expect(error == .diskFull && held > 3)
                return held
            }
        }
    }

    private static func blob(_ seed: Int) -> [UInt8] { content(seed, count: 700_000) }
}

/// A tmpfs of a few megabytes, gone with this value.
final class SmallDisk: Sendable {
    private let folder: TemporaryFolder

    static var isPossible: Bool {
        (try? SmallDisk(megabytes: 1)) != nil
    }

    /// - Parameter inodes: how many files and folders it has room for; nil for as many as the kernel likes.
    init(megabytes: Int, inodes: Int? = nil) throws {
        folder = try TemporaryFolder()
        let options = "size=\(megabytes)m" + (inodes.map { ",nr_inodes=\($0)" } ?? "")
        // Safe: the strings outlive the call.
        guard unsafe mount("tmpfs", folder.path, "tmpfs", 0, options) == 0 else {
            throw FileError(operation: "mount", path: folder.path, code: errno)
        }
    }

    deinit {
        // One for each mount that lies there: of those that are none the call says so.
        for _ in 0..<2 { uncover() }
    }

    /// Mounts the same file system over itself, read-only: whoever has a file open for writing keeps a file system
    /// from being remounted so, but to a path it looks the same.
    func coverReadOnly() throws {
        let flags = UInt(MS_BIND)
        let readOnly = UInt(MS_BIND | MS_REMOUNT | MS_RDONLY)
        // Safe: the strings outlive the calls.
        guard unsafe mount(folder.path, folder.path, nil, flags, nil) == 0,
            unsafe mount(nil, folder.path, nil, readOnly, nil) == 0
        else { throw FileError(operation: "mount", path: folder.path, code: errno) }
    }

    /// Takes the uppermost mount away.
    func uncover() { _ = unsafe umount2(folder.path, Int32(MNT_DETACH)) }

    /// Makes empty files until no more can be made; their paths.
    func exhaustInodes() throws -> [String] {
        var paths: [String] = []
        while (try? write([], toFile: folder.path("empty-\(paths.count)"))) != nil {
            paths.append(folder.path("empty-\(paths.count)"))
        }
        return paths
    }

    var path: String { folder.path("store") }

    /// Takes every byte that is left.
    func exhaust() throws {
        let file = try OpenFile(folder.path("filler"), .create(permissions: 0o600))
        for size in [1 << 16, 1 << 12, 1] {
            let block = [UInt8](repeating: 1, count: size)
            while (try? file.write(block)) != nil {}
        }
    }
}
