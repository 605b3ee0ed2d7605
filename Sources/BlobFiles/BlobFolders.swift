package import Blobs

/// The folders that hold files named by address. They lie on one file system, so that a rename moves a file between them.
package struct BlobFolders: Sendable {
    /// Holds the 256 folders of blobs.
    package let blobs: String
    /// Holds files on their way in.
    package let staging: String
    /// Holds damaged files that were set aside.
    package let damaged: String

    package init(blobs: String, staging: String, damaged: String) {
        self.blobs = blobs
        self.staging = staging
        self.damaged = damaged
    }

    /// The names of the 256 folders: the first two digits of the addresses in them.
    package static let shards: [String] = (0...255).map { Hexadecimal.encode([UInt8($0)]) }

    package func shard(_ name: String) -> String { "\(blobs)/\(name)" }

    package func blob(_ address: BlobAddress) -> String { "\(blobs)/\(address.shard)/\(address.hex)" }

    package func setAside(_ address: BlobAddress) -> String { "\(damaged)/\(address.hex)" }
}
