package import Blobs
import SharedCatalog
package import Store
import StoreRules

extension SharedStore {
    package func find(_ address: BlobAddress, for intent: ReadIntent) async throws(StoreError) -> BlobFinding {
        try refuseWhatIsBehind()
        let found = try await catalog.find(address)
        if found.map({ $0.row.state == .gone }) ?? true { cache.forget(address) }
        guard let found, !found.row.isHidden else { return .unknown }
        if let end = found.row.end(at: now()) { return .gone(end) }
        guard found.row.state == .held, let sunset = found.row.sunset else { return .damaged }
        return try await finding(found, until: sunset, for: intent)
    }

    package func find(_ alias: AliasName) async throws(StoreError) -> AliasFinding {
        try refuseWhatIsBehind()
        guard let address = try await catalog.find(alias)?.blob.row.address else {
            return AliasFinding(.unknown, validity: nil)
        }
        // Before the look, and from the address, which is that of one blob for as long as the name leads anywhere.
        let validity = validity(of: address)
        guard let (found, lease) = try await catalog.find(alias), found.row.address == address else {
            return AliasFinding(.unknown, validity: nil)
        }
        if let end = lease.end(at: now()) { return AliasFinding(.gone(end), validity: validity) }
        guard found.row.state == .held else { return AliasFinding(.damaged, validity: validity) }
        return AliasFinding(try await finding(found, until: lease.expires, for: .whole), validity: validity)
    }

    package func validity(of address: BlobAddress) -> ValidityToken { ends.generations.token(for: address) }

    /// A database that follows another may not know yet what has ended, and a node that is about to close does not hear
    /// of it.
    private func refuseWhatIsBehind() throws(StoreError) {
        if isOver { throw .storeIsClosing }
        if ends.isBehind { throw .unavailable("the database follows another one") }
    }

    /// A blob that is held, with its bytes; or why it cannot be read.
    private func finding(
        _ found: FoundBlob, until sunset: Timestamp, for intent: ReadIntent
    ) async throws(StoreError) -> BlobFinding {
        let address = found.row.address
        guard let layout = BlobLayout(found) else {
            suspects.add(address)
            return .damaged
        }
        let open = { @Sendable [cache] (intent: ReadIntent) async throws(StoreError) -> any BlobContent in
            try await cache.content(of: found, layout, until: sunset, for: intent)
        }
        // What is read as it is found is read here, so that damage is seen by whoever asks.
        let isDeferred = intent == .head && layout.size > ReadCache.bytesReadAtOnce
        do throws(StoreError) {
            let content: any BlobContent =
                if isDeferred {
                    DeferredContent { () async throws(StoreError) in try await open(.ranges) }
                } else {
                    try await open(intent)
                }
            return .held(
                HeldBlob(
                    address: address, size: layout.size, sunset: sunset, content: content, isComplete: !isDeferred,
                    record: CopyRecord(address: address, disk: cache.disk)))
        } catch {
            switch error {
            case .damaged: return .damaged
            case .gone(let reason): return .gone(reason)
            case .notFound: return .unknown
            default: throw error
            }
        }
    }
}
