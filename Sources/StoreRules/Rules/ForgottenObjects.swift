package import Store

/// What happens to objects that are older than `ObjectRule.orphanSeconds` and that no row names. They are what nodes left
/// that died, and garbage, unless it is the rows that are missing.
package enum ForgottenObjects {
    /// What the crashes of one node can leave between two searches.
    package static let limitPerNode = OrphanRule.crashLimit
    /// More than this are never removed without an operator: they are remembered until all are counted.
    package static let limit = 100_000

    /// Why they are kept; nil where they may go.
    ///
    /// - Parameters:
    ///   - found: such objects.
    ///   - accounted: objects of the same time that rows name.
    ///   - nodes: nodes that there were lately.
    ///   - isPutBack: whether the catalog was put back from a copy.
    package static func reasonToKeep(
        found: Int, accounted: Int, nodes: Int, isPutBack: Bool, options: CollectOptions
    ) -> String? {
        if options.orphans { return nil }
        if isPutBack { return "the catalog is older than the objects; what it does not know is kept" }
        let (crashes, overflow) = max(1, nodes).multipliedReportingOverflow(by: limitPerNode)
        let share = max(overflow ? .max : crashes, (found + accounted) / 100)
        guard found > min(share, limit) else { return nil }
        return "\(found) of \(found + accounted) objects are not in the catalog; is it the right one? All are kept"
    }
}
