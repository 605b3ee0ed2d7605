package import Catalog
package import Files

/// Why a store could not be opened. Nothing in its folder was changed.
package enum VaultError: Error, Sendable, CustomStringConvertible {
    /// Another process owns the storage folder.
    case locked(path: String)
    /// The folder is neither a store nor empty.
    case notAStore(path: String, why: String)
    /// Blobs and catalog belong to different stores.
    case mismatch(path: String, why: String)
    /// The catalog could not be opened, or its commits would not be durable.
    case catalog(CatalogError)
    /// The disk failed.
    case file(FileError)

    package var description: String {
        switch self {
        case .locked(let path):
            "another process owns the store at \(path)"
        case .notAStore(let path, let why): "\(path) is not a store: \(why); check --storage (nothing was changed)"
        case .mismatch(let path, let why):
            "\(path) holds two halves of different stores: \(why); restore the right catalog (nothing was changed)"
        case .catalog(let error): error.description
        case .file(let error): error.description
        }
    }
}
