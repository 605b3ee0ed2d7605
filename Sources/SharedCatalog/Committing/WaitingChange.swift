import Blobs
import Store
import StoreRules

/// A change that waits for its batch.
struct WaitingChange: Sendable {
    /// Asks for the rows that it looks at.
    let request: @Sendable (inout CatalogPage) -> Void
    /// Applies it to the page and to what is said of objects; perhaps more than once.
    let apply:
        @Sendable (SharedTransaction, inout CatalogPage) throws(SharedCatalogError) -> Result<AppliedChange, StoreError>
    /// Reports why it was not made.
    let fail: @Sendable (StoreError) -> Void
}

/// A change that waits for its batch to be durable.
struct AppliedChange {
    /// The blobs whose rows it has set.
    let addresses: Set<BlobAddress>
    /// Called once everything is durable, with those addresses of the batch about which findings ended.
    let deliver: @Sendable (_ shortened: Set<BlobAddress>) -> Void
}

extension WaitingChange {
    init<Change: CatalogChange>(
        _ change: @escaping @Sendable () -> Change,
        objects: @escaping @Sendable (Change.Outcome, inout ObjectPage) throws(StoreError) -> Void,
        completion: @escaping @Sendable (Result<Committed<Change.Outcome>, StoreError>) -> Void
    ) {
        request = { change().request(on: &$0) }
        apply = { transaction, page throws(SharedCatalogError) in
            let result = try transaction.apply(change(), to: &page)
            let before = transaction.objects
            do throws(StoreError) {
                let outcome = try result.get()
                let places = page.blobs.changedSinceBegin
                for place in places where !(page.blobs[place]?.hasBytes ?? false) {
                    transaction.objects.release(page.blobs.key(at: place))
                }
                try objects(outcome, &transaction.objects)
                for place in page.uploads.changedSinceBegin where !(page.uploads[place]?.isOpen ?? false) {
                    transaction.objects.release(page.uploads.key(at: place))
                }
                let addresses = Set(
                    places.map { page.blobs.key(at: $0) }
                        + page.bans.changedSinceBegin.map { page.bans.key(at: $0) })
                return .success(
                    AppliedChange(addresses: addresses) { shortened in
                        let ended = addresses.intersection(shortened).map { AddressPrefix($0) }
                        completion(.success(Committed(outcome: outcome, endsFindings: ended)))
                    })
            } catch {
                page.undo()
                transaction.objects = before
                return .failure(error)
            }
        }
        fail = { completion(.failure($0)) }
    }
}

extension BlobRow {
    /// Whether its row has to name bytes.
    fileprivate var hasBytes: Bool { state != .gone }
}

extension ResumableUpload {
    fileprivate var isOpen: Bool { if case .open = state { true } else { false } }
}
