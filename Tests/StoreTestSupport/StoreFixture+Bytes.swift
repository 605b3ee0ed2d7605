package import Blobs
import DiskStore
import Files
import MemoryStore
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
        }
    }

    /// Damages the bytes of a blob.
    package func inflict(_ harm: Harm, on address: BlobAddress) throws {
        switch place {
        case .disk(let folder): try harm.inflict(onFile: layout(folder).blob(address))
        case .memory(let volume): volume.put(volume.bytes(of: address).flatMap { harm.applied(to: $0) }, at: address)
        }
    }

    /// Puts bytes at the place of their blob, which the catalog does not know.
    package func plant(_ bytes: [UInt8]) throws {
        switch place {
        case .disk(let folder): try write(bytes, toFile: layout(folder).blob(StoreTestSupport.address(of: bytes)))
        case .memory(let volume): volume.put(bytes, at: StoreTestSupport.address(of: bytes))
        }
    }

    /// How many blobs have had damaged bytes set aside that are still there.
    package func setAsideCount() throws -> Int {
        switch place {
        case .disk(let folder): try Folder.names(in: layout(folder).damaged).count
        case .memory(let volume): volume.addressesSetAside.count
        }
    }

    // MARK: Uploads

    /// The bytes that uploads under way have stored: of those that outlive their requests by their ids.
    package func staged() throws -> [String] {
        switch place {
        case .disk(let folder): try Folder.names(in: layout(folder).staging)
        case .memory(let volume):
            volume.stagedUploads.map(\.hex) + (0..<volume.plainUploads).map { "plain \($0)" }
        }
    }

    /// Leaves bytes of an upload that does not exist.
    package func leaveStaged(_ bytes: [UInt8]) throws {
        switch place {
        case .disk(let folder): try write(bytes, toFile: "\(layout(folder).staging)/dead")
        case .memory(let volume): volume.stage(bytes, as: .random())
        }
    }

    /// Cuts the stored bytes of an upload short; without a count drops them.
    package func cut(_ upload: UploadID, to count: Int?) throws {
        switch place {
        case .disk(let folder):
            let path = "\(layout(folder).staging)/\(upload.hex)"
            if let count { try OpenFile(path, .update).truncate(to: Int64(count)) } else { try Folder.remove(path) }
        case .memory(let volume): volume.cut(upload, to: count)
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
        }
    }
}
