import Blobs
import Logging
import Objects
import SharedCatalog
import Store
import StoreRules
import Telemetry

/// Damage to held blobs: found, marked, logged. Nothing is moved: the damaged object stays what the row names until the
/// same bytes come anew, which put theirs in its place, or until nobody holds the blob.
extension SharedStore {
    package func examineSuspects() async {
        for address in suspects.take() where !Task.isCancelled {
            do throws(StoreError) {
                guard let blob = try await heldBlob(address), let damage = try await examine(blob) else { continue }
                try await handle(damage)
            } catch {
                logger.warning(
                    "Could not check a blob that was hard to read",
                    metadata: ["blob": "\(address.abbreviated)", "error": "\(error)"])
            }
        }
    }

    /// What is wrong with a blob, as its row was when it was found.
    struct DamagedBlob: Sendable {
        let blob: FoundBlob
        let damage: Damage
    }

    /// Counts and logs damage, and marks the blob if `DamageRule` allows it.
    func handle(_ found: DamagedBlob) async throws(StoreError) {
        let damage = found.damage
        meters.damagesFound.add(for: damage.kind.label)
        let sums = try await catalog.read { reader throws(SharedCatalogError) in try reader.sums() }
        let may = DamageRule.maySetAside(aside: sums.damaged.count, held: sums.held.count)
        let isMarked = may ? try await mark(found) : false
        let facts: Logger.Metadata = [
            "blob": "\(found.blob.row.address.hex)", "kind": "\(damage.kind.label)", "detail": "\(damage.detail)",
        ]
        if isMarked {
            logger.error("Marked a blob as damaged; uploading the same bytes heals it", metadata: facts)
        } else if damage.kind == .unreadable {
            logger.error("The object store does not return a blob; look at its objects there", metadata: facts)
        } else if may {
            logger.notice("A damaged blob is intact again", metadata: facts)
        } else {
            logger.error(
                "Left a damaged blob as it is: too many are damaged; check the object store", metadata: facts)
        }
    }

    /// Marks a blob as damaged whose row still names the same object. Returns whether it did: not where its bytes may be
    /// right, and are only not returned now.
    func mark(_ found: DamagedBlob) async throws(StoreError) -> Bool {
        if found.damage.kind == .unreadable { return false }
        let (address, object) = (found.blob.row.address, found.blob.object)
        do throws(StoreError) {
            let change = MarkDamaged(address)
            let committed = try await make({ change }) { isMarked, page throws(StoreError) in
                // Undone where new bytes have come.
                guard isMarked, page[address] == object else { throw .notFound }
            }
            await ends.wait(for: committed)
            return true
        } catch {
            guard error == .notFound else { throw error }
            return false
        }
    }

    /// A blob if its row says that it is held.
    func heldBlob(_ address: BlobAddress) async throws(StoreError) -> FoundBlob? {
        guard let found = try await catalog.find(address), found.row.state == .held else { return nil }
        return found
    }

    /// Reads all bytes of a blob and tells what is wrong with them; nil if they are the blob's, or if its row has changed
    /// meanwhile. `pace` is called after each object with its number of bytes; what it throws, this throws. What is wrong
    /// is looked at twice, since an answer of an object store may be wrong as well.
    ///
    /// - Parameter reads: whether to read; otherwise only the sizes of the objects are compared.
    func examine(
        _ blob: FoundBlob, reads: Bool = true, pace: (_ bytes: Int) async throws(StoreError) -> Void = { _ in }
    ) async throws(StoreError) -> DamagedBlob? {
        guard try await damage(of: blob, reads: reads, pace: pace) != nil else { return nil }
        guard let again = try await heldBlob(blob.row.address) else { return nil }
        return try await damage(of: again, reads: reads) { _ in }.map { DamagedBlob(blob: again, damage: $0) }
    }

    private func damage(
        of blob: FoundBlob, reads: Bool, pace: (_ bytes: Int) async throws(StoreError) -> Void
    ) async throws(StoreError) -> Damage? {
        guard let object = blob.object else { return Damage(.missing, "the row names no object") }
        let whole = ObjectRow(
            id: object.id, list: object.id, number: 0, size: blob.row.size, digest: blob.row.address)
        let parts = object.isList ? blob.parts : [whole]
        let total = parts.reduce(0) { $0 + $1.size }
        if total != blob.row.size {
            return Damage(.wrongSize, "its objects have \(total) bytes instead of \(blob.row.size)")
        }
        var hasher = BlobHasher()
        for part in parts {
            let (bytes, damage) = try await look(at: part, reads: reads)
            if let damage { return damage }
            if object.isList, let bytes { hasher.update(bytes) }
            try await pace(Int(part.size))
        }
        // Of a single object the digest is the address.
        guard reads, object.isList, hasher.address() != blob.row.address else { return nil }
        return Damage(.wrongBytes, "its objects are right, and together have another SHA-256")
    }

    /// Whether the object store returns anything.
    private func answers() async -> Bool {
        do throws(ObjectError) { return try await objects.get(.store, range: nil) != nil } catch { return false }
    }

    /// What is wrong with one object; its bytes where nothing is and they were read.
    private func look(
        at part: ObjectRow, reads: Bool
    ) async throws(StoreError) -> (bytes: [UInt8]?, damage: Damage?) {
        let name = ObjectName(part.id)
        let (bytes, size): ([UInt8]?, Int64?)
        do throws(ObjectError) {
            bytes = reads ? try await objects.get(name, range: nil) : nil
            size = reads ? bytes.map { Int64($0.count) } : try await objects.size(of: name)
        } catch {
            guard await answers() else { throw StoreError(error) }
            return (nil, Damage(.unreadable, "the object \(name) is not returned: \(error.description)"))
        }
        guard let size else { return (nil, Damage(.missing, "the object \(name) is missing")) }
        guard size == part.size else {
            return (nil, Damage(.wrongSize, "the object \(name) has \(size) bytes instead of \(part.size)"))
        }
        guard let bytes else { return (nil, nil) }
        guard BlobAddress(of: bytes) == part.digest else {
            return (nil, Damage(.wrongBytes, "the object \(name) has another SHA-256"))
        }
        return (bytes, nil)
    }
}
