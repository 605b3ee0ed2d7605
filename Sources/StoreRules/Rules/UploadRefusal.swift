import Blobs
package import Store

/// Why an upload can never be taken, as the catalogue keeps it: a code, and its facts behind spaces. The two are exact
/// inverses of each other.
///
///     too-large LIMIT             not-sealed                       digest-mismatch ANNOUNCED ACTUAL
///     lifetime-too-long SECONDS   lifetime-not-entitled SECONDS    size-not-entitled LIMIT
///     lease-ended REASON          banned
extension StoreError {
    /// Nil for an error that may pass.
    package var refusal: String? {
        switch self {
        case .tooLarge(let limitBytes): "too-large \(limitBytes)"
        case .notSealed: "not-sealed"
        case .digestMismatch(let announced, let actual): "digest-mismatch \(announced.hex) \(actual.hex)"
        case .lifetimeTooLong(let limit): "lifetime-too-long \(limit.seconds)"
        case .lifetimeNotEntitled(let limit): "lifetime-not-entitled \(limit.seconds)"
        case .sizeNotEntitled(let limitBytes): "size-not-entitled \(limitBytes)"
        case .leaseEnded(let reason): "lease-ended \(reason.rawValue)"
        case .banned: "banned"
        default: nil
        }
    }

    /// Nil for anything that `refusal` does not give.
    package init?(refusal text: String) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        switch (words[0], words.count) {
        case ("not-sealed", 1): self = .notSealed
        case ("banned", 1): self = .banned
        case ("digest-mismatch", 3):
            guard let announced = BlobAddress(hex: words[1]), let actual = BlobAddress(hex: words[2]) else {
                return nil
            }
            self = .digestMismatch(announced: announced, actual: actual)
        case ("lease-ended", 2):
            guard let reason = EndReason(rawValue: words[1]) else { return nil }
            self = .leaseEnded(reason)
        case (let code, 2):
            guard let number = Int64(words[1]) else { return nil }
            self.init(refusal: code, number)
        default: return nil
        }
    }

    private init?(refusal code: String, _ number: Int64) {
        switch (code, Lifetime(seconds: number)) {
        case ("too-large", _): self = .tooLarge(limitBytes: number)
        case ("size-not-entitled", _): self = .sizeNotEntitled(limitBytes: number)
        case ("lifetime-too-long", let limit?): self = .lifetimeTooLong(limit: limit)
        case ("lifetime-not-entitled", let limit?): self = .lifetimeNotEntitled(limit: limit)
        default: return nil
        }
    }
}
