import BlobFiles
import Blobs
import CacheFolder
import EventLoops
import Store
import Synchronization

/// A blob in a sparse file of the cache: some of its pieces are here, others come when somebody reads them, each once for
/// everybody who waits. Where the disk takes no bytes, readers get them from memory.
///
/// A file belongs to one of these for as long as it lives, so whoever has its descriptor never meets a hole where
/// `readResident` or `fetch` promised bytes. It goes on when the cache has let it go.
final class PieceFile: BlobContent {
    /// What a piece is read from.
    private enum ArrivedPiece: Sendable {
        case file
        /// The disk did not take it.
        case memory([UInt8])
    }

    private typealias Arrival = Task<Result<ArrivedPiece, StoreError>, Never>

    private struct State {
        var map: PieceMap
        /// Where missing pieces are fetched from.
        var layout: BlobLayout
        /// Pieces on their way.
        var arrivals: [Int: Arrival] = [:]
        /// When the blob's last lease is over, as far as it was heard.
        var sunset: Timestamp
        var lastUse = ContinuousClock.now
    }

    let address: BlobAddress
    /// Bytes of the blob, at least 1.
    let size: Int64
    let part: PartFile
    private let reader: ObjectReader
    /// Pieces that are in no file.
    private let shelf: PieceShelf
    private let threads: BlockingPool
    private let onWhole: @Sendable (PieceFile) -> Void
    private let state: Mutex<State>

    /// - Parameters:
    ///   - part: where the bytes go.
    ///   - onWhole: called once, on a thread that may block, when all pieces are in the file.
    init(
        _ address: BlobAddress, layout: BlobLayout, until sunset: Timestamp, into part: PartFile,
        beside shelf: PieceShelf, from reader: ObjectReader, threads: BlockingPool,
        onWhole: @escaping @Sendable (PieceFile) -> Void
    ) {
        self.address = address
        size = layout.size
        self.part = part
        self.reader = reader
        self.shelf = shelf
        self.threads = threads
        self.onWhole = onWhole
        state = Mutex(State(map: PieceMap(layout), layout: layout, sunset: sunset))
    }

    // MARK: What is here

    /// Bytes that are here.
    var bytesHere: Int64 { state.withLock { $0.map.presentBytes } }

    /// When it was last read.
    var lastUse: ContinuousClock.Instant { state.withLock { $0.lastUse } }

    /// When the blob's last lease is over, as far as it was heard.
    var sunset: Timestamp { state.withLock { $0.sunset } }

    /// The row was read again: missing pieces are fetched from where it says.
    func use(_ layout: BlobLayout, until sunset: Timestamp) {
        state.withLock { state in
            if layout.size == size { state.layout = layout }
            state.sunset = max(state.sunset, sunset)
        }
    }

    /// Waits until the piece that has the byte at `offset` can be read. Throws as `ObjectReader.withBytes`.
    func prepare(at offset: Int64) async throws(StoreError) { _ = try await place(at: offset) }

    // MARK: Content

    func openDescriptor() -> Int32? { part.duplicateDescriptor() }

    func readResident(at offset: Int64, into buffer: inout MutableRawSpan) -> Int {
        let limit = offset + Int64(buffer.byteCount)
        let end = state.withLock { $0.map.available(from: offset, limit: limit) }
        guard end > offset else { return 0 }
        var room = buffer._mutatingExtracting(..<Int(end - offset))
        return part.readResident(at: offset, into: &room)
    }

    func read(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> [UInt8] {
        let (place, piece) = try await place(at: range.offset)
        if intent == .whole { fetchAhead(behind: piece.end) }
        let count = Int(min(piece.end - range.offset, range.count, Int64(limit)))
        switch place {
        case .memory(let bytes): return Array(bytes.dropFirst(Int(range.offset - piece.offset)).prefix(count))
        case .file:
            return try await threads.run { [part] () throws(StoreError) in
                try part.read(at: range.offset, count: count)
            }
        }
    }

    func fetch(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> Int {
        let isHere = state.withLock { $0.map.contains($0.map.piece(at: range.offset)) }
        let (place, piece) = try await place(at: range.offset)
        if intent == .whole { fetchAhead(behind: piece.end) }
        guard case .file = place else { return 0 }
        let stop = min(range.end, range.offset + Int64(limit))
        let end = state.withLock { $0.map.available(from: range.offset, limit: stop) }
        // What has just come is in the page cache.
        if isHere { try await readThrough(from: range.offset, to: end) }
        return Int(end - range.offset)
    }

    /// Reads bytes and keeps nothing: afterwards the kernel has them.
    private func readThrough(from start: Int64, to end: Int64) async throws(StoreError) {
        try await threads.run { [part] () throws(StoreError) in
            var offset = start
            while offset < end {
                let count = min(end - offset, 256 << 10)
                _ = try part.read(at: offset, count: Int(count))
                offset += count
            }
        }
    }

    // MARK: Fetching

    /// Where the byte at `offset` can be read by now, and which bytes its piece has. Waits until it is there.
    private func place(at offset: Int64) async throws(StoreError) -> (ArrivedPiece, piece: ByteRange) {
        let (isHere, piece, range) = state.withLock { (state: inout State) -> (Bool, Int, ByteRange) in
            state.lastUse = .now
            let piece = state.map.piece(at: offset)
            return (state.map.contains(piece), piece, state.map.range(of: piece))
        }
        if isHere { return (.file, range) }
        if part.hasFailed, let bytes = shelf[address, range] { return (.memory(bytes), range) }
        let coming = state.withLock { state in arrival(of: piece, range, &state) }
        return (try await coming.value.get(), range)
    }

    /// The piece behind, which whoever reads all of it wants next.
    private func fetchAhead(behind end: Int64) {
        guard end < size, !part.hasFailed, reader.isRelaxed else { return }
        state.withLock { state in
            let piece = state.map.piece(at: end)
            if !state.map.contains(piece) { _ = arrival(of: piece, state.map.range(of: piece), &state) }
        }
    }

    /// The task that brings a piece; the one that is under way, if there is one.
    private func arrival(of piece: Int, _ range: ByteRange, _ state: inout State) -> Arrival {
        if let arrival = state.arrivals[piece] { return arrival }
        let layout = state.layout
        let arrival = Task(executorPreference: LoopExecutor.here()) { await self.bring(piece, range, by: layout) }
        state.arrivals[piece] = arrival
        return arrival
    }

    private func bring(_ piece: Int, _ range: ByteRange, by layout: BlobLayout) async -> Result<
        ArrivedPiece, StoreError
    > {
        let result: Result<(value: ArrivedPiece, layout: BlobLayout), StoreError>
        do throws(StoreError) {
            result = .success(
                try await reader.withBytes(of: range, of: address, by: layout) { bytes async throws(StoreError) in
                    await keep(bytes, at: range.offset)
                })
        } catch {
            result = .failure(error)
        }
        let isWhole = state.withLock { state in
            state.arrivals[piece] = nil
            guard case .success(let (place, layout)) = result else { return false }
            state.layout = layout
            guard case .file = place, !state.map.contains(piece) else { return false }
            state.map.insert(piece)
            return state.map.isFull
        }
        if case .success((.memory(let bytes), _)) = result { shelf.put(bytes, of: address, range) }
        if isWhole {
            threads.submit {
                self.onWhole(self)
            } orElse: {
            }
        }
        return result.map(\.value)
    }

    /// Writes a piece to the file, if that takes it.
    private func keep(_ bytes: [UInt8], at offset: Int64) async -> ArrivedPiece {
        guard !part.hasFailed else { return .memory(bytes) }
        let written: Void? = try? await threads.run { [part] () throws(StoreError) in
            // Safe: a span of bytes has no padding.
            try unsafe part.write(bytes.span.bytes, at: offset)
        }
        return written == nil ? .memory(bytes) : .file
    }
}
