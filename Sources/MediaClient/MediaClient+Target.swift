import Files

extension MediaClient {
    /// Says so before anything is fetched or computed; when the file gets its name it is seen to again.
    func refuseTaken(_ path: String, replacing: Bool) throws(MediaClientError) {
        let status = try onFile(MediaClientError.output) { () throws(FileError) in try Folder.status(path) }
        if status != nil && !replacing { throw .exists(path: path) }
    }

    func publish(
        _ file: borrowing TemporaryFile, as path: String, replacing: Bool
    ) throws(MediaClientError) {
        do throws(FileError) { try file.publish(as: path, replacing: replacing) } catch {
            throw error.isExistence ? .exists(path: path) : .output(error)
        }
    }
}

/// The folder that holds, or will hold, what is at `path`.
func parentFolder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// Writes a small file under a name that is not taken, or over one that is when `replacing`.
package func writeNewFile(_ bytes: [UInt8], to path: String, replacing: Bool) throws(MediaClientError) {
    do throws(FileError) {
        let file = try TemporaryFile(in: parentFolder(of: path))
        try file.file.write(bytes[...])
        try file.publish(as: path, replacing: replacing)
    } catch {
        throw error.isExistence ? .exists(path: path) : .output(error)
    }
}
