import BlobFiles
import Blobs
import DiskStore
import Files
import Store

/// What an upload owns on the disk: a file that nobody knows yet, and its share of the room.
struct Staging: ~Copyable, Sendable {
    private var file: StagedFile
    private var reservation: Reservation

    init(file: consuming StagedFile, reservation: consuming Reservation) {
        self.file = file
        self.reservation = reservation
    }

    /// Adds `bytes` at the end.
    mutating func write(_ bytes: [UInt8]) throws(StoreError) {
        try reservation.prepare(for: Int64(bytes.count))
        do { try file.write(bytes) } catch { throw StoreError(error) }
        reservation.wrote(Int64(bytes.count))
    }

    /// The last byte is written: makes a large file durable; a small one is, once its name is synced.
    mutating func finish() throws(StoreError) {
        do { try file.finish() } catch { throw StoreError(error) }
    }

    /// Makes every byte durable, whatever the size.
    mutating func synchronize() throws(StoreError) {
        do { try file.synchronize() } catch { throw StoreError(error) }
    }

    /// Cuts what came after the first `count` bytes.
    mutating func cut(to count: Int64) throws(StoreError) {
        do { try file.cut(to: count) } catch { throw StoreError(error) }
    }

    /// The address of all bytes, read again.
    func address() throws(StoreError) -> BlobAddress {
        do { return try file.hasher().address() } catch { throw StoreError(error) }
    }

    /// From now on the file stays when this value goes.
    mutating func keep() { file.keep() }

    /// Lets go of the file and gives its share of the disk.
    consuming func park() -> Reservation { reservation }

    /// Gives the finished file its name, over whatever bore it.
    consuming func place(at path: String) throws(StoreError) {
        do { try file.place(at: path) } catch { throw StoreError(error) }
    }
}
