import Files
import GRDB

/// Why the catalogue could not do what it was asked: what was tried, and why it failed.
package enum CatalogError: Error, Sendable, CustomStringConvertible {
    /// The disk had no room; nothing was changed.
    case full(String)
    /// Somebody else held the catalogue for longer than the busy timeout; nothing was changed.
    case busy(String)
    /// Rows would have contradicted each other; nothing was changed.
    case conflict(String)
    /// This connection was closed so that the catalogue could be opened afresh; ask the new one.
    case closed
    /// The catalogue was written by a later version of this program.
    case superseded
    /// The catalogue would not sync on every commit, so nothing it acknowledged would be durable.
    case notSynchronous(level: Int)
    /// Anything else. After a commit that failed so, nobody knows whether it happened.
    case failed(String)

    init(_ error: any Error) {
        switch error {
        case let error as CatalogError: self = error
        case let error as FileError:
            self = error.isFullDisk ? .full(error.description) : .failed(error.description)
        case let error as DatabaseError: self = Self.classify(error)
        default: self = .failed(String(describing: error))
        }
    }

    private static func classify(_ error: DatabaseError) -> CatalogError {
        let text = "catalogue: \(error.message ?? "SQLite error \(error.extendedResultCode.rawValue)")"
        if error.resultCode == .SQLITE_FULL || error.extendedResultCode == .SQLITE_IOERR_SHMSIZE { return .full(text) }
        if error.resultCode == .SQLITE_BUSY || error.resultCode == .SQLITE_LOCKED { return .busy(text) }
        if error.resultCode == .SQLITE_CONSTRAINT { return .conflict(text) }
        if error.resultCode == .SQLITE_MISUSE { return .closed }
        return .failed(text)
    }

    package var description: String {
        switch self {
        case .full(let what), .busy(let what), .conflict(let what), .failed(let what): what
        case .closed: "the catalogue has been closed"
        case .superseded: "the catalogue was written by a later version of satcheld; use that one"
        case .notSynchronous(let level):
            "the catalogue runs with synchronous = \(level) instead of 2 (FULL): its commits would not be durable"
        }
    }
}
