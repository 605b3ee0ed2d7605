package import Store

extension Meters {
    /// Counts a sweep that came to its end and was no dry run.
    package func count(_ report: CollectReport) {
        passes.add(for: (report.hold == nil ? SweepOutcome.done : .held).rawValue)
        passTimes.record(.seconds(report.seconds))
        leasesEnded.add(report.leasesEnded)
        blobsRemoved.add(report.blobsRemoved)
        removedBytes.add(Int(report.bytesRemoved))
        orphansRemoved.add(report.orphansRemoved)
        uploadsExpired.add(report.uploadsExpired)
    }
}
