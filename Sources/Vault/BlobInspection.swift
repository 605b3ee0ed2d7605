import BlobFiles
import Blobs
import Catalog
import DiskStore
import Files
import Store
import Synchronization

/// One blob's file on its way through a hash, a piece at a time, each of which blocks its thread.
final class BlobInspection: Sendable {
    /// What a first look at the file comes to.
    enum Beginning: Sendable {
        case damaged(BlobDamage)
        /// It has the right size; its bytes are to be read.
        case readable(BlobInspection)
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
                return .damaged(.missing)
            }
            guard found == row.size else { return .damaged(.wrongSize(expected: row.size, found: found)) }
            return .readable(BlobInspection(reading))
        } catch {
            guard error.isUnreadable else { throw error }
            return .damaged(.unreadable(error.description))
        }
    }

    /// Reads and hashes the next piece; tells how many bytes it had, 0 at the end.
    func step() throws(FileError) -> Int {
        try state.withLock { state throws(FileError) in
            var hasher = state.hasher
            defer { state.hasher = hasher }
            return try state.reading.next { hasher.update($0) }
        }
    }

    /// The address of everything read so far.
    var address: BlobAddress { state.withLock { $0.hasher.address() } }
}
