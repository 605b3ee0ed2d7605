/// What a catalogue holds, as its own kept sums say; or by how much that changes.
package struct StoreSums: Sendable, Hashable {
    /// A number of rows, and the bytes of the blobs that they are about.
    package struct Sum: Sendable, Hashable {
        package var count: Int64
        package var bytes: Int64

        package init(count: Int64 = 0, bytes: Int64 = 0) {
            self.count = count
            self.bytes = bytes
        }
    }

    package var held = Sum()
    package var removing = Sum()
    package var damaged = Sum()
    package var gone = Sum()
    /// Leases that have not been ended.
    package var leases: Int64 = 0
    /// Leases that have ended and are remembered.
    package var endedLeases: Int64 = 0

    package init() {}

    /// The sum over the blobs in one state.
    package subscript(_ state: BlobState) -> Sum {
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
