package import Blobs
import DiskStore
import Files
import MemoryObjects
import MemoryStore
import Objects
import StoreRules
import TestSupport

/// What a test sees of the stored bytes, and does to them, behind the back of the store.
extension StoreFixture {
    private func layout(_ folder: TemporaryFolder) -> DiskLayout { DiskLayout(root: folder.path("store")) }

    /// The bytes at the place of a blob, whatever is said of it.
    package func bytes(of address: BlobAddress) throws -> [UInt8]? {
        switch place {
        case .disk(let folder):
            let path = layout(folder).blob(address)
            return try Folder.status(path) == nil ? nil : try TestSupport.bytes(ofFile: path)
        case .memory(let volume): return volume.bytes(of: address)
        case .shared(let place):
            let parts = try place.objects(of: address).map { try place.objectBucket.bytes(of: $0) }
            return parts.isEmpty || parts.contains(nil) ? nil : parts.flatMap { $0 ?? [] }
        }
    }

    /// Damages the bytes of a blob.
    package func inflict(_ harm: Harm, on address: BlobAddress) throws {
        switch place {
        case .disk(let folder): try harm.inflict(onFile: layout(folder).blob(address))
        case .memory(let volume): volume.put(volume.bytes(of: address).flatMap { harm.applied(to: $0) }, at: address)
        case .shared(let place):
            guard let object = try place.objects(of: address).first else { return }
            try place.objectBucket.set(
                try place.objectBucket.bytes(of: object).flatMap { harm.applied(to: $0) }, as: object)
        }
    }

    /// Puts bytes at the place of their blob, which the catalog does not know; or as an object of some days ago. Returns
    /// what a check calls them.
    @discardableResult
    package func plant(_ bytes: [UInt8]) throws -> String {
        let address = StoreTestSupport.address(of: bytes)
        switch place {
        case .disk(let folder): try write(bytes, toFile: layout(folder).blob(address))
        case .memory(let volume): volume.put(bytes, at: address)
        case .shared(let place):
            let born = clock.wall.seconds - ObjectRule.orphanSeconds - 3600
            let name = ObjectName(.new(at: Timestamp(seconds: born)))
            try place.objectBucket.set(bytes, as: name)
            return name.text
        }
        return address.hex
    }

    /// How many blobs have had damaged bytes set aside that are still there.
    package func setAsideCount() throws -> Int {
        switch place {
        case .disk(let folder): try Folder.names(in: layout(folder).damaged).count
        case .memory(let volume): volume.addressesSetAside.count
        // They stay where they are until new ones come.
        case .shared: 0
        }
    }

    // MARK: Uploads

    /// The bytes that uploads under way have stored: of those that outlive their requests by their ids.
    package func staged() throws -> [String] {
        switch place {
        case .disk(let folder): try Folder.names(in: layout(folder).staging)
        case .memory(let volume):
            volume.stagedUploads.map(\.hex) + (0..<volume.plainUploads).map { "plain \($0)" }
        // Of those in one request nothing has a name.
        case .shared(let place):
            try place.ask("SELECT encode(id, 'hex') FROM satchel.upload WHERE state = 1").map { $0[0] }
        }
    }

    /// Leaves bytes of an upload that does not exist.
    package func leaveStaged(_ bytes: [UInt8]) throws {
        switch place {
        case .disk(let folder): try write(bytes, toFile: "\(layout(folder).staging)/dead")
        case .memory(let volume): volume.stage(bytes, as: .random())
        case .shared: preconditionFailure("what is staged here is rows, or has no name")
        }
    }

    /// Cuts the stored bytes of an upload short; without a count drops them.
    package func cut(_ upload: UploadID, to count: Int?) throws {
        switch place {
        case .disk(let folder):
            let path = "\(layout(folder).staging)/\(upload.hex)"
            if let count { try OpenFile(path, .update).truncate(to: Int64(count)) } else { try Folder.remove(path) }
        case .memory(let volume): volume.cut(upload, to: count)
        case .shared(let place):
            var rest = count ?? 0
            for object in try place.objects(of: upload) {
                let bytes = try place.objectBucket.bytes(of: object) ?? []
                try place.objectBucket.set(rest > 0 ? Array(bytes.prefix(rest)) : nil, as: object)
                rest -= min(rest, bytes.count)
            }
        }
    }

    // MARK: Sums

    /// What each subject is charged and what it owes, counted anew. The store must be closed.
    package func charges() throws -> Charges {
        switch place {
        case .disk(let folder): return try Charges(ofStore: folder.path("store"))
        case .memory(let volume):
            let usages = volume.usages
            let sum = { (usage: Usage) in Charges.Sum(leases: usage.leases, bytes: usage.bytes) }
            return Charges(charged: usages.charged.mapValues(sum), owed: usages.owed.mapValues(sum))
        case .shared(let place):
            return Charges(
                charged: try place.charges(
                    "SELECT subject, leases, bytes FROM satchel.charge WHERE leases <> 0 OR bytes <> 0"),
                owed: try place.charges(
                    """
                    SELECT l.subject, count(*), sum(greatest(b.size, 4096)) FROM satchel.lease l
                    JOIN satchel.blob b USING (address) WHERE l.ended IS NULL GROUP BY l.subject
                    """))
        }
    }
}

extension SharedPlace {
    fileprivate func charges(_ question: String) throws -> [String: Charges.Sum] {
        try ask(question).reduce(into: [:]) { charges, row in
            charges[row[0]] = Charges.Sum(leases: Int(row[1]) ?? -1, bytes: Int64(row[2]) ?? -1)
        }
    }
}
