import Blobs
import CacheFolder
import Store
import Synchronization

/// What the cache of a node hears of a blob that it gave away.
struct CopyRecord: CacheRecord {
    let address: BlobAddress
    let disk: DiskCache

    /// What is ready holds by its validity alone.
    func confirmed(at now: Timestamp) -> Timestamp { now }

    func noteReads(_ count: Int, at now: Timestamp) { disk.noteReads(count, of: address, at: now) }
}

/// The bytes of a blob that nobody is likely to read: nothing is fetched or opened for them before somebody does.
final class DeferredContent: BlobContent {
    private typealias Opening = Task<Result<any BlobContent, StoreError>, Never>

    private let open: @Sendable () async throws(StoreError) -> any BlobContent
    private let opening = Mutex<Opening?>(nil)

    init(_ open: @escaping @Sendable () async throws(StoreError) -> any BlobContent) {
        self.open = open
    }

    func read(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> [UInt8] {
        let task = opening.withLock { opening in
            let task =
                opening
                ?? Opening { [open] in
                    do throws(StoreError) { return .success(try await open()) } catch { return .failure(error) }
                }
            opening = task
            return task
        }
        return try await task.value.get().read(range, atMost: limit, for: intent)
    }

    func readResident(at offset: Int64, into buffer: inout MutableRawSpan) -> Int { 0 }

    func arrived(_ range: ByteRange, for intent: ReadIntent) -> Int { 0 }

    func fetch(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> Int { 0 }

    func openDescriptor() -> Int32? { nil }
}

/// Addresses that something happened to within a while, a bounded number of them.
final class RecentAddresses: Sendable {
    private static let limit = 1024

    private let span: Duration
    private let state = Mutex<[BlobAddress: ContinuousClock.Instant]>([:])

    init(span: Duration) {
        self.span = span
    }

    /// Adds an address; false where it is there already, or there are too many.
    func add(_ address: BlobAddress) -> Bool {
        let now = ContinuousClock.now
        return state.withLock { state in
            state = state.filter { now - $0.value < span }
            guard state[address] == nil, state.count < Self.limit else { return false }
            state[address] = now
            return true
        }
    }
}

extension ReadIntent {
    /// The byte that is read first; nil where that is not known, or none is.
    var firstByte: Int64? {
        switch self {
        case .whole, .again: 0
        case .range(let range): range.lowerBound
        case .head, .ranges: nil
        }
    }
}
