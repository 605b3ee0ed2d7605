import Transfer

/// What becomes of a receipt after an attempt to deliver it.
enum ReceiptFate: Hashable, Sendable {
    case delivered
    /// The server will never take it.
    case refused
    /// It may be taken later: the network or the server was not up to it, or something stood between.
    case waits

    /// How long a receipt waits for a server that does not come back: 60 days.
    static let longestWaitSeconds: Int64 = 60 * 86_400

    init(status: Int) {
        self =
            switch status {
            case 204: .delivered
            // A proxy that wants a password, a server that wants patience.
            case 407, 408, 425, 429: .waits
            case 400..<500: .refused
            default: .waits
            }
    }
}

/// What an attempt to deliver receipts came to.
package struct ReceiptTally: Hashable, Sendable {
    package var delivered = 0
    /// Dropped: the server will never take them, or has not been there for too long.
    package var dropped = 0
    package var waiting = 0
    /// Why the first of those that wait does so.
    package var reason: String?
}
