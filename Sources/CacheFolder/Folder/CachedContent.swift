import BlobFiles
import Blobs
import Store
import Synchronization

/// A blob of the cache. Where the disk does not return its bytes, they come from the source again.
final class CachedContent: BlobContent {
    private let file: FileContent
    private let detour: Detour
    private let address: BlobAddress
    private let size: Int64
    private let hasFailed: Atomic<Bool>
    /// Of the one who reads all of it.
    private let served: ServedDigest

    convenience init(_ file: FileContent, of address: BlobAddress, size: Int64, from source: any BlobSource) {
        self.init(file, Detour(of: address, size: size, from: source), address, size, hasFailed: false)
    }

    private init(_ file: FileContent, _ detour: Detour, _ address: BlobAddress, _ size: Int64, hasFailed: Bool) {
        self.file = file
        self.detour = detour
        self.address = address
        self.size = size
        self.hasFailed = Atomic(hasFailed)
        served = ServedDigest(of: address, size: size)
    }

    func forOneReader() -> any BlobContent {
        CachedContent(file, detour, address, size, hasFailed: hasFailed.load(ordering: .relaxed))
    }

    func openDescriptor() -> Int32? { file.openDescriptor() }

    func readResident(at offset: Int64, into buffer: inout MutableRawSpan) -> Int {
        served.hasBegun ? 0 : file.readResident(at: offset, into: &buffer)
    }

    func read(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> [UInt8] {
        if !hasFailed.load(ordering: .relaxed) {
            do { return try await file.read(range, atMost: limit, for: intent) } catch {
                hasFailed.store(true, ordering: .relaxed)
            }
        }
        let bytes = try await detour.read(range, atMost: limit)
        if intent == .whole {
            try await served.take(bytes, at: range.offset) { earlier throws(StoreError) in
                try await file.read(earlier, atMost: Fill.pieceBytes, for: .ranges)
            }
        }
        return bytes
    }

    func fetch(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> Int {
        if hasFailed.load(ordering: .relaxed) { return 0 }
        do { return try await file.fetch(range, atMost: limit, for: intent) } catch {
            hasFailed.store(true, ordering: .relaxed)
            return 0
        }
    }
}
