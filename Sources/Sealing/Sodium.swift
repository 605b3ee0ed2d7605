import Blobs
import CSodium

/// Every call of libsodium in this project, each on spans whose length is checked here.
enum Sodium {
    /// Bytes of a key for chunks and for HMAC-SHA-512.
    static let keyBytes = 32
    /// Bytes of an HMAC-SHA-512.
    static let authenticatorBytes = 64
    /// Bytes of a nonce (RFC 8439 §2.8).
    static let nonceBytes = 12

    /// Initialises the library, once; every function below depends on it.
    static let isReady: Bool = {
        precondition(sodium_init() >= 0, "libsodium must find a source of randomness")
        return true
    }()

    /// Fills `bytes` from the system's random generator.
    static func fillRandomly(_ bytes: inout MutableRawSpan) {
        _ = isReady
        // Safe: writes `count` bytes into a buffer held exclusively.
        unsafe bytes.withUnsafeMutableBytes { unsafe randombytes_buf($0.start, $0.count) }
    }

    /// Overwrites `bytes` in a way that the compiler does not optimise away.
    static func wipe(_ bytes: inout MutableRawSpan) {
        // Safe: as above.
        unsafe bytes.withUnsafeMutableBytes { unsafe sodium_memzero($0.start, $0.count) }
    }

    /// Whether two spans of the same length have the same bytes, in constant time.
    static func areEqual(_ left: RawSpan, _ right: RawSpan) -> Bool {
        precondition(left.byteCount == right.byteCount, "spans of the same length")
        // Safe: reads `count` bytes of both, which both have.
        return unsafe left.withUnsafeBytes { left in
            unsafe right.withUnsafeBytes { right in
                unsafe sodium_memcmp(left.start, right.start, left.count) == 0
            }
        }
    }

    /// HMAC-SHA-512 of `message` (RFC 4231) under a 32-byte key, into 64 bytes.
    static func authenticate(_ message: RawSpan, key: RawSpan, into result: inout MutableRawSpan) {
        precondition(key.byteCount == keyBytes && result.byteCount == authenticatorBytes, "wrong HMAC lengths")
        // Safe: reads 32 bytes of the key and `count` of the message, writes 64: the lengths checked above.
        let code = unsafe result.withUnsafeMutableBytes { result in
            unsafe message.withUnsafeBytes { message in
                unsafe key.withUnsafeBytes { key in
                    unsafe crypto_auth_hmacsha512(
                        result.start, message.start, UInt64(message.count), key.start)
                }
            }
        }
        precondition(code == 0, "HMAC-SHA-512 has no way to fail")
    }

    /// Seals `plaintext` into `sealed`, which is longer by the tag (RFC 8439 §2.8, no associated data unless given).
    static func seal(
        _ plaintext: RawSpan, into sealed: inout MutableRawSpan, nonce: RawSpan, key: RawSpan,
        associatedData: RawSpan = RawSpan()
    ) {
        // Safe: writes `plaintext.count + 16` bytes, as `forSealing` has checked; reads the data to its own count.
        let code = unsafe CipherCall.forSealing(plaintext, into: &sealed, nonce: nonce, key: key) { call in
            unsafe associatedData.withUnsafeBytes { data in
                unsafe crypto_aead_chacha20poly1305_ietf_encrypt(
                    call.output, nil, call.input, UInt64(call.plainCount), data.start, UInt64(data.count), nil,
                    call.nonce, call.key)
            }
        }
        precondition(code == 0, "sealing a chunk has no way to fail")
    }

    /// Opens `sealed` into `plaintext`, which is shorter by the tag; false, with zeros in `plaintext`, if the tag does not
    /// match.
    static func open(
        _ sealed: RawSpan, into plaintext: inout MutableRawSpan, nonce: RawSpan, key: RawSpan,
        associatedData: RawSpan = RawSpan()
    ) -> Bool {
        // Safe: writes `sealed.count - 16` bytes, as `forOpening` has checked; reads the data to its own count.
        unsafe CipherCall.forOpening(sealed, into: &plaintext, nonce: nonce, key: key) { call in
            unsafe associatedData.withUnsafeBytes { data in
                unsafe crypto_aead_chacha20poly1305_ietf_decrypt(
                    call.output, nil, nil, call.input, UInt64(call.plainCount + SealedGeometry.tagBytes), data.start,
                    UInt64(data.count), call.nonce, call.key) == 0
            }
        }
    }
}

/// A few secret bytes in memory of their own: between guard pages, kept out of core dumps and, if the system allows it,
/// out of swap; wiped with this value (`sodium_malloc`).
@safe struct GuardedBytes: ~Copyable, Sendable {
    let count: Int
    /// False if the system refused to lock the memory (`ulimit -l`), so that it may be swapped out.
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
        // sodium_malloc does not report whether its own lock succeeded; a second one on the same bytes does.
        isLocked = unsafe sodium_mlock(start, count) == 0
    }

    deinit { unsafe sodium_free(start) }

    /// Passes the bytes to `body`.
    borrowing func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // Safe: the memory has `count` bytes and lives as long as this value, which the call borrows.
        try unsafe body(RawSpan(_unsafeStart: UnsafeRawPointer(start), byteCount: count))
    }

    /// Copies `bytes`, which must be as many.
    mutating func store(_ bytes: RawSpan) {
        precondition(bytes.byteCount == count, "as many bytes as there is room for")
        // Safe: both have `count` bytes.
        unsafe bytes.withUnsafeBytes { bytes in
            if let source = bytes.baseAddress { unsafe start.copyMemory(from: source, byteCount: count) }
        }
    }

    /// Passes the bytes to `body` for writing.
    mutating func withMutableBytes<Result>(_ body: (inout MutableRawSpan) -> Result) -> Result {
        // Safe: as above, and the value is held exclusively.
        var span = unsafe MutableRawSpan(_unsafeStart: start, byteCount: count)
        return body(&span)
    }
}
