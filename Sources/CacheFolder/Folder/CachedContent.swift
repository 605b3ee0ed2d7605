import BlobFiles
import Blobs
import Store
import Synchronization

/// A blob of the cache. Where the disk does not return its bytes, they come from the source again.
final class CachedContent: BlobContent {
    private let file: FileContent
    private let detour: Detour
    private let hasFailed = Atomic(false)

    init(_ file: FileContent, else detour: Detour) {
        self.file = file
        self.detour = detour
    }

    func openDescriptor() -> Int32? { file.openDescriptor() }

    func readResident(at offset: Int64, into buffer: inout MutableRawSpan) -> Int {
        file.readResident(at: offset, into: &buffer)
    }

    func read(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> [UInt8] {
        if !hasFailed.load(ordering: .relaxed) {
            do { return try await file.read(range, atMost: limit, for: intent) } catch {
                hasFailed.store(true, ordering: .relaxed)
            }
        }
        return try await detour.read(range, atMost: limit, for: intent)
    }

    func fetch(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> Int {
        if hasFailed.load(ordering: .relaxed) { return 0 }
        do { return try await file.fetch(range, atMost: limit, for: intent) } catch {
            hasFailed.store(true, ordering: .relaxed)
            return 0
        }
    }
}
