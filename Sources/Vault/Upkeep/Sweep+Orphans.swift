import BlobFiles
import Blobs
import Catalog
import DiskStore
import Store
import StoreRules

/// Orphans, which are files without a row: found, remembered, and removed when `OrphanRule` allows it.
extension Sweep {
    mutating func removeOrphans() async throws(StoreError) {
        let store = try await vault.read { try $0.store() }
        let accounted = try await findOrphans(pass: store.commits)
        let verdict = OrphanRule.judge(
            found: report.orphansFound, accounted: accounted, isRestored: store.isRestored, options: options,
            now: vault.now())
        switch verdict {
        case .keep(let why):
            if report.orphansFound > 0 { report.orphansKept = why }
        case .remove(let seenBy):
            try await removeSighted(seenBy: seenBy)
            // With all orphans gone, the restored catalog is complete again.
            if store.isRestored && report.orphansRemoved == report.orphansFound {
                try await vault.make(SetRestored(false))
            }
        }
    }

    /// Counts orphans, records when each was first seen, and forgets those that are gone. Returns the number of files
    /// that have a row.
    mutating func findOrphans(pass: Int64) async throws(StoreError) -> Int {
        var accounted = 0
        for shard in BlobFolders.shards {
            let survey = try await vault.survey(shard: shard)
            accounted += survey.accounted
            for start in stride(from: 0, to: survey.suspects.count, by: Catalog.pageRows) {
                let end = min(start + Catalog.pageRows, survey.suspects.count)
                let orphans = try await vault.orphans(among: Array(survey.suspects[start..<end]))
                report.orphansFound += orphans.count
                guard !options.dryRun && !orphans.isEmpty else { continue }
                try await vault.make(SightOrphans(orphans, pass: pass))
            }
        }
        guard !options.dryRun else { return accounted }
        while try await vault.make(DropOldSightings(notOf: pass, limit: Vault.removalBatch)) > 0 {}
        return accounted
    }

    private mutating func removeSighted(seenBy end: Timestamp) async throws(StoreError) {
        var last: BlobAddress?
        while !Task.isCancelled {
            let from = last
            let page = try await vault.read { try $0.orphans(after: from, seenBy: end, limit: Vault.removalBatch) }
            guard let next = page.last else { return }
            last = next
            let removed = try await vault.removeOrphans(page)
            report.orphansRemoved += removed.count
            report.orphanBytesRemoved += removed.bytes
        }
    }
}
