import Blobs
import Files
import Logging
import Objects
import SharedCatalog
import Store
import StoreRules

/// How a sweep finds out whether the catalog is the one that the objects were swept by last (`PassRule`).
extension SharedSweep {
    /// How often it is tried to write a sweep down, while others do.
    private static let attempts = 10

    /// Writes this sweep down, with the objects first; not where the catalog was put back from a copy and nobody has said
    /// that it counts.
    mutating func beginPass() async throws(StoreError) {
        for _ in 0..<Self.attempts {
            let look = try await store.lookAtPass()
            if look.isPutBack {
                try await noteRestored(look)
                guard options.orphans else { return noteOld() }
            }
            // Beyond all that the right catalog could come with, should it be put back after all.
            let known = look.objects + [look.token].compactMap { $0 }
            let next = look.isPutBack ? PassToken.next(beyond: known) : .next(after: look.token)
            try await store.leave(next)
            try store.reach(.passWritten)
            guard try await store.catalog.setPass(Array("\(next)".utf8), after: look.row.passToken) else { continue }
            try store.reach(.passNoted)
            pass = .noted(next, isPutBack: look.isPutBack)
            _ = try await store.remove(PassRule.outdated(look.objects, by: next).map { ObjectName($0) })
            return
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
            metadata: [
                "database": "\(look.token?.number ?? 0)", "objects": "\(look.objects.map(\.number).max() ?? 0)",
            ])
    }

    /// Throws where the catalog is not the one any more that this sweep was written down with.
    func checkPass() async throws(StoreError) {
        guard case .noted(let token, _) = pass else { return }
        let row = try await store.row()
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

/// What catalog and objects say about the last sweeps.
struct PassLook {
    let row: SharedStoreRow
    let token: PassToken?
    let objects: [PassToken]
    let isPutBack: Bool
}

extension SharedStore {
    /// How often both are looked at, while sweeps come between.
    private static let looks = 20

    /// The row about the store.
    func row() async throws(StoreError) -> SharedStoreRow {
        try await catalog.read { reader throws(SharedCatalogError) in try reader.store() }
    }

    /// Looks at the catalog, at the objects, and at the catalog again: what is the same before and after is one moment.
    func lookAtPass() async throws(StoreError) -> PassLook {
        var row = try await row()
        for _ in 0..<Self.looks {
            let objects = try await passes()
            let again = try await self.row()
            guard again.passToken == row.passToken else {
                row = again
                continue
            }
            let token = PassToken(bytes: row.passToken)
            // What no sweep wrote is not of this store.
            let isLegible = row.passToken.isEmpty || token != nil
            let isOld = !isLegible || PassRule.isPutBack(catalog: token, objects: objects)
            return PassLook(row: again, token: token, objects: objects, isPutBack: again.isRestored || isOld)
        }
        throw .unavailable("other nodes sweep at the same time")
    }

    private func passes() async throws(StoreError) -> [PassToken] {
        var tokens: [PassToken] = []
        var last: String?
        repeat {
            let page: ObjectListing
            do throws(ObjectError) { page = try await objects.list(ObjectName.passFolder, after: last) } catch {
                throw StoreError(error)
            }
            tokens += page.objects.compactMap { ObjectName.pass(listed: $0.name) }
            last = page.isLast ? nil : page.objects.last?.name
        } while last != nil
        return tokens
    }

    fileprivate func leave(_ token: PassToken) async throws(StoreError) {
        let bytes = Array("\(token)\n".utf8)
        do throws(ObjectError) {
            try await objects.put(bytes, as: ObjectName(token), digest: BlobAddress(of: bytes))
        } catch {
            throw StoreError(error)
        }
    }
}

extension PassToken {
    fileprivate init?(bytes: [UInt8]) { self.init(String(decoding: bytes, as: UTF8.self)) }
}
