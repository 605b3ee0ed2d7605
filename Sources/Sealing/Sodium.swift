import Blobs
import CSodium

/// The door to libsodium: every call of it that this project makes, each on spans whose length is checked here.
enum Sodium {
    /// Bytes of a key for chunks and for HMAC-SHA-512.
    static let keyBytes = 32
    /// Bytes of an HMAC-SHA-512.
    static let authenticatorBytes = 64
    /// Bytes of a nonce (RFC 8439 §2.8).
    static let nonceBytes = 12

    /// Makes the library ready, once; every door below goes through it.
    static let isReady: Bool = {
        precondition(sodium_init() >= 0, "libsodium must find a source of randomness")
        return true
    }()

    /// Fills `bytes` from the system's random generator.
    static func fillRandomly(_ bytes: inout MutableRawSpan) {
        _ = isReady
        // Safe: writes `count` bytes into a buffer held exclusively.
        unsafe bytes.withUnsafeMutableBytes { unsafe randombytes_buf(start($0), $0.count) }
    }

    /// Overwrites `bytes` in a way that is not optimised away.
    static func wipe(_ bytes: inout MutableRawSpan) {
        // Safe: as above.
        unsafe bytes.withUnsafeMutableBytes { unsafe sodium_memzero(start($0), $0.count) }
    }

    /// Whether two spans of one length hold the same bytes, in a time that does not depend on them.
    static func areEqual(_ left: RawSpan, _ right: RawSpan) -> Bool {
        precondition(left.byteCount == right.byteCount, "only spans of one length are compared")
        // Safe: reads `count` bytes of both, which both have.
        return unsafe left.withUnsafeBytes { left in
            unsafe right.withUnsafeBytes { right in
                unsafe sodium_memcmp(start(left), start(right), left.count) == 0
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
                        start(result), start(message), UInt64(message.count), start(key))
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
        precondition(key.byteCount == keyBytes && nonce.byteCount == nonceBytes, "wrong key or nonce length")
        precondition(sealed.byteCount == plaintext.byteCount + SealedGeometry.tagBytes, "the tag needs its 16 bytes")
        // Safe: writes `plaintext.count + 16` bytes, checked above; reads the others to their own counts.
        let code = unsafe sealed.withUnsafeMutableBytes { sealed in
            unsafe plaintext.withUnsafeBytes { plaintext in
                unsafe nonce.withUnsafeBytes { nonce in
                    unsafe key.withUnsafeBytes { key in
                        unsafe associatedData.withUnsafeBytes { data in
                            unsafe crypto_aead_chacha20poly1305_ietf_encrypt(
                                start(sealed), nil, start(plaintext), UInt64(plaintext.count),
                                start(data), UInt64(data.count), nil, start(nonce), start(key))
                        }
                    }
                }
            }
        }
        precondition(code == 0, "sealing a chunk has no way to fail")
    }

    /// Opens `sealed` into `plaintext`, which is shorter by the tag; false, with nothing of it written, if the tag
    /// is not that of these bytes.
    static func open(
        _ sealed: RawSpan, into plaintext: inout MutableRawSpan, nonce: RawSpan, key: RawSpan,
        associatedData: RawSpan = RawSpan()
    ) -> Bool {
        precondition(key.byteCount == keyBytes && nonce.byteCount == nonceBytes, "wrong key or nonce length")
        precondition(sealed.byteCount == plaintext.byteCount + SealedGeometry.tagBytes, "the tag takes 16 bytes")
        // Safe: writes `sealed.count - 16` bytes, checked above; reads the others to their own counts.
        return unsafe plaintext.withUnsafeMutableBytes { plaintext in
            unsafe sealed.withUnsafeBytes { sealed in
                unsafe nonce.withUnsafeBytes { nonce in
                    unsafe key.withUnsafeBytes { key in
                        unsafe associatedData.withUnsafeBytes { data in
                            unsafe crypto_aead_chacha20poly1305_ietf_decrypt(
                                start(plaintext), nil, nil, start(sealed), UInt64(sealed.count),
                                start(data), UInt64(data.count), start(nonce), start(key)) == 0
                        }
                    }
                }
            }
        }
    }

    /// Where a buffer starts; an empty one may start anywhere, for nothing of it is touched.
    private static func start(_ buffer: UnsafeRawBufferPointer) -> UnsafePointer<UInt8> {
        let anywhere = unsafe UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
        return unsafe (buffer.baseAddress ?? anywhere).assumingMemoryBound(to: UInt8.self)
    }

    private static func start(_ buffer: UnsafeMutableRawBufferPointer) -> UnsafeMutablePointer<UInt8> {
        unsafe UnsafeMutablePointer(mutating: start(UnsafeRawBufferPointer(buffer)))
    }
}
