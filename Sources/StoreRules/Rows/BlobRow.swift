package import Blobs

/// What the catalogue holds of an address.
package enum BlobState: Int, Sendable {
    /// The file is there with the right size.
    case held = 1
    /// Its removal has begun and will be finished, come what may.
    case removing = 2
    /// What was on disk was not the blob; new bytes heal it.
    case damaged = 3
    /// A tombstone: nothing is on disk.
    case gone = 4

    /// Whether a file at the blob's place is accounted for by a row in this state.
    package var ownsFile: Bool { self != .gone }
}

/// The row of one address.
package struct BlobRow: Sendable, Hashable {
    package let address: BlobAddress
    /// Bytes of the blob.
    package var size: Int64
    package var state: BlobState
    /// When its bytes came.
    package var uploaded: Timestamp
    /// Leases that have not been ended; some may be over by time already.
    package var leases: Int
    /// The latest end of those leases; nil where there are none.
    package var sunset: Timestamp?
    /// Why the last lease ended or, while one lives, why the last of them will; nil for its time being up.
    package var reason: EndReason?
    /// When the file went; nil while there is one.
    package var ended: Timestamp?

    package init(
        address: BlobAddress, size: Int64, state: BlobState, uploaded: Timestamp, leases: Int = 0,
        sunset: Timestamp? = nil, reason: EndReason? = nil, ended: Timestamp? = nil
    ) {
        self.address = address
        self.size = size
        self.state = state
        self.uploaded = uploaded
        self.leases = leases
        self.sunset = sunset
        self.reason = reason
        self.ended = ended
    }

    /// Why the blob may not be served at `now`; nil while a lease holds it.
    package func end(at now: Timestamp) -> EndReason? {
        guard state == .held || state == .damaged else { return reason ?? .expired }
        guard let sunset else { return reason ?? .expired }
        return sunset > now ? nil : reason ?? .expired
    }

    /// Whether nobody holds it any more and its removal has not begun.
    package var isUnheld: Bool { leases == 0 && (state == .held || state == .damaged) }
}
