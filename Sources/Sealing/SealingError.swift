package import Blobs
package import Files

/// Why something could not be sealed or opened. The cases up to `digest` are in the order of the checks on a
/// whole blob; `.length` is also thrown after `.parameters`, if no blob with these flags has this length. A reader of
/// ranges checks `.index` before the first chunk, and the `.leaf` of each chunk before its tag.
package enum SealingError: Error, Hashable, Sendable {
    /// No sealed blob has this length.
    case length(Int64)
    /// It does not start with `SBLB`.
    case magic
    /// A later version of the format.
    case version(UInt8)
    /// Sealed with unknown algorithms.
    case suite(UInt8)
    /// A chunk size or flags that version 1 does not have.
    case parameters
    /// The blob was sealed with another key, or its header was changed.
    case commitment
    /// This chunk, counted from 0, is not authentic.
    case chunk(Int64)
    /// This chunk, counted from 0, is not the one that the blob's index lists.
    case leaf(Int64)
    /// The size at the end of the padded plaintext is impossible, or not the one in the message.
    case trailer
    /// Something other than zeros between the plaintext and its size.
    case padding
    /// Header and index are not those of the message, or the blob has no index.
    case index
    /// The index has so many bytes, more than a reader of ranges holds.
    case indexTooLong(Int64)
    /// The blob does not have the expected address.
    case digest(expected: BlobAddress, actual: BlobAddress)

    /// The plaintext is larger than the format allows.
    case tooLarge(limitBytes: Int64)
    /// Folders, pipes and devices cannot be sealed in place.
    case notAFile(path: String)
    /// The size of the plaintext changed while it was being sealed.
    case plaintextChanged(path: String)
    /// A file of another chat client is not what was encrypted with this key and nonce.
    case tag
    /// A file is too short to end with a tag.
    case noTag(Int64)
    /// AES-256-GCM is not to be had, and why.
    case cipher(String)
    /// Sealing this plaintext again gives a different blob.
    case notTheOriginal(path: String)
    /// A file could not be read or written.
    case file(FileError)
}

extension SealingError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .length(let bytes): "a sealed blob cannot have \(bytes) bytes; it is incomplete, or not a sealed blob"
        case .magic: "this is not a sealed blob"
        case .version(let version): "the blob has version \(version) of the format; only version 1 is supported"
        case .suite(let suite): "the blob was sealed with cipher suite \(suite); only suite 1 is supported"
        case .parameters: "the blob's header has a chunk size or flags that version 1 does not have"
        case .commitment: "the key does not belong to this blob, or the blob's header was changed"
        case .chunk(let index): "chunk \(index) of the blob is not authentic"
        case .leaf(let index): "chunk \(index) of the blob is not the one in the blob's index"
        case .trailer: "the size sealed in the blob differs from the size in the message"
        case .padding: "the padding of the blob is not empty"
        case .index: "the blob's index is not the one that the message names"
        case .indexTooLong(let bytes):
            "the blob's index has \(bytes) bytes; at most \(SealedReader.indexLimitBytes) are held to read parts of a blob"
        case .digest(let expected, let actual):
            "the blob's SHA-256 begins with \(actual.abbreviated), not \(expected.abbreviated)"
        case .tooLarge(let limitBytes): "the encrypted form holds at most \(limitBytes) bytes"
        case .notAFile(let path): "\(path) is not a regular file"
        case .plaintextChanged(let path): "the size of \(path) changed while it was being sealed"
        case .tag: "the tag at the end of the file is wrong: the file or its link was changed"
        case .noTag(let bytes): "a file of \(bytes) bytes cannot end with a tag; it is incomplete, or not encrypted"
        case .cipher(let why): why
        case .notTheOriginal(let path): "\(path) is not, byte for byte, the file that was sealed"
        case .file(let error): error.description
        }
    }
}
