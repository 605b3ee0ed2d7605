import BlobFiles
package import Blobs
import Files
package import Store
import Synchronization

/// The file of a blob on its way. Where the disk does not take it, `hasFailed` says so, and no reader hears of it.
package final class PartFile: Sendable {
    private let file: OpenFile?
    /// Its name while it grows; nil for one without.
    private let path: String?
    private let folder: CacheFolder
    private let failed: Atomic<Bool>
    /// Whether the name is no longer its own.
    private let isGone: Atomic<Bool>

    /// How bytes that come are stored.
    package enum Storage: Sendable {
        /// In a file that may become a blob of the cache.
        case kept
        /// In a file without a name, for those who read while it is filled.
        case unnamed
        /// Not at all, as where the disk fails.
        case none
    }

    /// No file.
    init(in folder: CacheFolder) {
        self.folder = folder
        path = nil
        file = nil
        failed = Atomic(true)
        isGone = Atomic(true)
    }

    /// - Parameter name: in the folder of parts; nil for a file without a name, which is never kept.
    init(_ name: String?, in folder: CacheFolder) {
        self.folder = folder
        path = name.map { "\(folder.partsFolder)/\($0)" }
        do throws(FileError) {
            if let path {
                file = try OpenFile(path, .create(permissions: 0o600))
            } else {
                file = try OpenFile.unnamed(in: folder.partsFolder)
            }
            failed = Atomic(false)
        } catch {
            folder.note(error)
            file = nil
            failed = Atomic(true)
        }
        isGone = Atomic(file == nil || path == nil)
    }

    deinit { remove() }

    /// Whether bytes that come cannot be written; those that are there can still be read.
    package var hasFailed: Bool { failed.load(ordering: .acquiring) }

    package func write(_ bytes: RawSpan, at offset: Int64) throws(StoreError) {
        do throws(FileError) {
            guard try file?.write(bytes, at: offset) != nil else {
                throw FileError(operation: "write", path: folder.partsFolder, code: 28)
            }
        } catch {
            failed.store(true, ordering: .releasing)
            folder.note(error)
            throw .io(error.description)
        }
    }

    package func read(at offset: Int64, count: Int) throws(StoreError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        do throws(FileError) {
            guard try file?.read(into: &buffer, at: offset) == count else {
                throw FileError(operation: "read", path: folder.partsFolder, code: 5)
            }
        } catch {
            folder.note(error)
            throw .io(error.description)
        }
        return buffer
    }

    package func readResident(at offset: Int64, into buffer: inout MutableRawSpan) -> Int {
        file?.readResident(into: &buffer, at: offset) ?? 0
    }

    package func duplicateDescriptor() -> Int32? { try? file?.duplicateDescriptor() }

    /// The address of all `size` bytes; `hasher` has those before `start`.
    func address(_ hasher: BlobHasher, from start: Int64, to size: Int64) throws(StoreError) -> BlobAddress {
        var hasher = hasher
        var offset = start
        while offset < size {
            let piece = try read(at: offset, count: Int(min(size - offset, 1 << 20)))
            hasher.update(piece)
            offset += Int64(piece.count)
        }
        return hasher.address()
    }

    /// Gives it the name of a blob, and the date of its Sunset; false where it has to do without.
    package func place(as address: BlobAddress, sunset: Timestamp) -> Bool {
        guard let path, !hasFailed, !isGone.load(ordering: .acquiring) else { return false }
        do throws(FileError) {
            try file?.setPermissions(0o400)
            try file?.setModified(sunset.seconds)
            try Folder.rename(path, to: folder.files.folders.blob(address))
            isGone.store(true, ordering: .releasing)
            return true
        } catch {
            folder.note(error)
            return false
        }
    }

    /// Removes its name, if it still has one of its own.
    package func remove() {
        guard let path, !isGone.exchange(true, ordering: .acquiringAndReleasing) else { return }
        do throws(FileError) { try Folder.remove(path) } catch { folder.note(error) }
    }
}

extension CacheFolder {
    /// A place for the bytes of a blob on its way.
    package func part(of address: BlobAddress, _ storage: PartFile.Storage = .kept) -> PartFile {
        switch storage {
        // A name of its own: another fill of the same blob may be ending.
        case .kept: PartFile("\(address.hex)-\(files.newName())", in: self)
        case .unnamed: PartFile(nil, in: self)
        case .none: PartFile(in: self)
        }
    }

    /// A file for bytes whose address is not known yet.
    package func newPart() -> PartFile { PartFile("upload-\(files.newName())", in: self) }
}
