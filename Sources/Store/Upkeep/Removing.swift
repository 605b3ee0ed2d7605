package import Blobs

/// What an operator wants done about one blob.
package struct RemoveOptions: Sendable, Codable {
    package enum Action: String, Sendable, Codable {
        /// End every lease and delete the bytes; the same bytes may be uploaded again.
        case takeDown
        /// The same, and refuse the address from now on.
        case ban
        /// Accept the address again; removes nothing.
        case unban
    }

    package let address: BlobAddress
    package let action: Action

    package init(address: BlobAddress, action: Action) {
        self.address = address
        self.action = action
    }
}

/// What was done about one blob.
package struct RemoveReport: Sendable, Codable, Hashable {
    package let address: BlobAddress
    /// Whether the store knew the address.
    package var isKnown = false
    /// Leases that were live and are ended now.
    package var leasesEnded = 0
    /// 0 if there were no bytes, or if they were busy: then they are no longer served, and the next sweep deletes them.
    package var blobsRemoved = 0
    package var bytesRemoved: Int64 = 0
    package var isBanned = false
    /// Whether there was a ban to lift.
    package var wasBanned = false

    package init(address: BlobAddress) {
        self.address = address
    }
}
