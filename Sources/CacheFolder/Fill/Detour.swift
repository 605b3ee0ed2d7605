import Blobs
import NIOCore
import Store
import Synchronization

/// Serves readers straight from the source, where the disk of the cache takes or gives no bytes: each goes on with the
/// stream that the piece before came from. What they get is checked by their own `ServedDigest`.
final class Detour: Sendable {
    /// A stream between two pieces.
    private struct ParkedStream {
        let stream: any ByteStream
        /// Where it goes on, and what has come from there on.
        var position: Int64
        var bytes: ByteBuffer
        let end: Int64
    }

    /// Streams that wait for their readers; more begin anew.
    private static let placeLimit = 64
    private static let pieceBytes = 64 << 10

    private let address: BlobAddress
    private let size: Int64
    private let source: any BlobSource
    private let places = Mutex<[ParkedStream]>([])

    init(of address: BlobAddress, size: Int64, from source: any BlobSource) {
        self.address = address
        self.size = size
        self.source = source
    }

    deinit { for place in places.withLock({ $0 }) { place.stream.cancel() } }

    /// The next bytes of a range, at least one. A stream that breaks off is begun anew, as often as a fill's is.
    func read(_ range: ByteRange, atMost limit: Int) async throws(StoreError) -> [UInt8] {
        var failures = 0
        while true {
            do throws(SourceError) {
                return try await piece(of: range, atMost: limit)
            } catch {
                guard case .broken = error, failures < Fill.pauses.count else { throw .io("the origin: \(error)") }
                try? await Task.sleep(for: .seconds(Fill.pauses[failures]))
                failures += 1
            }
        }
    }

    private func piece(of range: ByteRange, atMost limit: Int) async throws(SourceError) -> [UInt8] {
        var place = try await place(for: range)
        if place.bytes.readableBytes == 0 {
            guard let next = try await place.stream.next(atMost: Self.pieceBytes) else {
                throw .broken("the answer ended early")
            }
            place.bytes = next
        }
        let count = min(limit, place.bytes.readableBytes, Int(clamping: range.count))
        let bytes = place.bytes.readBytes(length: count) ?? []
        place.position += Int64(count)
        keep(place)
        return bytes
    }

    private func place(for range: ByteRange) async throws(SourceError) -> ParkedStream {
        let kept = places.withLock { places in
            places.firstIndex { $0.position == range.offset && $0.end >= range.end }.map { places.remove(at: $0) }
        }
        if let kept { return kept }
        let stream = try await source.bytes(of: address, from: range.offset, to: range.end, size: size)
        return ParkedStream(stream: stream, position: range.offset, bytes: ByteBuffer(), end: range.end)
    }

    private func keep(_ place: ParkedStream) {
        guard place.position < place.end else { return place.stream.cancel() }
        let dropped = places.withLock { places in
            places.append(place)
            return places.count > Self.placeLimit ? places.removeFirst() : nil
        }
        dropped?.stream.cancel()
    }
}

/// The digest of what one reader has been given, wherever it came from: whoever reads all of a blob gets its end when
/// that is right.
final class ServedDigest: Sendable {
    private let address: BlobAddress
    private let size: Int64
    /// The digest of everything before a position; nil before the first byte.
    private let state = Mutex<(hasher: BlobHasher, position: Int64)?>(nil)

    init(of address: BlobAddress, size: Int64) {
        self.address = address
        self.size = size
    }

    /// Whether any byte has been taken.
    var hasBegun: Bool { state.withLock { $0 != nil } }

    /// Takes the bytes at `offset`, which are about to be given; throws where they end the blob and it is another one.
    /// `earlier` gives those that were given before without being taken, piece by piece.
    func take(
        _ bytes: [UInt8], at offset: Int64, earlier: (ByteRange) async throws(StoreError) -> [UInt8]
    ) async throws(StoreError) {
        var (hasher, position) = state.withLock { $0 } ?? (BlobHasher(), 0)
        while let rest = ByteRange(offset: position, count: offset - position, within: size) {
            let piece = try await earlier(rest)
            hasher.update(piece)
            position += Int64(piece.count)
        }
        guard position == offset else { throw .io("the pieces are not in order") }
        hasher.update(bytes)
        position += Int64(bytes.count)
        state.withLock { $0 = (hasher, position) }
        if position == size, hasher.address() != address {
            throw .io("the origin: the bytes are not those of the address")
        }
    }
}
