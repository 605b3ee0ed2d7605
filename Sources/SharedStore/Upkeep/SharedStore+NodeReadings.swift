import Blobs
import SharedCatalog
import Store
package import Telemetry

extension SharedStore {
    /// The most garbage that a reading counts.
    private static let garbageLimit = 100_000

    /// What only a node of a shared store has to say for metrics. What the database does not answer is left out.
    package func nodeReadings() async -> NodeReadings {
        let now = now()
        let answer = try? await catalog.read { reader throws(SharedCatalogError) in
            (try reader.nodes().count { $0.isAlive }, try reader.garbageBacklog(limit: Self.garbageLimit))
        }
        let commits = catalog.commitFigures
        return NodeReadings(
            heardSeconds: ends.age.map { $0 / .seconds(1) }, nodesAlive: answer?.0, garbage: answer?.1.count,
            garbageDueSeconds: answer.map { max(0, $0.1.oldest.map { now.secondsSince($0) } ?? 0) },
            batches: commits.batches, changes: commits.changes, retries: commits.retries,
            lostAnswers: commits.lostAnswers,
            waitingChanges: catalog.waitingChanges)
    }
}
