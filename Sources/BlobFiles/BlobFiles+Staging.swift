package import Blobs
package import Files
import Synchronization

extension BlobFiles {
    /// A new empty file on its way in, under a random name. It removes itself unless it is placed.
    package func stage() throws(FileError) -> StagedFile {
        try stage(newName(), permissions: 0o400)
    }

    /// A new empty file for a resumable upload, under the upload's id. It removes itself until `keep` is called.
    package func stage(for id: UploadID) throws(FileError) -> StagedFile {
        try stage(id.hex, permissions: 0o600)
    }

    private func stage(_ name: String, permissions: UInt32) throws(FileError) -> StagedFile {
        use(name)
        let file: OpenFile
        do {
            file = try newFile(at: path(of: name), permissions: permissions)
        } catch {
            release(name)
            throw error
        }
        let staged = StagedFile(file, name: name, in: self)
        try faults.reach(.stagedFileCreated)
        return staged
    }

    /// Opens the file of a resumable upload, of which the first `offset` bytes are synced, and cuts what is behind them.
    package func reopen(_ id: UploadID, at offset: Int64) throws(BlobFileError) -> StagedFile {
        let path = path(of: id.hex)
        let file = try blobFileErrors(at: path) { () throws(FileError) in
            // It is read-only where a commit linked it and then failed.
            try OpenFile(path, .read, followsLinks: false).setPermissions(0o600)
            return try OpenFile(path, .update, followsLinks: false)
        }
        let size = try blobFileErrors(at: path) { () throws(FileError) in try file.size() }
        guard size >= offset else { throw .wrongSize(path: path, expected: offset, found: size) }
        try blobFileErrors(at: path) { () throws(FileError) in try file.seek(to: offset) }
        use(id.hex)
        var staged = StagedFile(file, name: id.hex, in: self, size: offset, isKept: true)
        if size > offset { try blobFileErrors(at: path) { () throws(FileError) in try staged.cut(to: offset) } }
        return staged
    }

    /// Bytes in the file of a resumable upload; nil if there is none.
    package func stagedSize(of id: UploadID) throws(FileError) -> Int64? {
        guard let status = try Folder.status(path(of: id.hex)), status.kind == .regular else { return nil }
        return status.size
    }

    /// The names of staged files that nobody in this process works on.
    package func deadStagedNames() throws(FileError) -> [String] {
        try Folder.names(in: folders.staging).filter { name in !liveNames.withLock { $0.contains(name) } }
    }

    /// Removes a staged file that nobody works on.
    package func removeStaged(_ name: String) throws(FileError) {
        guard try Folder.remove(path(of: name)) else { return }
        try faults.reach(.stagedFileRemoved)
    }

    // MARK: Names

    func path(of name: String) -> String { "\(folders.staging)/\(name)" }

    /// A new random name of 32 hexadecimal digits.
    package func newName() -> String {
        UploadID.random().hex
    }

    /// Marks a name as worked on.
    func use(_ name: String) { liveNames.withLock { _ = $0.insert(name) } }

    /// Marks a name as worked on no more.
    func release(_ name: String) { liveNames.withLock { _ = $0.remove(name) } }
}
