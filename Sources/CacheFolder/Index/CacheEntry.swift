package import Blobs

/// What a cache knows of one blob that it holds.
///
/// The index stores times as whole seconds from 1970 to 2106 and nearest to what is given here, and at most 65,535
/// reads, so what comes back may be clamped. A Sunset after 2106 comes back as 2106: nothing lives longer for it.
package struct CacheEntry: Hashable, Sendable {
    package let address: BlobAddress
    /// Bytes of the blob, at least 0.
    package var size: Int64
    /// From this second on it must not be served.
    package var sunset: Timestamp
    /// When its source last said that it may be served.
    package var checked: Timestamp
    /// When it came into the cache.
    package var arrived: Timestamp
    /// When it was last read; the time of its arrival, if it never was.
    package var lastRead: Timestamp
    /// How often it was read.
    package var reads: Int
    /// When its source said that this entry may be wrong; nil if it did not, or was asked since.
    package var marked: Timestamp?
    /// Whether its bytes must be hashed before they are used.
    package var isUnverified: Bool

    /// An entry for a blob that has arrived and was checked just now.
    package init(
        address: BlobAddress, size: Int64, sunset: Timestamp, arrived: Timestamp, reads: Int = 0,
        isUnverified: Bool = false
    ) {
        self.address = address
        self.size = size
        self.sunset = sunset
        self.arrived = arrived
        self.reads = reads
        self.isUnverified = isUnverified
        checked = arrived
        lastRead = arrived
        marked = nil
    }

    /// Whether its source must be asked before it is used.
    package var isMarked: Bool { marked != nil }
}
