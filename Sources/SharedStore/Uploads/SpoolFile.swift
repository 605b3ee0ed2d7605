import Files
import Store
import StoreParts
import Synchronization

/// A file without a name in which the bytes of one object wait until all of them are here: nothing is left of it when this
/// value goes, however that happens. Its bytes are not synced, since what counts is the object.
final class SpoolFile: Sendable {
    private let file: OpenFile
    private let room: SpoolRoom
    /// Bytes of the disk that were taken for it.
    private let bytes: Int64

    /// A new one for as many as `bytes` bytes. Blocks its thread. Throws `.busy` where too many bytes wait already, and
    /// `.unavailable` where the disk has no room.
    init(for bytes: Int64, in room: SpoolRoom) throws(StoreError) {
        try room.take(bytes)
        do throws(FileError) { file = try Self.open(in: room.folder) } catch {
            room.giveBack(bytes)
            throw StoreError(spooling: error)
        }
        self.room = room
        self.bytes = bytes
    }

    deinit { room.giveBack(bytes) }

    private static func open(in folder: String) throws(FileError) -> OpenFile {
        do { return try OpenFile.unnamed(in: folder) } catch {
            // Not every file system has files without names.
            let path = "\(folder)/spool-\(UInt64.random(in: .min ... .max))"
            let file = try OpenFile(path, .create(permissions: 0o600))
            try Folder.remove(path)
            return file
        }
    }

    /// Appends `bytes`. Blocks its thread.
    func write(_ bytes: [UInt8]) throws(StoreError) {
        do throws(FileError) { try file.write(bytes) } catch { throw StoreError(spooling: error) }
    }

    /// The first `count` bytes. Blocks its thread.
    func read(_ count: Int) throws(StoreError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        do throws(FileError) {
            guard try file.read(into: &buffer, at: 0) == count else {
                throw FileError(operation: "read", path: room.folder, code: 5)
            }
        } catch {
            throw StoreError(spooling: error)
        }
        return buffer
    }
}

/// Bounds what waits in spool files, and lets a cache on the same disk give way to them.
final class SpoolRoom: Sendable {
    /// Bytes that may wait at least, however small the cache is.
    private static let leastBytes: Int64 = 256 << 20

    let folder: String
    private let limitBytes: Int64
    private let makeRoom: @Sendable (Int64) -> Bool
    private let taken = Mutex<Int64>(0)

    /// - Parameters:
    ///   - limitBytes: the most that wait, or `leastBytes`.
    ///   - makeRoom: sees to it that so many bytes can be written; false where they cannot. Blocks its thread.
    init(in folder: String, limitBytes: Int64, makeRoom: @escaping @Sendable (Int64) -> Bool) {
        self.folder = folder
        self.limitBytes = max(limitBytes, Self.leastBytes)
        self.makeRoom = makeRoom
    }

    func take(_ bytes: Int64) throws(StoreError) {
        let fits = taken.withLock { taken in
            guard bytes <= limitBytes - taken else { return false }
            taken += bytes
            return true
        }
        guard fits else { throw .busy(limit: "bytes that wait on this node", retryAfterSeconds: 5) }
        if makeRoom(bytes) { return }
        giveBack(bytes)
        throw .unavailable("this node has no room for uploads")
    }

    func giveBack(_ bytes: Int64) { taken.withLock { $0 -= bytes } }

    /// Bytes that are taken by now.
    var takenBytes: Int64 { taken.withLock { $0 } }
}

extension StoreError {
    /// A node that cannot spool is no reason to call the store full.
    fileprivate init(spooling error: FileError) {
        self = error.isFullDisk ? .unavailable("this node has no room for uploads") : .io(error.description)
    }
}
