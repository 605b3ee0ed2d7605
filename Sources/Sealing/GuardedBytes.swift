import CSodium

/// A few secret bytes in memory of their own: between guard pages, kept out of core dumps and, where the system
/// allows it, out of swap; wiped when the value goes (`sodium_malloc`).
@safe struct GuardedBytes: ~Copyable, Sendable {
    let count: Int
    /// False if the system refused to lock the memory (`ulimit -l`), so that it could be swapped out.
    let isLocked: Bool
    // Safe to send: owned by this value alone, and written only while it is held exclusively.
    private nonisolated(unsafe) let start: UnsafeMutableRawPointer

    /// `count` bytes of unspecified content.
    init(count: Int) {
        _ = Sodium.isReady
        guard let start = unsafe sodium_malloc(count) else {
            preconditionFailure("no memory for \(count) secret bytes")
        }
        unsafe self.start = start
        self.count = count
        // sodium_malloc does not tell whether its own lock held; a second one on the same bytes does.
        isLocked = unsafe sodium_mlock(start, count) == 0
    }

    deinit { unsafe sodium_free(start) }

    /// Lends the bytes.
    borrowing func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // Safe: the memory has `count` bytes and lives as long as this value, which the call borrows.
        try unsafe body(RawSpan(_unsafeStart: UnsafeRawPointer(start), byteCount: count))
    }

    /// Takes a copy of `bytes`, which are as many.
    mutating func store(_ bytes: RawSpan) {
        precondition(bytes.byteCount == count, "as many bytes as there is room for")
        // Safe: both have `count` bytes.
        unsafe bytes.withUnsafeBytes { bytes in
            if let source = bytes.baseAddress { unsafe start.copyMemory(from: source, byteCount: count) }
        }
    }

    /// Lends the bytes for writing.
    mutating func withMutableBytes<Result>(_ body: (inout MutableRawSpan) -> Result) -> Result {
        // Safe: as above, and the value is held exclusively.
        var span = unsafe MutableRawSpan(_unsafeStart: start, byteCount: count)
        return body(&span)
    }
}
