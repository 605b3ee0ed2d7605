package import Blobs
package import Store
import StoreRules

extension Vault {
    package func confirmDelivery(
        of address: BlobAddress, to recipient: Recipient, secret: Secret
    ) async throws(StoreError) {
        let change = ConfirmDelivery(
            DeliveryKey(address: address, hash: secret.hash, recipient: recipient), sharedGrace: settings.deliveryGrace)
        // A look first: people's devices repeat themselves, and a commit costs a sync.
        let isNew = try await workers.run { () throws(StoreError) in try self.judge(change) }
        if isNew { _ = try await make(change) }
    }
}
