package import Blobs
package import Files

/// Why something could not be sealed or opened. The cases up to `digest` stand in the order of the checks.
package enum SealingError: Error, Hashable, Sendable {
    /// No sealed blob has this length.
    case length(Int64)
    /// It does not begin with `SBLB`.
    case magic
    /// A later version of the format.
    case version(UInt8)
    /// Sealed with algorithms that are not known here.
    case suite(UInt8)
    /// Chunk size or flags that version 1 does not have.
    case parameters
    /// The key is not the one that the blob was sealed with, or the header was changed.
    case commitment
    /// This chunk, counted from 0, is not what was sealed at its place.
    case chunk(Int64)
    /// The size that ends the padded plaintext is impossible, or not the one that the message gave.
    case trailer
    /// Something other than zeros between the plaintext and its size.
    case padding
    /// The whole blob has another address than the one asked for.
    case digest(expected: BlobAddress, actual: BlobAddress)

    /// The plaintext is larger than the format holds.
    case tooLarge(limitBytes: Int64)
    /// Folders, pipes and devices cannot be sealed in place.
    case notAFile(path: String)
    /// The plaintext had another size at the end of sealing than at its beginning.
    case plaintextChanged(path: String)
    /// Sealing this plaintext again gives another blob than the one it is said to be.
    case notTheOriginal(path: String)
    /// A file could not be read or written.
    case file(FileError)
}

extension SealingError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .length(let bytes): "no sealed blob has \(bytes) bytes: it was cut short, or is none"
        case .magic: "the bytes are not a sealed blob"
        case .version(let version): "the blob has version \(version) of the format; only version 1 is known here"
        case .suite(let suite): "the blob is sealed with suite \(suite); only suite 1 is known here"
        case .parameters: "the blob's header asks for a chunk size or flags that version 1 does not have"
        case .commitment: "the key does not belong to this blob, or the blob's header was changed"
        case .chunk(let index): "chunk \(index) of the blob is not what was sealed there"
        case .trailer: "the size sealed in the blob is not the size that the message gives"
        case .padding: "the padding of the blob is not empty"
        case .digest(let expected, let actual):
            "the blob's SHA-256 begins \(actual.abbreviated), not \(expected.abbreviated)"
        case .tooLarge(let limitBytes): "a sealed blob holds at most \(limitBytes) bytes"
        case .notAFile(let path): "\(path) is not a regular file"
        case .plaintextChanged(let path): "\(path) changed its size while it was being sealed"
        case .notTheOriginal(let path): "\(path) is not, byte for byte, what was sealed"
        case .file(let error): error.description
        }
    }
}
