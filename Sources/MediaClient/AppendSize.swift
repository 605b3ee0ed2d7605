/// How many bytes one append brings: about as much as goes in a few seconds, so that little has to go again after a
/// cut, and no more than what lies between lets through.
struct AppendSize: Hashable, Sendable {
    static let firstBytes: Int64 = 4 << 20
    static let smallestBytes: Int64 = 64 << 10
    static let largestBytes: Int64 = 64 << 20
    /// An append that took no longer than this may be followed by a larger one.
    private static let quickSeconds: Int64 = 2

    private(set) var bytes = firstBytes
    /// What was too much is never tried again.
    private var ceiling = largestBytes

    /// An append of `count` bytes went through: the next may be larger.
    mutating func succeed(with count: Int64, afterSeconds seconds: Int64) {
        if seconds <= Self.quickSeconds, count >= bytes { bytes = min(bytes * 2, ceiling) }
    }

    /// Nothing of an append of `count` bytes arrived: from now on it is half of that. False if it cannot be less.
    mutating func shrink(below count: Int64) -> Bool {
        guard count > Self.smallestBytes else { return false }
        bytes = max(min(bytes, count / 2), Self.smallestBytes)
        ceiling = bytes
        return true
    }
}
