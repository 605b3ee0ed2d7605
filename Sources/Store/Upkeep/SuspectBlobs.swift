package import Blobs
import Synchronization

/// Blobs that could not be read properly, to be checked soon. Bounded: trouble beyond the limit is left to the scrub.
package final class SuspectBlobs: Sendable {
    /// The most that are kept.
    package static let limit = 1000

    private let addresses = Mutex<Set<BlobAddress>>([])

    package init() {}

    package func add(_ address: BlobAddress) {
        addresses.withLock { addresses in
            if addresses.count < Self.limit { addresses.insert(address) }
        }
    }

    /// Hands over all that are kept.
    package func take() -> Set<BlobAddress> {
        addresses.withLock { addresses in
            defer { addresses = [] }
            return addresses
        }
    }
}
