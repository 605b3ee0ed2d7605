import Blobs
import Files

extension StoreError {
    /// A failure of the disk in the words of the vocabulary.
    init(_ error: FileError) {
        self = error.isFullDisk ? .diskFull : .io(error.description)
    }
}

/// Runs `body` and turns a failure of the disk into the vocabulary's error.
func storeErrors<Value>(_ body: () throws(FileError) -> Value) throws(StoreError) -> Value {
    do { return try body() } catch { throw StoreError(error) }
}
