package import Store

/// What a catalogue holds, as its own kept sums say; or by how much that changes.
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
