package import Blobs
package import SharedStore
package import Store
import StoreTestSupport
import TestSupport

/// The blobs of these tests, each called by a letter.
package enum CrashBlob {
    /// Takes several objects.
    package static let large = "L"
    package static let largeBytes = 17 << 20

    package static func bytes(_ name: String) -> [UInt8] {
        let seed = Int(name.utf8.first ?? 0)
        if name == large {
            // No object is like another.
            let piece = content(seed, count: 4097)
            var bytes: [UInt8] = []
            bytes.reserveCapacity(largeBytes + piece.count)
            while bytes.count < largeBytes { bytes += piece }
            return Array(bytes.prefix(largeBytes))
        }
        // What comes by spool files, and what does not.
        return content(seed, count: "brwx".contains(name) ? 300_000 : 1000)
    }

    package static func address(_ name: String) -> BlobAddress { StoreTestSupport.address(of: bytes(name)) }
}

extension SharedStore {
    /// Finds a blob as whoever keeps it ready does, and gives its token.
    package func makeReady(_ name: String) async throws -> ValidityToken {
        let blob = CrashBlob.address(name)
        // Another test may keep the database busy for longer than anything is believed.
        return try await eventually {
            let token = validity(of: blob)
            guard case .held = try await find(blob, for: .head) else { throw Unexpected(what: "\(name) is not held") }
            return token.isCurrent ? token : nil
        }
    }
}
