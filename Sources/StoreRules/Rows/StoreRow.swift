package import Blobs
package import Store

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
    /// How many transactions the catalog has seen.
    package let commits: Int64
    /// The latest time that was ever committed.
    package let latest: Timestamp
    /// Whether this catalog was put back from a copy, so that its silence about a file means nothing.
    package let isRestored: Bool
    /// The clocks at the last sweep that was allowed to remove.
    package let lastPass: ClockReading

    package init(
        identity: StoreIdentity, commits: Int64, latest: Timestamp, isRestored: Bool, lastPass: ClockReading
    ) {
        self.identity = identity
        self.commits = commits
        self.latest = latest
        self.isRestored = isRestored
        self.lastPass = lastPass
    }
}

/// A file without a row, as sweeps remember it.
package struct OrphanSighting: Sendable, Hashable {
    package let firstSeen: Timestamp
    /// The number of the sweep that saw it last.
    package var lastPass: Int64

    package init(firstSeen: Timestamp, lastPass: Int64) {
        self.firstSeen = firstSeen
        self.lastPass = lastPass
    }
}

/// One time of going through all blobs in the background, as far as it has come.
package struct ScrubRow: Sendable, Hashable {
    /// Which of the two that are remembered.
    package enum Place: Int, Sendable {
        case underWay = 1
        /// The last one that came to its end.
        case finished = 2
    }

    package var began: Timestamp
    /// When this was written down; of a finished one its end.
    package var latest: Timestamp
    /// The address looked at last; nil before the first.
    package var cursor: BlobAddress?
    package var blobs: Int64 = 0
    package var bytes: Int64 = 0
    /// Blobs that were not as they should be.
    package var damaged: Int64 = 0

    package init(began: Timestamp) {
        self.began = began
        latest = began
    }
}

/// What a catalog holds, as its own kept sums say; or by how much that changes.
package struct StoreSums: Sendable, Hashable {
    package var held = BlobTotal()
    package var removing = BlobTotal()
    package var damaged = BlobTotal()
    package var gone = BlobTotal()
    /// Leases that have not been ended.
    package var leases: Int64 = 0
    /// Leases that have ended and are remembered.
    package var endedLeases: Int64 = 0

    package init() {}

    /// The sum over the blobs in one state.
    package subscript(_ state: BlobState) -> BlobTotal {
        get {
            switch state {
            case .held: held
            case .removing: removing
            case .damaged: damaged
            case .gone: gone
            }
        }
        set {
            switch state {
            case .held: held = newValue
            case .removing: removing = newValue
            case .damaged: damaged = newValue
            case .gone: gone = newValue
            }
        }
    }

    /// Counts a blob in, or out again with -1.
    package mutating func count(_ blob: BlobRow, by one: Int64 = 1) {
        self[blob.state].count += one
        self[blob.state].bytes += one * blob.size
    }

    /// Counts a lease in, or out again with -1.
    package mutating func count(_ lease: LeaseRow, by one: Int64 = 1) {
        if lease.ended == nil { leases += one } else { endedLeases += one }
    }
}
