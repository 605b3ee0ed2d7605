import Blobs
import CacheFolder
import NIOCore
import SharedCatalog
import Store
import StoreRules
import Synchronization

/// The object store as what a cache of whole blobs falls back on where its disk does not return what it has.
struct BlobObjects: BlobSource {
    let reader: ObjectReader
    let row: @Sendable (BlobAddress) async throws(StoreError) -> FoundBlob?

    func bytes(
        of address: BlobAddress, from start: Int64, to end: Int64, size: Int64
    ) async throws(SourceError) -> any ByteStream {
        let found: FoundBlob?
        do throws(StoreError) { found = try await row(address) } catch { throw SourceError(error) }
        guard let found, found.row.state == .held, let layout = BlobLayout(found), layout.size == size,
            let range = ByteRange(offset: start, count: end - start, within: size)
        else { throw .gone }
        return ObjectStream(range, of: address, by: layout, from: reader)
    }
}

/// Bytes of a blob in their order, an object at a time. Holds none of them between two calls but those of the object that
/// it is at.
final class ObjectStream: ByteStream {
    private struct State {
        var layout: BlobLayout
        var position: Int64
        /// What is left of the object that was fetched last.
        var bytes = ByteBuffer()
    }

    private let address: BlobAddress
    private let end: Int64
    private let reader: ObjectReader
    private let state: Mutex<State>

    init(_ range: ByteRange, of address: BlobAddress, by layout: BlobLayout, from reader: ObjectReader) {
        self.address = address
        end = range.end
        self.reader = reader
        state = Mutex(State(layout: layout, position: range.offset))
    }

    func next(atMost limit: Int) async throws(SourceError) -> ByteBuffer? {
        if let bytes = arrived(atMost: limit) { return bytes }
        let (layout, position) = state.withLock { ($0.layout, $0.position) }
        guard position < end else { return nil }
        let piece = layout.pieces[layout.index(at: position)]
        guard let range = ByteRange(offset: position, count: min(piece.end, end) - position, within: end) else {
            return nil
        }
        do throws(StoreError) {
            let (bytes, layout) = try await reader.withBytes(of: range, of: address, by: layout) {
                bytes throws(StoreError) in ByteBuffer(bytes: bytes)
            }
            state.withLock { state in
                state.layout = layout
                state.bytes = bytes
            }
        } catch {
            throw SourceError(error)
        }
        return arrived(atMost: limit)
    }

    func arrived(atMost limit: Int) -> ByteBuffer? {
        state.withLock { state in
            guard let bytes = state.bytes.readSlice(length: min(limit, state.bytes.readableBytes)),
                bytes.readableBytes > 0
            else { return nil }
            state.position += Int64(bytes.readableBytes)
            if state.bytes.readableBytes == 0 { state.bytes = ByteBuffer() }
            return bytes
        }
    }

    func cancel() { state.withLock { $0.bytes = ByteBuffer() } }
}

extension SourceError {
    fileprivate init(_ error: StoreError) {
        switch error {
        case .notFound, .gone, .damaged: self = .gone
        case .unavailable(let why): self = .broken(why)
        default: self = .broken(error.description)
        }
    }
}
