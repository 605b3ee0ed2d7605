package import Blobs
import Store

/// Where everything lies in a storage folder; storage/README.md tells it to people.
package struct DiskLayout: Sendable {
    /// The storage folder.
    package let root: String

    package init(root: String) {
        self.root = root
    }

    package var blobs: String { "\(root)/blobs.v1" }
    package var identity: String { "\(blobs)/STORE" }
    package var staging: String { "\(root)/staging" }
    package var damaged: String { "\(root)/damaged" }
    package var catalog: String { "\(root)/catalog.sqlite" }
    package var lock: String { "\(root)/lock" }
    package var controlSocket: String { "\(root)/control.sock" }
    package var ballast: String { "\(root)/ballast" }
    /// Where a store lies until all of it has been made: `blobs.v1` and `catalog.sqlite`, to be renamed into place.
    package var making: String { "\(root)/making" }

    /// The 256 folders that hold blobs, by the first two digits of their addresses.
    package static let shards: [String] = (0...255).map { Hexadecimal.encode([UInt8($0)]) }

    package func shard(_ name: String) -> String { "\(blobs)/\(name)" }

    package func blob(_ address: BlobAddress) -> String { "\(blobs)/\(address.shard)/\(address.hex)" }

    package func setAside(_ address: BlobAddress) -> String { "\(damaged)/\(address.hex)" }
}
