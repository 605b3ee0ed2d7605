package import Blobs
import Catalog
package import Store

extension Vault {
    package func confirmDelivery(
        of address: BlobAddress, to recipient: Recipient, secret: Secret
    ) async throws(StoreError) {
        let hash = secret.hash
        let grace = settings.deliveryGrace
        let (blob, facts) = try await read { reader -> (BlobRow?, [DeliveryFacts]) in
            guard let blob = try reader.blob(address) else { return (nil, []) }
            return (blob, try DeliveryFacts.all(reader, on: blob.id, by: hash, from: recipient))
        }
        guard let blob, !facts.isEmpty else { throw refusal(of: blob) }
        // A look first: people's devices repeat themselves, and a commit costs a sync.
        let now = time.now
        if facts.allSatisfy({ DeliveryRule.decide($0, sharedGrace: grace, now: now) == .pass }) { return }
        try await write { writer, now in
            for facts in try DeliveryFacts.all(writer.reader, on: blob.id, by: hash, from: recipient) {
                let decision = DeliveryRule.decide(facts, sharedGrace: grace, now: now)
                if decision == .pass { continue }
                try writer.addReceipt(of: facts.lease.id, by: hash, from: recipient, at: now)
                if case .complete(let end) = decision {
                    try writer.completeDelivery(of: facts.lease, expires: end, at: now)
                }
            }
        }
    }
}
