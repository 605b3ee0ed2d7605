import Blobs
import Catalog
import Files
import Store

extension StoreError {
    /// A failure of the disk in the words of the vocabulary.
    init(_ error: FileError) {
        self = error.isFullDisk ? .diskFull : .io(error.description)
    }
}

extension StoreError {
    /// A failure of the catalogue in the words of the vocabulary.
    init(_ error: CatalogError) {
        if case .full = error { self = .diskFull } else { self = .io(error.description) }
    }
}

/// Runs `body` and turns a failure of the disk into the vocabulary's error.
func storeErrors<Value: ~Copyable>(_ body: () throws(FileError) -> Value) throws(StoreError) -> Value {
    do { return try body() } catch { throw StoreError(error) }
}
