import Blobs
import Files
import Logging
import Objects
import SharedCatalog
import Store
import StoreRules

/// How a sweep finds out whether the catalog is the one that the objects were swept by last.
extension SharedSweep {
    /// How often it is tried to write a sweep down, while others do.
    private static let attempts = 3

    /// Writes this sweep down, with the objects first; not where the catalog was put back from a copy and nobody has said
    /// that it counts.
    mutating func beginPass() async throws(StoreError) {
        var mine: PassToken?
        for _ in 0..<Self.attempts {
            let look = try await store.lookAtPass(after: mine)
            if look.isPutBack {
                try await noteRestored(look)
                guard options.orphans else { return noteOld() }
            }
            let next = PassToken.next(after: look.token, look.record?.last, look.record?.next)
            try await store.put(PassRecord(last: look.token, next: next))
            try store.reach(.passWritten)
            if try await store.catalog.setPass(Array("\(next)".utf8), after: look.row.passToken) {
                try store.reach(.passNoted)
                pass = .noted(next, isPutBack: look.isPutBack)
                return
            }
            mine = next
        }
        throw .unavailable("other nodes sweep at the same time")
    }

    /// Nothing is removed of what an old catalog does not name.
    mutating func noteOld() {
        pass = .putBack
        report.orphansKept = ForgottenObjects.reasonToKeep(
            found: 0, accounted: 0, nodes: 1, isPutBack: true, options: options)
    }

    /// Writes down that the catalog is an old one, since this sweep may be the last that can tell.
    private func noteRestored(_ look: PassLook) async throws(StoreError) {
        if look.row.isRestored { return }
        try await store.make(SetRestored(true))
        store.logger.error(
            "The database is older than the objects; none is removed until an operator says so (gc --orphans)",
            metadata: ["database": "\(look.token?.number ?? 0)", "objects": "\(look.record?.next.number ?? 0)"])
    }

    /// Throws where the catalog is not the one any more that this sweep was written down with.
    func checkPass() async throws(StoreError) {
        guard case .noted(let token, _) = pass else { return }
        let row = try await store.catalog.read { reader throws(SharedCatalogError) in try reader.store() }
        guard let now = PassToken(bytes: row.passToken), now.number >= token.number else {
            throw .unavailable("the database has become another one during the sweep")
        }
    }

    /// Writes down when a sweep was last allowed to remove.
    mutating func endPass() async throws(StoreError) {
        try await store.make(RecordPass(store.clocks))
        // With all orphans gone, the catalog that was put back is complete again.
        if case .noted(_, isPutBack: true) = pass, options.searchesForOrphans,
            report.orphansRemoved == report.orphansFound
        {
            try await store.make(SetRestored(false))
        }
    }
}

/// What catalog and objects say about the last sweep.
struct PassLook {
    let row: SharedStoreRow
    let token: PassToken?
    let record: PassRecord?
    let isPutBack: Bool
}

extension SharedStore {
    /// How long is waited where they do not fit together: another sweep may be between the object and its row.
    private static let passPatience = Duration.seconds(1)

    /// Looks at both. `mine` is a token that could not be written into the row, since another sweep had written one.
    func lookAtPass(after mine: PassToken? = nil) async throws(StoreError) -> PassLook {
        let look = try await lookAtPassOnce(after: mine)
        if !look.isPutBack || look.row.isRestored { return look }
        do { try await Task.sleep(for: Self.passPatience) } catch { throw .unavailable("the sweep was cancelled") }
        return try await lookAtPassOnce(after: mine)
    }

    private func lookAtPassOnce(after mine: PassToken?) async throws(StoreError) -> PassLook {
        let bytes: [UInt8]?
        do throws(ObjectError) { bytes = try await objects.get(.pass, range: nil) } catch { throw StoreError(error) }
        let row = try await catalog.read { reader throws(SharedCatalogError) in try reader.store() }
        let token = PassToken(bytes: row.passToken)
        let record = bytes.flatMap { PassRecord(bytes: $0) }
        // What nobody here wrote is no record of ours.
        let isLegible = (bytes == nil || record != nil) && (row.passToken.isEmpty || token != nil)
        let isOvertaken = mine != nil && record?.next == mine && token?.number == mine?.number
        let fits = isLegible && (isOvertaken || !PassRule.isPutBack(catalog: token, objects: record))
        return PassLook(row: row, token: token, record: record, isPutBack: row.isRestored || !fits)
    }

    fileprivate func put(_ record: PassRecord) async throws(StoreError) {
        let bytes = record.bytes
        do throws(ObjectError) { try await objects.put(bytes, as: .pass, digest: BlobAddress(of: bytes)) } catch {
            throw StoreError(error)
        }
    }
}

extension PassToken {
    fileprivate init?(bytes: [UInt8]) { self.init(String(decoding: bytes, as: UTF8.self)) }
}
