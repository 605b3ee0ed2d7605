import Blobs
import Catalog
import Logging
import Store
import Telemetry
import Vault

/// What the server itself does about damage.
extension Lifecycle {
    /// Looks at the blobs whose file gave trouble while it was being read, and sets aside what is damaged.
    func examineSuspects(logger: Logger) async {
        for address in vault.takeSuspects() where !Task.isCancelled {
            do throws(StoreError) {
                guard let blob = try await vault.heldBlob(address), let damage = try await vault.examine(blob) else {
                    continue
                }
                try await take(damage, of: blob, logger: logger)
            } catch {
                logger.warning(
                    "A blob that gave trouble could not be looked at",
                    metadata: ["blob": "\(address.abbreviated)", "error": "\(error)"])
            }
        }
    }

    /// Counts and tells what was found, and sets the blob aside where the rule lets the server do that.
    func take(_ damage: BlobDamage, of blob: BlobRow, logger: Logger) async throws(StoreError) {
        vault.meters.damagesFound.add(for: damage.kind.rawValue)
        let sums = try await vault.read { try $0.sums() }
        let may = DamageRule.maySetAside(aside: sums.damaged.count, held: sums.held.count)
        let isAside = may ? try await vault.setAside(blob) : false
        let facts: Logger.Metadata = [
            "blob": "\(blob.address.hex)", "kind": "\(damage.kind.rawValue)",
            "detail": "\(Check.finding(damage, on: blob.address).detail)",
        ]
        if isAside {
            logger.error(
                "A damaged blob was set aside; it heals when the same bytes are uploaded again", metadata: facts)
        } else if may {
            logger.notice("A blob that was damaged is so no longer", metadata: facts)
        } else {
            logger.error(
                "A damaged blob was left in place, since too many are; see satcheld fsck --repair", metadata: facts)
        }
    }
}

extension BlobDamage {
    /// Which kind it is.
    var kind: DamageKind {
        switch self {
        case .missing: .missing
        case .wrongSize: .wrongSize
        case .wrongBytes: .wrongBytes
        case .unreadable: .unreadable
        }
    }
}
