import Crypto

/// The digest of the body of one request (tus 1.0, checksum).
package struct UploadChecksum: Hashable, Sendable {
    package enum Algorithm: String, Sendable, CaseIterable {
        case sha1, sha256

        /// Bytes of a digest.
        package var byteCount: Int {
            switch self {
            case .sha1: 20
            case .sha256: 32
            }
        }
    }

    package let algorithm: Algorithm
    /// As many bytes as the algorithm gives.
    package let digest: [UInt8]

    /// Nil for a digest of another length than the algorithm's.
    package init?(_ algorithm: Algorithm, digest: [UInt8]) {
        guard digest.count == algorithm.byteCount else { return nil }
        self.algorithm = algorithm
        self.digest = digest
    }
}

/// Computes the checksum of the bytes of one request.
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

    /// Whether everything taken so far has `checksum`.
    package func matches(_ checksum: UploadChecksum) -> Bool {
        switch state {
        case .sha1(let hasher): checksum.algorithm == .sha1 && Array(hasher.finalize()) == checksum.digest
        case .sha256(let hasher): checksum.algorithm == .sha256 && Array(hasher.finalize()) == checksum.digest
        }
    }
}
