import Crypto

/// Computes what the bytes of one request add up to.
package struct ChecksumHasher: Sendable {
    private enum State: Sendable {
        case sha1(Insecure.SHA1)
        case sha256(SHA256)
    }

    private var state: State

    package init(_ algorithm: UploadChecksum.Algorithm) {
        switch algorithm {
        case .sha1: state = .sha1(Insecure.SHA1())
        case .sha256: state = .sha256(SHA256())
        }
    }

    /// Takes the next bytes.
    package mutating func update(_ bytes: [UInt8]) {
        switch state {
        case .sha1(var hasher):
            hasher.update(data: bytes)
            state = .sha1(hasher)
        case .sha256(var hasher):
            hasher.update(data: bytes)
            state = .sha256(hasher)
        }
    }

    /// Whether everything taken so far adds up to `checksum`.
    package func matches(_ checksum: UploadChecksum) -> Bool {
        switch state {
        case .sha1(let hasher): checksum.algorithm == .sha1 && Array(hasher.finalize()) == checksum.digest
        case .sha256(let hasher): checksum.algorithm == .sha256 && Array(hasher.finalize()) == checksum.digest
        }
    }
}
