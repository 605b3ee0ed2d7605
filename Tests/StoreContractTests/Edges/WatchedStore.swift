import Blobs
import Store
import Synchronization
import TestSupport

/// A store as its server reads it: a test sees what is read, and can spoil or delay it.
final class WatchedStore: BlobStore {
    private struct State {
        var reads: [BlobAddress: [Range<Int64>]] = [:]
        var spoiled: Set<BlobAddress> = []
        var delayed: BlobAddress?
        /// Findings that are kept back.
        var keptBack = 0
    }

    private let store: any BlobStore
    private let state = Mutex(State())

    init(_ store: any BlobStore) {
        self.store = store
    }

    // MARK: What a test sees and does

    /// The bytes of a blob that were read since the last time, in order.
    func takeReads(of address: BlobAddress) -> [Range<Int64>] {
        state.withLock { $0.reads.removeValue(forKey: address) ?? [] }
    }

    /// Has a wrong bit in the first bytes of a blob that are read from now on.
    func spoil(_ address: BlobAddress) { state.withLock { _ = $0.spoiled.insert(address) } }

    /// Nothing is spoiled any more; false if nobody has read what was.
    func endSpoiling(_ address: BlobAddress) -> Bool { state.withLock { $0.spoiled.remove(address) == nil } }

    /// Keeps back what is found of a blob from now on. The findings are of now, whenever they are given.
    func delay(_ address: BlobAddress) { state.withLock { $0.delayed = address } }

    /// Runs `body` once a finding is kept back, and gives it away then.
    func delaying(_ body: () async throws -> Void) async throws {
        try await eventually { state.withLock { $0.keptBack > 0 } }
        defer { state.withLock { ($0.delayed, $0.keptBack) = (nil, 0) } }
        try await body()
    }

    // MARK: The contract

    func find(_ address: BlobAddress, for intent: ReadIntent) async throws(StoreError) -> BlobFinding {
        let finding = try await store.find(address, for: intent)
        if keepBack(address) {
            while state.withLock({ $0.keptBack > 0 }) { try? await Task.sleep(for: .milliseconds(2)) }
        }
        guard case .held(let blob) = finding else { return finding }
        return .held(
            HeldBlob(
                address: address, size: blob.size, sunset: blob.sunset, freshUntil: blob.freshUntil,
                content: Content(self, address, blob.content), isComplete: blob.isComplete, handling: blob.handling))
    }

    private func keepBack(_ address: BlobAddress) -> Bool {
        state.withLock { state in
            guard state.delayed == address else { return false }
            state.keptBack += 1
            return true
        }
    }

    func validity(of address: BlobAddress) -> ValidityToken { store.validity(of: address) }

    func now() -> Timestamp { store.now() }

    func unreadiness() async -> String? { await store.unreadiness() }

    /// The content of a blob, which goes through here byte by byte.
    private final class Content: BlobContent {
        private let watched: WatchedStore
        private let address: BlobAddress
        private let content: any BlobContent

        init(_ watched: WatchedStore, _ address: BlobAddress, _ content: any BlobContent) {
            self.watched = watched
            self.address = address
            self.content = content
        }

        func read(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> [UInt8] {
            var bytes = try await content.read(range, atMost: limit, for: intent)
            let isSpoiled = watched.state.withLock { state in
                state.reads[address, default: []].append(range.offset..<range.offset + Int64(bytes.count))
                return state.spoiled.remove(address) != nil
            }
            if isSpoiled { bytes[0] ^= 1 }
            return bytes
        }

        func readResident(at offset: Int64, into buffer: inout MutableRawSpan) -> Int { 0 }

        func fetch(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> Int { 0 }

        func openDescriptor() -> Int32? { nil }
    }
}
