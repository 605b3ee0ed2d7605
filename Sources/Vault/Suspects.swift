import Blobs
import Store
import Synchronization

/// Blobs whose file gave trouble while it was being read, to be looked at soon. Bounded: where trouble is everywhere, a
/// check that goes through everything finds it.
final class Suspects: Sendable {
    /// The most that wait.
    static let limit = 1000

    private let addresses = Mutex<Set<BlobAddress>>([])

    /// Notes that the file of `address` gave trouble.
    func add(_ address: BlobAddress) {
        addresses.withLock { addresses in
            if addresses.count < Self.limit { addresses.insert(address) }
        }
    }

    /// Hands over those that wait.
    func take() -> Set<BlobAddress> {
        addresses.withLock { addresses in
            defer { addresses = [] }
            return addresses
        }
    }
}
