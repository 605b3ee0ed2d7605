/// How much and how long one blob may be held by whoever asks: less than the store's own limits, if anything.
package struct Entitlement: Hashable, Sendable {
    /// The largest blob, in bytes; nil for whatever the store takes.
    package var largestBytes: Int64?
    /// The longest lifetime of a lease; nil for whatever the store grants.
    package var longestLifetime: Lifetime?

    package init(largestBytes: Int64?, longestLifetime: Lifetime?) {
        self.largestBytes = largestBytes
        self.longestLifetime = longestLifetime
    }

    /// Everything that the store gives to anybody.
    package static let unlimited = Entitlement(largestBytes: nil, longestLifetime: nil)
}
