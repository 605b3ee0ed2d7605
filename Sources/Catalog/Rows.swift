package import Blobs
import GRDB
package import Store

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
package struct BlobRow: Sendable {
    package let id: Int64
    package let address: BlobAddress
    /// Bytes of the blob.
    package let size: Int64
    package let state: BlobState
    /// Leases that have not been ended; some may be over by time already.
    package let leases: Int
    /// The latest end of those leases; nil where there are none.
    package let sunset: Timestamp?
    /// Why the last lease ended or, while one lives, why the last of them will; nil for its time being up.
    package let reason: EndReason?

    /// Why the blob may not be served at `now`; nil while a lease holds it.
    package func end(at now: Timestamp) -> EndReason? {
        guard state == .held || state == .damaged else { return reason ?? .expired }
        guard let sunset else { return reason ?? .expired }
        return sunset > now ? nil : reason ?? .expired
    }
}

/// One lease as the catalogue keeps it.
package struct LeaseRow: Sendable {
    package let id: Int64
    package let blob: Int64
    /// Who is charged; nil once the lease has ended.
    package let subject: String?
    package let created: Timestamp
    package let expires: Timestamp
    /// The longest that it may last from any moment on.
    package let limit: Lifetime
    package let recipients: Int?
    /// How many secrets may say "delivered".
    package let hashes: Int
    /// When the last recipient expected had said so; nil until then.
    package let delivered: Timestamp?
    /// Why it was ended; nil where it was not, though its time may be up.
    package let reason: EndReason?

    /// Why the lease holds nothing at `now`; nil while it does.
    package func end(at now: Timestamp) -> EndReason? {
        if let reason { return reason }
        if expires > now { return nil }
        return delivered == nil ? .expired : .delivered
    }
}

/// What a subject holds.
package struct Charge: Sendable, Hashable {
    package var leases: Int
    /// The sum of max(size, 4096) over its leases.
    package var bytes: Int64

    /// Bytes that one lease on `size` bytes costs its subject.
    package static func bytes(for size: Int64) -> Int64 { max(size, 4096) }
}

/// A moment on the wall clock and on one that only goes forward within the life of a machine.
package struct ClockReading: Sendable, Hashable {
    package let wall: Timestamp
    /// Seconds since the machine was started.
    package let monotonicSeconds: Int64
    /// Names the life of the machine: readings from two of them have nothing to do with each other.
    package let boot: String

    package init(wall: Timestamp, monotonicSeconds: Int64, boot: String) {
        self.wall = wall
        self.monotonicSeconds = monotonicSeconds
        self.boot = boot
    }
}

/// The one row about the store itself.
package struct StoreRow: Sendable {
    package let identity: StoreIdentity
    /// How many transactions the catalogue has seen.
    package let commits: Int64
    /// The latest time that was ever committed.
    package let latest: Timestamp
    /// Whether this catalogue was put back from a copy, so that its silence about a file means nothing.
    package let isRestored: Bool
    /// The clocks at the last sweep that was allowed to remove.
    package let lastPass: ClockReading
}
