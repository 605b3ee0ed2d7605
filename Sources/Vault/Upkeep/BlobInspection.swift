import BlobFiles
import Blobs
import Catalog
import DiskStore
import Files
import Store
import StoreRules
import Synchronization

/// Hashes one blob's file a piece at a time; each call blocks its thread.
final class BlobInspection: Sendable {
    /// What a first look at the file shows.
    enum Beginning: Sendable {
        case damaged(Damage)
        /// It has the right size; its bytes are to be read.
        case readable(BlobInspection)
    }

    /// What reading one more piece came to.
    enum Step: Sendable {
        case read(_ bytes: Int)
        /// The file has been read, and this is the address of its bytes.
        case end(BlobAddress)
        /// The disk does not return the bytes, for this reason.
        case failed(String)
    }

    private struct State: ~Copyable {
        var reading: DiskReading
        var hasher = BlobHasher()

        init(_ reading: consuming DiskReading) { self.reading = reading }
    }

    private let state: Mutex<State>

    private init(_ reading: consuming DiskReading) {
        state = Mutex(State(reading))
    }

    /// Opens the file of `row` and looks at its size.
    static func begin(_ row: BlobRow, on disk: DiskStore) throws(FileError) -> Beginning {
        do {
            guard let found = try disk.files.size(of: row.address),
                let reading = try disk.files.reading(of: row.address)
            else {
                return .damaged(Damage(.missing, "the file is missing"))
            }
            guard found == row.size else {
                return .damaged(Damage(.wrongSize, "the file has \(found) bytes instead of \(row.size)"))
            }
            return .readable(BlobInspection(reading))
        } catch {
            guard error.isUnreadable else { throw error }
            return .damaged(Damage(.unreadable, error.description))
        }
    }

    /// Reads and hashes the next piece.
    func step() throws(FileError) -> Step {
        do {
            return try state.withLock { state throws(FileError) in
                var hasher = state.hasher
                defer { state.hasher = hasher }
                let count = try state.reading.next { hasher.update($0) }
                return count == 0 ? .end(hasher.address()) : .read(count)
            }
        } catch {
            guard error.isUnreadable else { throw error }
            return .failed(error.description)
        }
    }
}
