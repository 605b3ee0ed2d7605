package import Blobs
package import Store
import Vault

/// What an operator wants done about one blob.
package struct RemoveOptions: Sendable, Codable {
    /// What shall become of the address.
    package enum Wish: String, Sendable, Codable {
        /// Every lease ends and the file goes; the same bytes may come again.
        case remove
        /// The same, and nobody may hold it again.
        case ban
        /// It may be held again; nothing is removed.
        case unban
    }

    package let address: BlobAddress
    package let wish: Wish

    package init(address: BlobAddress, wish: Wish) {
        self.address = address
        self.wish = wish
    }
}

/// What was done about one blob.
package struct RemoveReport: Sendable, Codable, Hashable {
    package let address: BlobAddress
    /// Whether the store knew of it.
    package var isKnown = false
    /// Leases that lived and were ended.
    package var leasesEnded = 0
    package var blobsRemoved = 0
    package var bytesRemoved: Int64 = 0
    package var isBanned = false
    /// Whether a ban was there to be lifted.
    package var wasBanned = false

    package init(address: BlobAddress) {
        self.address = address
    }
}

extension Lifecycle {
    /// Does what an operator wants done about one blob. Waits for no sweep.
    package func remove(_ options: RemoveOptions) async throws(StoreError) -> RemoveReport {
        var report = RemoveReport(address: options.address)
        if options.wish == .unban {
            report.wasBanned = try await vault.liftBan(on: options.address)
            return report
        }
        report.isBanned = options.wish == .ban
        let expulsion = try await vault.expel(options.address, banning: report.isBanned)
        report.isKnown = expulsion.isKnown
        report.leasesEnded = expulsion.leasesEnded
        report.blobsRemoved = expulsion.removed.count
        report.bytesRemoved = expulsion.removed.bytes
        return report
    }
}
