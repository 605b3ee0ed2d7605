package import Files

/// Why a blob's file could not be opened.
package enum DiskError: Error, Sendable, CustomStringConvertible {
    /// Nothing of that name is there.
    case missing(path: String)
    /// Something is there, but it is not a file of the blob's size.
    case wrongSize(path: String, expected: Int64, found: Int64)
    /// The disk could not say.
    case file(FileError)

    package var description: String {
        switch self {
        case .missing(let path): "open \(path): it is not there"
        case .wrongSize(let path, let expected, let found): "\(path) has \(found) bytes instead of \(expected)"
        case .file(let error): error.description
        }
    }
}

/// Runs `body` on the file at `path`; only its absence is absence.
func diskErrors<Value: ~Copyable>(at path: String, _ body: () throws(FileError) -> Value) throws(DiskError) -> Value {
    do { return try body() } catch { throw error.isAbsence ? .missing(path: path) : .file(error) }
}
