package import Blobs

/// Whether the clock of a database that several nodes share can be trusted with removing.
///
/// Each node compares it with its own clock (`difference`); what most of them say counts. A node is no more trusted than
/// the database: where they disagree, a person decides.
package enum NodeClocks {
    /// How far the database may be from the nodes.
    package static let toleranceSeconds: Int64 = 600

    /// By how many seconds the clock of the database is ahead of a node's, or behind it; saturated.
    package static func difference(database: Timestamp, node: Timestamp) -> Int64 {
        let (difference, overflow) = database.seconds.subtractingReportingOverflow(node.seconds)
        return overflow ? (database < node ? .min : .max) : difference
    }

    /// - Parameters:
    ///   - differences: one for each node that is alive; none where no node has told its own.
    ///   - accepted: the difference that a person has said is right; 0 unless one has.
    package static func hold(differences: [Int64], accepted: Int64) -> SweepHold? {
        guard let median = median(differences) else { return nil }
        let (rest, overflow) = median.subtractingReportingOverflow(accepted)
        if !overflow, rest.magnitude <= toleranceSeconds { return nil }
        return median.magnitude <= toleranceSeconds
            ? nil : .databaseParted(seconds: Int64(clamping: median.magnitude))
    }

    /// What a person accepts who says that the database is right.
    package static func acceptance(of differences: [Int64]) -> Int64 {
        guard let median = median(differences), median.magnitude > toleranceSeconds else { return 0 }
        return median
    }

    /// Of an even number, that one of the two in the middle which is nearer to the database.
    private static func median(_ differences: [Int64]) -> Int64? {
        let sorted = differences.sorted()
        guard !sorted.isEmpty else { return nil }
        let (low, high) = (sorted[(sorted.count - 1) / 2], sorted[sorted.count / 2])
        return low.magnitude < high.magnitude ? low : high
    }
}
