import BlobFiles
import Blobs
import Store
import Synchronization

/// What the readers of one finding read a fill through.
final class FillReader: BlobContent {
    private let fill: Fill

    init(_ fill: Fill) {
        self.fill = fill
    }

    deinit { fill.leave() }

    func read(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> [UInt8] {
        let count = try await fill.wait(from: range.offset, to: range.end, atMost: limit, for: intent)
        if count == 0 { return try await fill.detour.read(range, atMost: limit, for: intent) }
        let part = fill.part
        return try await fill.threads.run { () throws(StoreError) in try part.read(at: range.offset, count: count) }
    }

    func readResident(at offset: Int64, into buffer: inout MutableRawSpan) -> Int {
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
        fill.arrived(from: range.offset, to: range.end, for: intent)
    }

    func fetch(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> Int {
        try await fill.wait(from: range.offset, to: range.end, atMost: limit, for: intent)
    }

    func openDescriptor() -> Int32? { fill.part.duplicateDescriptor() }
}

/// Reads past a fill and its file.
final class PassingReader: BlobContent {
    private let detour: Detour

    init(_ detour: Detour) {
        self.detour = detour
    }

    func read(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> [UInt8] {
        try await detour.read(range, atMost: limit, for: intent)
    }

    func readResident(at offset: Int64, into buffer: inout MutableRawSpan) -> Int { 0 }

    func fetch(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> Int { 0 }

    func openDescriptor() -> Int32? { nil }
}
