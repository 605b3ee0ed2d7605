import Blobs
import Store
import StoreTestSupport

/// What a store should say about one upload that outlives its requests, told without a store.
struct UploadModel {
    enum State: Hashable {
        case open, committed, refused
        /// Cancelled, or forgotten because its time was up.
        case gone
    }

    /// A request that has neither ended nor been heard of again.
    struct Hanging {
        var brought: Int
        let hasChecksum: Bool
        var latest: Timestamp
    }

    let bytes: [UInt8]
    /// Whether another address was announced than the bytes have.
    let isMisannounced: Bool
    private let lifetime: Lifetime
    private(set) var state = State.open
    private(set) var told = 0
    private(set) var length: Int?
    private(set) var expires: Timestamp
    var hanging: Hanging?

    init(_ bytes: [UInt8], announcesLength: Bool, isMisannounced: Bool, lifetime: Lifetime, now: Timestamp) {
        self.bytes = bytes
        self.isMisannounced = isMisannounced
        self.lifetime = lifetime
        length = announcesLength ? bytes.count : nil
        expires = now.advanced(by: lifetime)
    }

    /// Whether it takes a place among those under way.
    var isOpen: Bool { state == .open }

    private func isAlive(at now: Timestamp) -> Bool {
        hanging.map { $0.latest.advanced(by: lifetime) > now } ?? false
    }

    /// Somebody asks: whoever hung on it does so no longer. False where nobody knows of it.
    mutating func ask(at now: Timestamp) -> Bool {
        if state == .gone { return false }
        if let hanging, !hanging.hasChecksum { bring(hanging.brought, at: now) }
        hanging = nil
        return expires > now
    }

    /// So many bytes came and were written down.
    mutating func bring(_ count: Int, at now: Timestamp) {
        guard count > 0 else { return }
        told += count
        expires = now.advanced(by: lifetime)
    }

    /// All of it came and its end was asked for; gives whether it is a blob now.
    mutating func finish(at now: Timestamp) -> Bool {
        state = isMisannounced ? .refused : .committed
        if !isMisannounced { (told, length) = (bytes.count, bytes.count) }
        expires = now.advanced(by: lifetime)
        return !isMisannounced
    }

    /// False where nobody knows of it.
    mutating func cancel(at now: Timestamp) -> Bool {
        guard state != .gone, expires > now || isAlive(at: now) else { return false }
        (state, hanging) = (.gone, nil)
        return true
    }

    mutating func sweep(at now: Timestamp) {
        guard state != .gone, expires <= now, !isAlive(at: now) else { return }
        (state, hanging) = (.gone, nil)
    }

    /// The store is closed and opened: what hung on it was never told.
    mutating func restart() { hanging = nil }
}
