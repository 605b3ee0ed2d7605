import Store

/// Every instrument of one process that is counted on as things happen; what can be looked up when somebody asks is in
/// `Readings`. `MetricTable` says how both are told.
package final class Meters: Sendable {
    package let requests = RequestMeter()
    /// Refusals by their short reason.
    package let refusals: LabelledCounter

    // MARK: Durable writing

    /// Uploads under way.
    package let openUploads = Gauge()
    /// From asking for the bytes of an upload to be durable until they are.
    package let fileSyncs = Histogram(.time)
    /// The same for the names of a batch.
    package let nameSyncs = Histogram(.time)
    /// The same for the rows of a batch.
    package let commits = Histogram(.time)
    /// Changes that shared a batch.
    package let batchChanges = Histogram(.things)

    // MARK: Garbage collection

    package let passes = LabelledCounter(labels: SweepOutcome.allCases.map(\.rawValue))
    package let passTimes = Histogram(.time)
    package let leasesEnded = Counter()
    package let blobsRemoved = Counter()
    package let removedBytes = Counter()
    package let orphansRemoved = Counter()
    package let uploadsExpired = Counter()

    // MARK: The background check

    package let scrubbedBlobs = Counter()
    package let scrubbedBytes = Counter()
    /// Damaged blobs that were found by going through all or after trouble with one, by what was wrong.
    package let damagesFound = LabelledCounter(labels: Damage.Kind.ofHeldBlobs.map(\.label))

    // MARK: The process

    /// How late the event loops did what was due.
    package let loopLag = Histogram(.time)
    /// Lines of the access log that were lost because nobody could write them fast enough.
    package let accessLinesDropped = Counter()

    /// - Parameter refusalCodes: the short reasons that there are.
    package init(refusalCodes: [String] = []) {
        refusals = LabelledCounter(labels: refusalCodes)
    }
}
