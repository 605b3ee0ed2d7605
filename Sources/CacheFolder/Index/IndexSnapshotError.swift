package import Blobs
package import Files

/// Why a file is no snapshot of an index.
package struct IndexSnapshotError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: Error, Hashable {
        case unreadable(FileError)
        /// It does not begin as one.
        case foreign
        case version(UInt8)
        /// Its header ends too early or has a text that is not UTF-8.
        case header
        /// It has another length than its header says.
        case length(bytes: Int64, entries: UInt64)
        /// This entry, counted from 0, has a value that is never written.
        case entry(Int)
        case doubled(BlobAddress)
        /// The sizes of all blobs have no sum.
        case sum
        /// It is not what was written.
        case digest
    }

    /// The path of the file.
    package let path: String
    package let reason: Reason

    package var description: String { "read \(PathText.readable(path)): \(reason.explanation)" }
}

extension IndexSnapshotError.Reason {
    fileprivate var explanation: String {
        switch self {
        case .unreadable(let error): error.description
        case .foreign: "it is no snapshot of an index"
        case .version(let version): "its version is \(version), and only \(IndexSnapshot.version) can be read"
        case .header: "its header is damaged"
        case .length(let bytes, let entries): "it has \(bytes) bytes, which do not fit \(entries) entries"
        case .entry(let number): "entry \(number) is damaged"
        case .doubled(let address): "blob \(address.abbreviated) is there twice"
        case .sum: "its sizes are impossible"
        case .digest: "its SHA-256 is wrong"
        }
    }
}
