package import Blobs
import Objects
import SharedCatalog
package import Store
package import StoreParts
package import StoreRules

/// A node of a shared store that is moved elsewhere while others serve it, or that another store is moved into before
/// anybody does.
extension SharedStore: RecordSink {
    private func look<Value: Sendable>(
        _ body: @escaping @Sendable (SharedReader) throws(SharedCatalogError) -> Value
    ) async throws(StoreError) -> Value {
        try await catalog.read(body)
    }

    package func latest() async throws(StoreError) -> Timestamp {
        // Of batches nothing is noted: the database's clock is that of all.
        max(try await look { reader throws(SharedCatalogError) in try reader.store() }.latest, now())
    }

    package func records(after address: BlobAddress?) async throws(StoreError) -> [BlobRecord] {
        try await look { reader throws(SharedCatalogError) in
            try reader.records(after: address, blobs: RecordLimits.blobs, leases: RecordLimits.leases)
        }
    }

    package func finishedUploads(after id: UploadID?) async throws(StoreError) -> [ResumableUpload] {
        try await look { reader throws(SharedCatalogError) in try reader.finishedUploads(after: id) }
    }

    package func bans(after address: BlobAddress?) async throws(StoreError) -> [BanRecord] {
        try await look { reader throws(SharedCatalogError) in try reader.bans(after: address) }
    }

    package func subjects(after subject: String?) async throws(StoreError) -> [SubjectRecord] {
        try await look { reader throws(SharedCatalogError) in try reader.subjects(after: subject) }
    }

    /// Reads the objects that the blob's row names now.
    package func bytes(of blob: BlobRow, in range: ByteRange) async throws(StoreError) -> [UInt8] {
        guard let found = try await catalog.find(blob.address), let object = found.object else { return [] }
        let whole = ObjectRow(
            id: object.id, list: object.id, number: 0, size: found.row.size, digest: found.row.address)
        var bytes: [UInt8] = []
        var start: Int64 = 0
        for part in object.isList ? found.parts : [whole] {
            defer { start += part.size }
            let (first, end) = (max(range.offset, start), min(range.end, start + part.size))
            guard let piece = ByteRange(offset: first - start, count: end - first, within: part.size) else { continue }
            do throws(ObjectError) {
                bytes += try await objects.get(ObjectName(part.id), range: piece) ?? []
            } catch {
                throw StoreError(error)
            }
        }
        return bytes
    }

    package func claim() async throws(StoreError) {
        let nodes = try await look { reader throws(SharedCatalogError) in try reader.nodes() }
        let others = nodes.filter { $0.isAlive && $0.id != catalog.node.id }
        guard others.isEmpty else {
            throw .unavailable("other nodes serve the store: \(others.map(\.name).joined(separator: ", "))")
        }
    }

    // MARK: Taking over

    /// Objects that are there, and that no row names yet.
    package struct TakenObjects: Sendable {
        let object: BlobObject
        /// Of a list.
        let parts: [ObjectRow]
    }

    package func take(_ blob: BlobRow, from source: some RecordSource) async throws(StoreError) -> TakenObjects? {
        var hasher = BlobHasher()
        var parts: [ObjectRow] = []
        let list = ObjectID.new(at: now())
        var offset: Int64 = 0
        repeat {
            let count = min(RecordLimits.pieceBytes, blob.size - offset)
            let range = ByteRange(offset: offset, count: count, within: blob.size)
            let piece = if let range { try await source.bytes(of: blob, in: range) } else { [UInt8]() }
            guard piece.count == count else { return nil }
            hasher.update(piece)
            let part = ObjectRow(
                id: .new(at: now()), list: list, number: parts.count, size: count, digest: BlobAddress(of: piece))
            do throws(ObjectError) {
                try await objects.put(piece, as: ObjectName(part.id), digest: part.digest)
            } catch {
                throw StoreError(error)
            }
            parts.append(part)
            offset += count
        } while offset < blob.size
        // What was put of other bytes is an orphan.
        guard hasher.address() == blob.address else { return nil }
        if parts.count == 1, let only = parts.first {
            return TakenObjects(object: BlobObject(id: only.id, isList: false), parts: [])
        }
        return TakenObjects(object: BlobObject(id: list, isList: true), parts: parts)
    }

    package func replace(
        _ records: [BlobRecord], bytes: [BlobAddress: TakenObjects], dropping dropped: [BlobAddress]
    ) async throws(StoreError) {
        let now = now()
        _ = try await make {
            ReplaceRecords(records, dropping: dropped)
        } objects: { _, page in
            for row in records.map(\.row) {
                if let taken = bytes[row.address] {
                    for part in taken.parts { page.add(part) }
                    page.hold(row.address, by: taken.object)
                } else if row.state == .damaged && page[row.address] == nil {
                    // A row that is no tombstone names something: here what is missing.
                    page.hold(row.address, by: BlobObject(id: .new(at: now), isList: false))
                }
            }
        }
    }

    package func replace(_ change: ReplaceUploads) async throws(StoreError) { _ = try await make(change) }

    package func replace(_ change: ReplaceBans) async throws(StoreError) { _ = try await make(change) }

    package func replace(_ change: ReplaceDays) async throws(StoreError) { _ = try await make(change) }
}
