package import Catalog
package import Files

/// Why a store could not be opened. Nothing in the folder was changed, unless it says otherwise.
package enum VaultError: Error, Sendable, CustomStringConvertible {
    /// Another process owns the storage folder.
    case locked(path: String)
    /// The folder is neither a store nor a place for one.
    case notAStore(path: String, why: String)
    /// Blobs and catalogue are not two halves of one store.
    case mismatch(path: String, why: String)
    /// The catalogue could not be opened, or would not be durable.
    case catalog(CatalogError)
    /// The disk failed.
    case file(FileError)

    package var description: String {
        switch self {
        case .locked(let path):
            "another process owns the store at \(path); stop it, or ask it through its control socket"
        case .notAStore(let path, let why): "\(path) is no store: \(why); check --storage, nothing was touched"
        case .mismatch(let path, let why):
            "\(path) holds two halves of different stores: \(why); put the right catalogue back, nothing was touched"
        case .catalog(let error): error.description
        case .file(let error): error.description
        }
    }
}
