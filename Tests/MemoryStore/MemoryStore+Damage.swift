import Blobs
package import Store
import StoreRules

extension MemoryStore {
    package func check(
        _ options: CheckOptions, progress: @Sendable (CheckProgress) -> Void
    ) async throws(StoreError) -> CheckReport {
        var report = CheckReport()
        let rows = try use { state, _ in state.catalog.blobs.values.sorted { $0.address < $1.address } }
        for blob in rows {
            if Task.isCancelled { throw .unavailable("the check was cancelled") }
            report.awaitingUpload += blob.state == .damaged ? 1 : 0
            guard blob.state == .held else { continue }
            report.blobsChecked += 1
            report.bytesChecked += blob.size
            let finding = try use { state, now throws(StoreError) -> CheckFinding? in
                guard let damage = state.damage(blob.address) else { return nil }
                let isRepaired = options.repair ? try state.setAside(blob.address, at: now) : false
                return .init(damage, name: blob.address.hex, isRepaired: isRepaired)
            }
            if let finding {
                report.add(finding)
                report.awaitingUpload += finding.isRepaired ? 1 : 0
            }
            progress(CheckProgress(blobs: report.blobsChecked, bytes: report.bytesChecked))
        }
        try use { state, now throws(StoreError) in
            for upload in state.catalog.uploads.values where upload.isOpen {
                report.uploadsChecked += 1
                let found = state.staged[upload.id]?.count ?? 0
                if found >= upload.offset { continue }
                let detail = "the upload has \(found) bytes, but the client was told \(upload.offset)"
                if options.repair { try state.drop(upload.id, at: now) }
                report.add(
                    .init(
                        Damage(.lostUpload, detail), name: String(upload.id.hex.prefix(8)), isRepaired: options.repair))
            }
            for address in state.orphans {
                report.add(.init(Damage(.orphan, "the catalog has no row for these bytes"), name: address.hex))
            }
        }
        return report
    }

    package func scrub(
        bytesPerSecond: Int64, traffic: @escaping @Sendable () -> Int
    ) async throws(StoreError) {
        var row = try use { state, now in state.catalog.scrubs[.underWay] ?? ScrubRow(began: now) }
        var pace = ScrubPace(bytesPerSecond: bytesPerSecond)
        var sent = traffic()
        while !Task.isCancelled {
            let cursor = row.cursor
            let next = try use { state, _ in
                state.catalog.blobs.values.filter { blob in cursor.map { $0 < blob.address } ?? true }
                    .min { $0.address < $1.address }
            }
            guard let next else { return try note(&row, isEnd: true) }
            row.cursor = next.address
            if next.state == .held {
                row.blobs += 1
                row.bytes += next.size
                if try examine(next.address) { row.damaged += 1 }
            }
            try note(&row, isEnd: false)
            let isBusy = try use { state, _ in !state.sessions.isEmpty } || traffic() != sent
            sent = traffic()
            let bytes = max(next.size, ScrubPace.leastBytes)
            if let pause = pace.pause(afterBytes: bytes, took: .zero, isBusy: isBusy) {
                try? await Task.sleep(for: pause)
            }
        }
    }

    private func note(_ row: inout ScrubRow, isEnd: Bool) throws(StoreError) {
        row.latest = now()
        try commit(NoteScrub(row, isEnd: isEnd))
    }

    package func scrubHistory() async throws(StoreError) -> ScrubHistory {
        try use { state, _ in
            ScrubHistory(underWay: state.catalog.scrubs[.underWay], finished: state.catalog.scrubs[.finished])
        }
    }

    package func examineSuspects() async {
        let suspects = try? use { state, _ in
            defer { state.suspects = [] }
            return state.suspects
        }
        for address in suspects ?? [] { _ = try? examine(address) }
    }

    /// Whether a held blob is damaged; it is set aside as far as `DamageRule` allows.
    private func examine(_ address: BlobAddress) throws(StoreError) -> Bool {
        try use { state, now throws(StoreError) in
            guard state.damage(address) != nil else { return false }
            let sums = state.catalog.sums
            if DamageRule.maySetAside(aside: sums.damaged.count, held: sums.held.count) {
                _ = try state.setAside(address, at: now)
            }
            return true
        }
    }
}

extension MemoryState {
    /// What is wrong with the bytes of a held blob.
    fileprivate func damage(_ address: BlobAddress) -> Damage? {
        guard let blob = catalog.blobs[address], blob.state == .held else { return nil }
        guard let bytes = blobs[address] else { return Damage(.missing, "the bytes are missing") }
        guard bytes.count == blob.size else {
            return Damage(.wrongSize, "there are \(bytes.count) bytes instead of \(blob.size)")
        }
        var hasher = BlobHasher()
        hasher.update(bytes)
        return hasher.address() == address ? nil : Damage(.wrongBytes, "the bytes have another SHA-256")
    }

    /// Sets the bytes of a held blob aside: it is not served until the same bytes are uploaded again.
    fileprivate mutating func setAside(_ address: BlobAddress, at now: Timestamp) throws(StoreError) -> Bool {
        guard try commit(MarkDamaged(address), at: now) else { return false }
        if let bytes = blobs.removeValue(forKey: address) { aside[address] = bytes }
        return true
    }
}
