import StoreRules

/// Keeps a scrub at its pace: rests when it is ahead, and for longer while clients use the store.
package struct ScrubRest {
    private var pace: ScrubPace
    private let traffic: @Sendable () -> Int
    private let isTakingUploads: @Sendable () -> Bool
    private var lastPiece = ContinuousClock.now
    private var sentBytes = 0

    /// - Parameters:
    ///   - traffic: bytes sent to clients so far.
    ///   - isTakingUploads: whether uploads are under way.
    package init(
        bytesPerSecond: Int64, traffic: @escaping @Sendable () -> Int, isTakingUploads: @escaping @Sendable () -> Bool
    ) {
        pace = ScrubPace(bytesPerSecond: bytesPerSecond)
        self.traffic = traffic
        self.isTakingUploads = isTakingUploads
    }

    /// What has passed until now was no reading.
    package mutating func begin() { lastPiece = .now }

    /// Pauses if the scrub is ahead of its pace. If cancelled, returns at once.
    package mutating func rest(afterBytes bytes: Int64) async {
        let took = ContinuousClock.now - lastPiece
        if let pause = pace.pause(afterBytes: bytes, took: took, isBusy: isBusy()) {
            try? await Task.sleep(for: pause)
        }
        lastPiece = .now
    }

    /// Whether uploads are under way, or blobs have been sent since the last call.
    private mutating func isBusy() -> Bool {
        let sent = traffic()
        defer { sentBytes = sent }
        return isTakingUploads() || sent != sentBytes
    }
}
