package import Blobs
package import StoreRules
import Synchronization

/// The memory that a store lies in. It outlives the store, as a disk does, and another can be opened in it.
package final class MemoryVolume: Sendable {
    let state: Mutex<MemoryState>
    /// The number of the store that is open in it.
    let opening = Atomic(0)

    package init(created clocks: ClockReading) {
        state = Mutex(MemoryState(created: clocks))
    }
}

/// What tests see of it, and do to it, behind the back of the store.
extension MemoryVolume {
    /// The bytes at the place of a blob.
    package func bytes(of address: BlobAddress) -> [UInt8]? { state.withLock { $0.blobs[address] } }

    /// Puts bytes at the place of a blob, or nothing.
    package func put(_ bytes: [UInt8]?, at address: BlobAddress) { state.withLock { $0.blobs[address] = bytes } }

    /// The blobs whose damaged bytes are kept.
    package var addressesSetAside: [BlobAddress] { state.withLock { Array($0.aside.keys) } }

    /// Uploads whose bytes are kept from one request to the next.
    package var stagedUploads: [UploadID] { state.withLock { Array($0.staged.keys) } }

    package func stage(_ bytes: [UInt8], as upload: UploadID) { state.withLock { $0.staged[upload] = bytes } }

    /// How many requests have brought bytes of uploads that end with them.
    package var plainUploads: Int { state.withLock { $0.sessions.values.count { $0.continued == nil } } }

    /// Cuts the bytes of an upload short, or drops them.
    package func cut(_ upload: UploadID, to count: Int?) {
        state.withLock { state in
            state.staged[upload] = count.flatMap { state.staged[upload]?.prefix($0) }.map(Array.init)
        }
    }

    /// What each subject is charged, and what its leases come to.
    package var usages: (charged: [String: Usage], owed: [String: Usage]) {
        state.withLock { ($0.catalog.usages, $0.catalog.owed) }
    }
}
