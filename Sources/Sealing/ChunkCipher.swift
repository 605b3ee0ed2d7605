import Blobs
import COpenSSL

/// Which library seals and opens the chunks of a blob. Both do the same, ChaCha20-Poly1305 (RFC 8439), at different speeds.
///
/// Each call takes the key from guarded memory, and leaves no copy of it.
enum ChunkCipher: CaseIterable, Sendable {
    /// There always.
    case libsodium
    /// OpenSSL's, which has to be loaded. It takes two thirds of the time; with AVX-512 not much more than a third.
    case libcrypto

    /// From so many bytes on, it pays to load libcrypto, which takes two milliseconds.
    private static let libcryptoFromBytes: Int64 = 8 << 20

    /// Whether libcrypto is installed.
    static let hasLibcrypto = openssl_load()
    /// Whether it has the cipher, which the system's settings may leave out.
    static let hasChaCha = hasLibcrypto && chacha_load()

    /// The fastest for a blob of this geometry.
    init(for geometry: SealedGeometry) {
        self = geometry.paddedBytes >= Self.libcryptoFromBytes && Self.hasChaCha ? .libcrypto : .libsodium
    }

    /// Seals `plaintext` into `sealed`, which is longer by the tag.
    func seal(_ plaintext: RawSpan, into sealed: inout MutableRawSpan, nonce: RawSpan, key: RawSpan) {
        if self == .libcrypto, Self.hasChaCha {
            // Safe: reads and writes what `forSealing` has checked.
            let isSealed = unsafe CipherCall.forSealing(plaintext, into: &sealed, nonce: nonce, key: key) { call in
                unsafe chacha_seal(call.key, call.nonce, call.input, call.plainCount, call.output)
            }
            if isSealed { return }
        }
        // Without memory libcrypto fails; libsodium needs none.
        Sodium.seal(plaintext, into: &sealed, nonce: nonce, key: key)
    }

    /// Opens `sealed` into `plaintext`, which is shorter by the tag; false, with zeros in `plaintext`, if the tag does not
    /// match.
    func open(_ sealed: RawSpan, into plaintext: inout MutableRawSpan, nonce: RawSpan, key: RawSpan) -> Bool {
        if self == .libcrypto, Self.hasChaCha {
            // Safe: reads and writes what `forOpening` has checked.
            let isOpen = unsafe CipherCall.forOpening(sealed, into: &plaintext, nonce: nonce, key: key) { call in
                unsafe chacha_open(call.key, call.nonce, call.input, call.plainCount, call.output)
            }
            if isOpen { return true }
        }
        // Libcrypto does not tell a wrong tag from want of memory, and leaves what it has decrypted; libsodium does not.
        return Sodium.open(sealed, into: &plaintext, nonce: nonce, key: key)
    }
}

/// The addresses for one call of a cipher, on spans whose lengths are checked here.
@unsafe struct CipherCall {
    let input: UnsafePointer<UInt8>
    let output: UnsafeMutablePointer<UInt8>
    /// Bytes of plaintext: the sealed bytes are a tag longer.
    let plainCount: Int
    let nonce: UnsafePointer<UInt8>
    let key: UnsafePointer<UInt8>

    /// A call that writes `plaintext.count + 16` bytes.
    static func forSealing<Result>(
        _ plaintext: RawSpan, into sealed: inout MutableRawSpan, nonce: RawSpan, key: RawSpan,
        _ body: (CipherCall) -> Result
    ) -> Result {
        precondition(sealed.byteCount == plaintext.byteCount + SealedGeometry.tagBytes, "the tag needs its 16 bytes")
        return unsafe with(plaintext, into: &sealed, plaintext.byteCount, nonce, key, body)
    }

    /// A call that reads 16 bytes more than it writes.
    static func forOpening<Result>(
        _ sealed: RawSpan, into plaintext: inout MutableRawSpan, nonce: RawSpan, key: RawSpan,
        _ body: (CipherCall) -> Result
    ) -> Result {
        precondition(sealed.byteCount == plaintext.byteCount + SealedGeometry.tagBytes, "the tag takes 16 bytes")
        return unsafe with(sealed, into: &plaintext, plaintext.byteCount, nonce, key, body)
    }

    private static func with<Result>(
        _ input: RawSpan, into output: inout MutableRawSpan, _ plainCount: Int, _ nonce: RawSpan, _ key: RawSpan,
        _ body: (CipherCall) -> Result
    ) -> Result {
        precondition(
            key.byteCount == Sodium.keyBytes && nonce.byteCount == Sodium.nonceBytes, "wrong key or nonce length")
        return unsafe output.withUnsafeMutableBytes { output in
            unsafe input.withUnsafeBytes { input in
                unsafe nonce.withUnsafeBytes { nonce in
                    unsafe key.withUnsafeBytes { key in
                        unsafe body(
                            CipherCall(
                                input: input.start, output: output.start, plainCount: plainCount, nonce: nonce.start,
                                key: key.start))
                    }
                }
            }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The address of the first byte; of an empty buffer any other, since nothing is read there.
    var start: UnsafePointer<UInt8> {
        let anywhere = unsafe UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
        return unsafe (baseAddress ?? anywhere).assumingMemoryBound(to: UInt8.self)
    }
}

extension UnsafeMutableRawBufferPointer {
    /// As above, for writing.
    var start: UnsafeMutablePointer<UInt8> { unsafe UnsafeMutablePointer(mutating: UnsafeRawBufferPointer(self).start) }
}
