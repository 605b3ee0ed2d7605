package import Blobs
import Store

/// The addresses that one transaction changes something about: what was found of them before must be forgotten when it
/// ends. Used by one thread at a time.
package final class TouchedAddresses {
    package private(set) var addresses: Set<BlobAddress> = []

    package init() {}

    func insert(_ address: BlobAddress) { addresses.insert(address) }
}
