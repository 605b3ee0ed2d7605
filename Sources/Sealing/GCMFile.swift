import COpenSSL
package import Files

/// A file as other chat clients encrypt it (XEP-0454): AES-256-GCM (NIST SP 800-38D), without associated data.
///
///     off  len  field
///       0    n  ciphertext
///       n   16  tag
///
/// Key and nonce are in the link. Unlike a sealed blob it has one tag for all of it, which comes last, and nothing that
/// commits to the key: somebody can make one file that opens under two keys.
package enum GCMFile {
    /// Bytes of the tag at the end.
    package static let tagBytes: Int64 = 16
    /// The most plaintext that is encrypted or opened: no part of it is shown before all of it has been read.
    package static let limitBytes: Int64 = 512 << 20
    private static let bufferBytes = 256 * 1024

    /// A nonce for one file, of the 12 bytes that XEP-0454 asks for.
    package static func freshNonce() -> [UInt8] {
        var nonce = [UInt8](repeating: 0, count: 12)
        nonce.withMutableBytes { Sodium.fillRandomly(&$0) }
        return nonce
    }

    /// Encrypts the whole of `plaintext` into `file`, which is empty. A key and a nonce are used for one file only.
    /// `progress` takes the number of bytes done. Throws `.tooLarge`, `.plaintextChanged`, `.notAFile`, `.cipher` and `.file`.
    package static func encrypt(
        _ plaintext: borrowing OpenFile, into file: borrowing OpenFile, key: borrowing MediaKey, nonce: [UInt8],
        progress: (Int64) -> Void = { _ in }
    ) throws(SealingError) {
        let size = try regularSize(of: plaintext)
        guard size <= limitBytes else { throw .tooLarge(limitBytes: limitBytes) }
        var cipher = try GCMCipher(key: key, nonce: nonce, encrypts: true)
        try pass(size, of: plaintext, through: &cipher, to: file, progress)
        let tag = try cipher.seal()
        try write(tag, ..<tag.count, to: file, at: size)
    }

    /// Decrypts the whole of `file` into `plaintext`, which is overwritten and cut to the plaintext's size. Until this
    /// returns, nothing in `plaintext` may be shown to anyone; after an error it is empty. Throws `.noTag`, `.tooLarge`,
    /// `.tag`, `.notAFile`, `.cipher` and `.file`.
    package static func decrypt(
        _ file: borrowing OpenFile, into plaintext: borrowing OpenFile, key: borrowing MediaKey, nonce: [UInt8],
        progress: (Int64) -> Void = { _ in }
    ) throws(SealingError) {
        do throws(SealingError) {
            try onFile { () throws(FileError) in try plaintext.truncate(to: 0) }
            let size = try regularSize(of: file) - tagBytes
            guard size >= 0 else { throw .noTag(size + tagBytes) }
            guard size <= limitBytes else { throw .tooLarge(limitBytes: limitBytes) }
            var cipher = try GCMCipher(key: key, nonce: nonce, encrypts: false)
            try pass(size, of: file, through: &cipher, to: plaintext, progress)
            var tag = [UInt8](repeating: 0, count: Int(tagBytes))
            guard try read(tag.count, from: file, at: size, into: &tag) == tag.count, cipher.verify(tag) else {
                throw .tag
            }
        } catch {
            _ = try? plaintext.truncate(to: 0)
            throw error
        }
    }

    private static func pass(
        _ size: Int64, of source: borrowing OpenFile, through cipher: inout GCMCipher, to target: borrowing OpenFile,
        _ progress: (Int64) -> Void
    ) throws(SealingError) {
        var buffer = [UInt8](repeating: 0, count: bufferBytes)
        defer { wipe(&buffer) }
        var offset: Int64 = 0
        while offset < size {
            let count = Int(min(Int64(buffer.count), size - offset))
            guard try read(count, from: source, at: offset, into: &buffer) == count else {
                throw .plaintextChanged(path: source.path)
            }
            try cipher.pass(&buffer, first: count)
            try write(buffer, ..<count, to: target, at: offset)
            offset += Int64(count)
            progress(offset)
        }
    }
}

/// One file on its way through AES-256-GCM of libcrypto: every call is on bytes whose number is checked here.
@safe private struct GCMCipher: ~Copyable {
    private let stream: OpaquePointer

    init(key: borrowing MediaKey, nonce: [UInt8], encrypts: Bool) throws(SealingError) {
        guard ChunkCipher.hasLibcrypto else { throw .cipher("libcrypto.so.3 is not installed; it comes with libcurl") }
        // Safe: reads 32 bytes, as many as every key has, and `count` of the nonce.
        let stream = unsafe key.withBytes { key in
            unsafe key.withUnsafeBytes { key in
                unsafe nonce.withUnsafeBufferPointer { nonce in
                    unsafe gcm_begin(
                        key.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self),
                        nonce.baseAddress.unsafelyUnwrapped, nonce.count, encrypts)
                }
            }
        }
        guard let stream = unsafe stream else { throw .cipher("libcrypto does not begin with AES-256-GCM") }
        unsafe self.stream = stream
    }

    deinit { unsafe gcm_end(stream) }

    /// Encrypts or decrypts the first bytes of `buffer`, where they are.
    mutating func pass(_ buffer: inout [UInt8], first count: Int) throws(SealingError) {
        precondition((1...buffer.count).contains(count), "bytes that the buffer has")
        // Safe: reads and writes `count` bytes of a buffer that is held exclusively and has as many.
        let isDone = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
            unsafe gcm_update(stream, buffer.baseAddress.unsafelyUnwrapped, count)
        }
        guard isDone else { throw .cipher("libcrypto does not go on with AES-256-GCM") }
    }

    /// The tag of all that was encrypted.
    mutating func seal() throws(SealingError) -> [UInt8] {
        var tag = [UInt8](repeating: 0, count: Int(GCMFile.tagBytes))
        // Safe: writes 16 bytes, as many as there are.
        let isDone = unsafe tag.withUnsafeMutableBufferPointer { tag in
            unsafe gcm_seal(stream, tag.baseAddress.unsafelyUnwrapped)
        }
        guard isDone else { throw .cipher("libcrypto does not end AES-256-GCM") }
        return tag
    }

    /// Whether this is the tag of all that was decrypted.
    mutating func verify(_ tag: [UInt8]) -> Bool {
        precondition(tag.count == Int(GCMFile.tagBytes), "a tag has 16 bytes")
        // Safe: reads 16 bytes, as many as there are.
        return unsafe tag.withUnsafeBufferPointer { tag in
            unsafe gcm_verify(stream, tag.baseAddress.unsafelyUnwrapped)
        }
    }
}
