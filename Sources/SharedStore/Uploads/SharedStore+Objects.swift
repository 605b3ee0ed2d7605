import BlobFiles
import Blobs
import Files
import Logging
import Objects
import Store
import StoreParts
import StoreRules

/// An object that is in the object store, durable, and perhaps in no row yet.
struct StoredObject: Hashable, Sendable {
    let id: ObjectID
    /// Bytes of the object.
    let size: Int64
    /// SHA-256 of its bytes.
    let digest: BlobAddress
}

/// The bytes of one object on their way.
struct ObjectBytes: Sendable {
    enum BytesPlace: Sendable {
        case memory([UInt8])
        case file(SpoolFile)
    }

    let place: BytesPlace
    let size: Int64
    let digest: BlobAddress
}

extension SharedStore {
    /// Puts an object under a new name. It is durable when this returns.
    func put(_ bytes: ObjectBytes) async throws(StoreError) -> StoredObject {
        switch bytes.place {
        case .memory(let all): return try await put(all, digest: bytes.digest)
        case .file(let file):
            return try await putBudget.withBytes(bytes.size) { () async throws(StoreError) in
                let all = try await workers.run { () throws(StoreError) in try file.read(Int(bytes.size)) }
                return try await put(all, digest: bytes.digest)
            }
        }
    }

    private func put(_ bytes: [UInt8], digest: BlobAddress) async throws(StoreError) -> StoredObject {
        let object = StoredObject(id: .new(at: now()), size: Int64(bytes.count), digest: digest)
        do throws(ObjectError) {
            try await objects.put(bytes, as: ObjectName(object.id), digest: digest)
        } catch {
            throw StoreError(error)
        }
        try reach(.objectPut)
        return object
    }

    /// The bytes of an object, which are those of its digest; nil where they are not there, or others, a second time too.
    func bytes(of object: ObjectRow) async throws(StoreError) -> [UInt8]? {
        if let bytes = try await look(at: object) { return bytes }
        return try await look(at: object)
    }

    private func look(at object: ObjectRow) async throws(StoreError) -> [UInt8]? {
        let found: [UInt8]?
        do throws(ObjectError) { found = try await objects.get(ObjectName(object.id), range: nil) } catch {
            throw StoreError(error)
        }
        guard let bytes = found, bytes.count == object.size else { return nil }
        let digest = try await workers.run { () throws(StoreError) in BlobAddress(of: bytes) }
        return digest == object.digest ? bytes : nil
    }

    /// Removes objects that certainly no row names or ever will: sooner than the search for orphans would, if it succeeds.
    func discard(_ discarded: [StoredObject]) {
        guard !discarded.isEmpty, discards.begin() else { return }
        let names = discarded.map { ObjectName($0.id) }
        Task {
            defer { discards.end() }
            for start in stride(from: 0, to: names.count, by: ObjectListing.limit) {
                let page = Array(names[start..<min(start + ObjectListing.limit, names.count)])
                do throws(ObjectError) { _ = try await objects.remove(page) } catch { return }
            }
        }
    }

    /// The step before `point` is done: a commit, which nobody can undo.
    func reach(committed point: FaultPoint) throws(StoreError) {
        do throws(FileError) { try faults.reach(point) } catch { throw .outcomeUnknown }
    }
}

extension StoreError {
    /// A failure of the object store in the words of the vocabulary. What was asked of it may have happened, which is of no
    /// consequence: no row names it.
    init(_ error: ObjectError) {
        switch error {
        case .full: self = .diskFull
        case .unavailable, .refused: self = .unavailable(error.description)
        case .failed: self = .io(error.description)
        }
    }
}
