import Glibc

/// A target that names a slot, as it was written, and what it names.
final class SlotTarget {
    let path: SlotPath
    fileprivate let target: [UInt8]

    fileprivate init(_ target: [UInt8], _ path: SlotPath) {
        self.target = target
        self.path = path
    }

    /// Whether it was written so.
    fileprivate func isWritten(_ other: Span<UInt8>) -> Bool {
        guard other.count == target.count else { return false }
        // Safe: both have as many bytes, and are compared within the call.
        return unsafe target.withUnsafeBytes { own in
            unsafe other.withUnsafeBytes { other in
                guard let mine = own.baseAddress, let its = other.baseAddress else { return true }
                return unsafe memcmp(mine, its, own.count) == 0
            }
        }
    }
}

/// Targets that name slots below doors that are there: to take one apart and hash its path costs more than all the rest of a
/// small response. It forgets one for another, so it never grows.
struct SlotTargets {
    /// Targets that are remembered at most: a power of two.
    static let limit = 1024

    /// Each target has one place; none before the first is kept.
    private var places: [SlotTarget?] = []
    private var doors = 0

    /// Forgets all of them unless these are still the doors that they were below, by their number.
    mutating func forget(unless doors: Int) {
        if doors == self.doors { return }
        self.doors = doors
        places = []
    }

    /// The target, if it is remembered.
    func find(_ target: Span<UInt8>) -> SlotTarget? {
        guard !places.isEmpty, let found = places[Self.place(of: target)] else { return nil }
        return found.isWritten(target) ? found : nil
    }

    /// Remembers what `target` names.
    mutating func keep(_ target: Span<UInt8>, _ path: SlotPath) -> SlotTarget {
        if places.isEmpty { places = [SlotTarget?](repeating: nil, count: Self.limit) }
        let kept = SlotTarget(target.indices.map { target[$0] }, path)
        places[Self.place(of: target)] = kept
        return kept
    }

    /// Nobody can know which targets share one: the hash is of this process alone.
    private static func place(of target: Span<UInt8>) -> Int {
        var hasher = Hasher()
        // Safe: the bytes are those of the span, and are used within the call.
        unsafe target.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        return hasher.finalize() & (limit - 1)
    }
}
