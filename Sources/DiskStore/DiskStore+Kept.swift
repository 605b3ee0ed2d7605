package import Blobs
package import Files
import Store

/// Staged files that outlive the requests that fill them: each bears the name of its upload.
extension DiskStore {
    /// A new empty file for an upload. It removes itself like any other until it is told to be kept.
    package func stage(for id: UploadID) throws(FileError) -> StagedFile {
        register.insert(id.hex)
        let file: OpenFile
        do {
            file = try OpenFile(path(of: id), .create(permissions: 0o600))
        } catch {
            register.remove(id.hex)
            throw error
        }
        let staged = StagedFile(file, id: id.hex, register: register, faults: faults)
        try faults.reach(.stagedFileCreated)
        return staged
    }

    /// Opens the file of an upload of which the first `offset` bytes are synced; what is behind them is cut.
    package func reopen(_ id: UploadID, at offset: Int64) throws(DiskError) -> StagedFile {
        let path = path(of: id)
        let file = try diskErrors(at: path) { () throws(FileError) in
            // It is read-only where it got a name that no row came to stand for.
            try OpenFile(path, .read, followsLinks: false).setPermissions(0o600)
            return try OpenFile(path, .update, followsLinks: false)
        }
        let size = try diskErrors(at: path) { () throws(FileError) in try file.size() }
        guard size >= offset else { throw .wrongSize(path: path, expected: offset, found: size) }
        try diskErrors(at: path) { () throws(FileError) in try file.seek(to: offset) }
        register.insert(id.hex)
        var staged = StagedFile(file, id: id.hex, register: register, faults: faults, size: offset, isKept: true)
        if size > offset { try diskErrors(at: path) { () throws(FileError) in try staged.cut(to: offset) } }
        return staged
    }

    /// Bytes in the file of an upload; nil if there is none.
    package func stagedSize(of id: UploadID) throws(FileError) -> Int64? {
        guard let status = try Folder.status(path(of: id)), status.kind == .regular else { return nil }
        return status.size
    }

    /// Removes the file of an upload that nobody will resume.
    package func removeStaged(_ id: UploadID) throws(FileError) { try removeStaged(id.hex) }

    private func path(of id: UploadID) -> String { "\(layout.staging)/\(id.hex)" }
}
