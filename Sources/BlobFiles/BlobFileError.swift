package import Files

/// Why a file could not be opened.
package enum BlobFileError: Error, Sendable, CustomStringConvertible {
    /// There is no file of that name.
    case missing(path: String)
    /// There is a file, and its size is not the expected one.
    case wrongSize(path: String, expected: Int64, found: Int64)
    /// The disk could not say.
    case file(FileError)

    package var description: String {
        switch self {
        case .missing(let path): "open \(path): no such file"
        case .wrongSize(let path, let expected, let found): "\(path) has \(found) bytes instead of \(expected)"
        case .file(let error): error.description
        }
    }
}

/// Runs `body` on the file at `path`; only ENOENT is absence.
func blobFileErrors<Value: ~Copyable>(
    at path: String, _ body: () throws(FileError) -> Value
) throws(BlobFileError) -> Value {
    do { return try body() } catch { throw error.isAbsence ? .missing(path: path) : .file(error) }
}
