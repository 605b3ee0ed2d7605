import Blobs
import Files

/// Partly downloaded blobs: a file each, named by the blob's address, so that the next `open` of the same message resumes
/// where the last one stopped. Their bytes are trusted only as far as their tags verify.
package struct PartialDownloads: Sendable {
    package let folder: String

    package init(folder: String) { self.folder = folder }

    /// The most files that are kept; the oldest are removed first.
    static let limit = 8
    /// How long a file is kept after its last byte.
    static let longestSeconds: Int64 = 14 * 86_400

    /// The kept file of a blob, for this process alone; nil while another process is filling it.
    func download(of address: BlobAddress) throws(FileError) -> PartialDownload? {
        guard let file = try file(for: address) else { return nil }
        return PartialDownload(file, of: address, in: self)
    }

    /// The file of a blob, created if missing, and locked while it is open; nil while another process is filling it.
    func file(for address: BlobAddress) throws(FileError) -> OpenFile? {
        try Folder.makeAll(folder)
        let file = try OpenFile(path(of: address), .openOrCreate(permissions: 0o600), followsLinks: false)
        do { try file.lockExclusively() } catch {
            guard error.isLocked else { throw error }
            return nil
        }
        // Whoever had it before may have finished and removed it.
        guard try file.status().linkCount > 0 else { return nil }
        return file
    }

    func remove(_ address: BlobAddress) throws(FileError) { try Folder.remove(path(of: address)) }

    /// Removes files that are too old or too many, except those being filled.
    func prune(now: Timestamp) throws(FileError) {
        var files: [(path: String, modified: Int64)] = []
        for name in try Folder.names(in: folder) {
            let path = "\(folder)/\(name)"
            if let status = try Folder.status(path) { files.append((path, status.modifiedSeconds)) }
        }
        files.sort { $0.modified > $1.modified }
        for (index, file) in files.enumerated() {
            let age = now.secondsSince(Timestamp(seconds: file.modified))
            if index >= Self.limit || age > Self.longestSeconds { try removeUnlessLocked(file.path) }
        }
    }

    private func removeUnlessLocked(_ path: String) throws(FileError) {
        do throws(FileError) {
            let file = try OpenFile(path, .read, followsLinks: false)
            try file.lockExclusively()
            try Folder.remove(path)
            withExtendedLifetime(file) {}
        } catch {
            guard error.isLocked || error.isAbsence else { throw error }
        }
    }

    private func path(of address: BlobAddress) -> String { "\(folder)/\(address.hex)" }
}

/// The file that a blob is downloaded into: one that is kept for the next run, or a temporary one.
struct PartialDownload: ~Copyable {
    let file: OpenFile
    /// Where the file is kept; nil for a temporary one.
    private let kept: (PartialDownloads, BlobAddress)?
    private let temporary: TemporaryFile?

    init(_ file: consuming OpenFile, of address: BlobAddress, in folder: PartialDownloads) {
        self.file = file
        kept = (folder, address)
        temporary = nil
    }

    init(temporary: consuming TemporaryFile) throws(FileError) {
        file = try temporary.file.duplicate()
        kept = nil
        self.temporary = .some(temporary)
    }

    /// Removes a kept file that is no longer needed, and others that are too old. Nothing depends on it.
    func end(isComplete: Bool, now: Timestamp) {
        guard let (folder, address) = kept else { return }
        if isComplete { try? folder.remove(address) }
        try? folder.prune(now: now)
    }
}
