import Blobs
import Files

/// Sealed blobs of which a part has come: a file each, named by the blob's address, so that the next `open` of the same
/// message goes on where the last one ended. What is in them is believed only as far as its tags are good.
package struct PartialDownloads: Sendable {
    package let folder: String

    package init(folder: String) { self.folder = folder }

    /// The greatest number of files that stay; the oldest go.
    static let limit = 8
    /// How long after its last byte a file stays.
    static let longestSeconds: Int64 = 14 * 86_400

    /// The file of a blob, made where it is missing, and locked as long as it is open; nil while another process is
    /// filling it.
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

    /// Removes what is too old or too much, but for files that are being filled.
    func prune(now: Timestamp) throws(FileError) {
        var files: [(path: String, modified: Int64)] = []
        for name in try Folder.names(in: folder) {
            let path = "\(folder)/\(name)"
            if let status = try Folder.status(path) { files.append((path, status.modifiedSeconds)) }
        }
        files.sort { $0.modified > $1.modified }
        for (index, file) in files.enumerated() {
            let age = now.secondsSince(Timestamp(seconds: file.modified))
            if index >= Self.limit || age > Self.longestSeconds { try removeUnlessFilling(file.path) }
        }
    }

    private func removeUnlessFilling(_ path: String) throws(FileError) {
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
