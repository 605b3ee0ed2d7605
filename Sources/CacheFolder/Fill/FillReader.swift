import BlobFiles
import Blobs
import Store
import Synchronization

/// What the readers of one finding read a fill through.
final class FillReader: BlobContent {
    private let fill: Fill
    /// Of a reader who goes past the file.
    private let served: ServedDigest

    init(_ fill: Fill) {
        self.fill = fill
        served = ServedDigest(of: fill.address, size: fill.size)
    }

    deinit { fill.leave() }

    func forOneReader() -> any BlobContent { fill.content() }

    func read(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> [UInt8] {
        let count = try await fetch(range, atMost: limit, for: intent)
        if count > 0 { return try await readFile(at: range.offset, count: count) }
        let bytes = try await fill.detour.read(range, atMost: limit)
        if intent == .whole {
            try await served.take(bytes, at: range.offset) { earlier throws(StoreError) in
                try await readFile(at: earlier.offset, count: Int(min(earlier.count, Int64(Fill.pieceBytes))))
            }
        }
        return bytes
    }

    private func readFile(at offset: Int64, count: Int) async throws(StoreError) -> [UInt8] {
        try await fill.threads.run { [part = fill.part] () throws(StoreError) in
            try part.read(at: offset, count: count)
        }
    }

    func readResident(at offset: Int64, into buffer: inout MutableRawSpan) -> Int {
        if served.hasBegun { return 0 }
        let end = fill.state.withLock { state in
            let end = offset + Int64(buffer.byteCount)
            if case .verified = state.phase { return end }
            return state.plan.available(from: offset, limit: min(end, state.plan.lastBlockStart))
        }
        guard end > offset else { return 0 }
        var room = buffer._mutatingExtracting(..<Int(end - offset))
        return fill.part.readResident(at: offset, into: &room)
    }

    func arrived(_ range: ByteRange, for intent: ReadIntent) -> Int {
        served.hasBegun ? 0 : fill.arrived(from: range.offset, to: range.end, for: intent)
    }

    func fetch(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> Int {
        // Whoever has had bytes from past the file goes on there: the file's own digest does not cover them.
        if served.hasBegun { return 0 }
        return try await fill.wait(from: range.offset, to: range.end, atMost: limit, for: intent)
    }

    func openDescriptor() -> Int32? { fill.part.duplicateDescriptor() }
}

/// Reads past a fill and its file.
final class PassingReader: BlobContent {
    private let fill: Fill
    private let served: ServedDigest

    init(past fill: Fill) {
        self.fill = fill
        served = ServedDigest(of: fill.address, size: fill.size)
    }

    func forOneReader() -> any BlobContent { PassingReader(past: fill) }

    func read(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> [UInt8] {
        let bytes = try await fill.detour.read(range, atMost: limit)
        if intent == .whole {
            try await served.take(bytes, at: range.offset) { _ throws(StoreError) in
                throw .io("the pieces are not in order")
            }
        }
        return bytes
    }

    func readResident(at offset: Int64, into buffer: inout MutableRawSpan) -> Int { 0 }

    func fetch(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> Int { 0 }

    func openDescriptor() -> Int32? { nil }
}
