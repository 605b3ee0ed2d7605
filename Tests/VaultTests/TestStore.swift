import Blobs
import Files
import Glibc
import Logging
import Store
import StoreRules
import TestSupport
import Vault

/// A storage folder of a test's own and what a test says most often about it.
struct TestStore: Sendable {
    let folder: TemporaryFolder
    let clock = TestClock()
    var settings = VaultSettings()

    /// - Parameter inMemory: for tests that a slow disk would only hold up.
    init(inMemory: Bool = true) throws {
        folder = inMemory ? try TemporaryFolder.inMemory() : try TemporaryFolder()
        settings = Self.smallSettings
    }

    /// Settings for stores of a few blobs.
    static var smallSettings: VaultSettings {
        var settings = VaultSettings()
        settings.acceptance = .any
        settings.ballastBytes = 64 << 10
        settings.keepFreeBytes = 0
        settings.threads = 4
        settings.bytesPerSubject = nil
        settings.openUploads = 10_000
        settings.openUploadsPerSubject = 10_000
        settings.firstProbe = .milliseconds(5)
        settings.longestProbe = .milliseconds(40)
        return settings
    }

    static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    /// Where the store lies.
    var path: String { folder.path("store") }

    func open(faults: FaultPoints = .none) async throws(VaultError) -> Vault {
        try await Vault.open(at: path, settings: settings, clock: clock, faults: faults, logger: Self.quiet)
    }

    /// Opens the store, lets `body` use it, and closes it.
    @discardableResult
    func withVault<Value: Sendable>(
        faults: FaultPoints = .none, _ body: (Vault) async throws -> Value
    ) async throws -> Value {
        let vault = try await open(faults: faults)
        do {
            let value = try await body(vault)
            await vault.close()
            return value
        } catch {
            await vault.close()
            throw error
        }
    }
}

/// Bytes that differ for every seed.
func content(_ seed: Int, count: Int = 1000) -> [UInt8] {
    var state = UInt64(truncatingIfNeeded: seed) &* 0x9e37_79b9_7f4a_7c15 | 1
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state)
    }
}

/// The address of `bytes`.
func address(of bytes: [UInt8]) -> BlobAddress {
    var hasher = BlobHasher()
    hasher.update(bytes)
    return hasher.address()
}

/// A secret that is the same for the same seed.
func secret(_ seed: Int) -> Secret {
    guard let secret = Secret(bytes: content(seed &+ 77, count: Secret.byteCount)) else {
        preconditionFailure("sixteen bytes are a secret")
    }
    return secret
}

extension LeaseStore {
    /// Uploads `bytes` in pieces of `piece`.
    @discardableResult
    func upload(
        _ bytes: [UInt8], owner: Secret? = nil, lifetime: Lifetime? = nil, subject: String = "somebody",
        announced: Bool = true, piece: Int = 1 << 16
    ) async throws(StoreError) -> StoredBlob {
        let terms = LeaseTerms(lifetime: lifetime, owner: owner?.hash, subject: subject)
        let session = try await begin(
            UploadAnnouncement(
                size: announced ? Int64(bytes.count) : nil, address: announced ? address(of: bytes) : nil, terms: terms)
        )
        for start in stride(from: 0, to: bytes.count, by: piece) {
            try await session.append(Array(bytes[start..<min(start + piece, bytes.count)]))
        }
        return try await session.commit()
    }

    /// The whole blob at `address`, or in a word what is there instead.
    func fetch(_ address: BlobAddress) async throws(StoreError) -> Fetched {
        switch try await find(address) {
        case .unknown: return .unknown
        case .damaged: return .damaged
        case .gone(let reason): return .gone(reason)
        case .unreachable: throw .unavailable("a disk store holds the truth itself")
        case .held(let blob):
            guard let range = ByteRange(offset: 0, count: blob.size, within: blob.size) else { return .held([]) }
            return .held(try await blob.content.read(range))
        }
    }
}

/// What a test sees of a blob.
enum Fetched: Hashable {
    case held([UInt8])
    case gone(EndReason)
    case damaged
    case unknown
}
