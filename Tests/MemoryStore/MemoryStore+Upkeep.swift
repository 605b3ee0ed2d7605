import Blobs
package import Store
import StoreRules

extension MemoryStore: Upkeep {
    package func collect(_ options: CollectOptions) async throws(StoreError) -> CollectReport {
        let start = ContinuousClock.now
        if options.trustClock && !options.dryRun { try commit(ResetLatest(clocks().wall)) }
        var report = try use { state, now throws(StoreError) in
            if let hold = hold(state, options) {
                var report = CollectReport()
                report.hold = hold.description
                return report
            }
            if !options.dryRun { return try state.collect(options, settings, clocks(), at: now) }
            var trial = state.trial
            return try trial.collect(options, settings, clocks(), at: now)
        }
        report.dryRun = options.dryRun
        report.seconds = (ContinuousClock.now - start) / .seconds(1)
        if !options.dryRun {
            try use { state, _ in
                state.gcStatus.latest = report
                if report.hold != nil { state.gcStatus.holdCount += 1 }
            }
        }
        return report
    }

    private func hold(_ state: MemoryState, _ options: CollectOptions) -> SweepHold? {
        if options.trustClock { return nil }
        let (now, store) = (clocks(), state.catalog.store)
        return SweepGuard.hold(
            now: now, started: started, reference: store.lastPass ?? started, latest: store.latest ?? now.wall)
    }

    package var gcStatus: GCStatus { (try? use { state, _ in state.gcStatus }) ?? GCStatus() }

    package func remove(_ options: RemoveOptions) async throws(StoreError) -> RemoveReport {
        try use { state, now throws(StoreError) in
            let address: BlobAddress
            switch options.target {
            case .address(let known): address = known
            case .alias(let alias):
                let lease = state.catalog.aliases[alias].flatMap { state.catalog.leases[$0]?.row }
                guard let lease else { return RemoveReport(address: nil) }
                address = lease.address
            }
            var report = RemoveReport(address: address)
            if options.action == .unban {
                report.wasBanned = try state.commit(LiftBan(address), at: now)
                return report
            }
            report.isBanned = options.action == .ban
            let ended = try state.commit(TakeDownBlob(address, banning: report.isBanned), at: now)
            guard let ended else { return report }
            report.isKnown = true
            report.leasesEnded = ended
            (report.blobsRemoved, report.bytesRemoved) = try state.remove([address], at: now)
            return report
        }
    }

    package func remove(_ options: RemoveSubjectOptions) async throws(StoreError) -> RemoveSubjectReport {
        try use { state, now throws(StoreError) in
            var report = RemoveSubjectReport()
            let usage = state.catalog.usages[options.subject] ?? Usage()
            if options.dryRun {
                report.dryRun = true
                (report.leasesEnded, report.chargedBytes) = (usage.leases, usage.bytes)
                return report
            }
            while true {
                let ended = try state.commit(EndLeasesOfSubject(options.subject, limit: 2), at: now)
                if ended.found == 0 { return report }
                let removed = try state.remove(ended.unheld, at: now)
                report.leasesEnded += ended.lived
                report.chargedBytes += ended.chargedBytes
                report.blobsRemoved += removed.0
                report.bytesRemoved += removed.1
            }
        }
    }

    // MARK: Reports

    package func readings() async throws(StoreError) -> StoreReadings {
        try use { state, now in
            let (catalog, sums) = (state.catalog, state.catalog.sums)
            var readings = StoreReadings()
            readings.held = sums.held
            readings.removing = sums.removing
            readings.damaged = sums.damaged
            readings.tombstones = sums.gone.count
            readings.leases = sums.leases
            readings.endedLeases = sums.endedLeases
            let due = catalog.leases.values.map(\.row).filter { $0.ended == nil && $0.expires <= now }
            readings.dueLeases = Int64(due.count)
            readings.oldestDueSeconds = due.map { now.secondsSince($0.expires) }.max() ?? 0
            readings.unheldBlobs = Int64(catalog.blobs.values.count { $0.isUnheld })
            for upload in catalog.uploads.values where upload.isOpen {
                readings.keptUploads.count += 1
                readings.keptUploads.bytes += upload.offset
            }
            readings.lastPass = catalog.store.lastPass?.wall.seconds ?? 0
            readings.lastScrub = catalog.scrubs[.finished]?.latest.seconds ?? 0
            readings.freeBytes = state.freeBytes(settings)
            return readings
        }
    }

    package func statistics() async throws(StoreError) -> StoreStatistics {
        let (readings, scrubs) = (try await readings(), try await scrubHistory())
        return try use { state, now in
            var statistics = StoreStatistics(readings, scrubs)
            for lease in state.catalog.aliases.values.compactMap({ state.catalog.leases[$0]?.row }) {
                if lease.end(at: now) == nil { statistics.aliases[lease.via ?? "", default: 0] += 1 }
            }
            for blob in state.catalog.blobs.values where blob.state == .held || blob.state == .damaged {
                statistics.count(blob, at: now)
            }
            return statistics
        }
    }

    package var writeStatus: WriteStatus {
        WriteStatus(promisedBytes: (try? use { state, _ in state.promisedBytes }) ?? 0)
    }
}
