import Blobs
import NIOCore
import Store
import Synchronization

/// Serves readers straight from the source, where the disk of the cache takes no bytes: each goes on with the stream that
/// the piece before came from. Whoever reads all of it gets the end when the digest is right, here too.
final class Detour: Sendable {
    /// A stream between two pieces.
    private struct ParkedStream {
        let stream: any ByteStream
        /// Where it goes on, and what has come from there on.
        var position: Int64
        var bytes: ByteBuffer
        /// The digest of everything before; nil where it began in the middle.
        var hasher: BlobHasher?
        let end: Int64

        /// Passes over bytes that have come, at most up to `target`.
        mutating func skip(to target: Int64) {
            let count = min(Int(clamping: target - position), bytes.readableBytes)
            guard let passed = bytes.readSlice(length: count) else { return }
            hasher?.update(passed.readableBytesSpan)
            position += Int64(count)
        }

        /// The digest of everything that has come.
        var digest: BlobAddress? {
            var hasher = hasher
            hasher?.update(bytes.readableBytesSpan)
            return hasher?.address()
        }
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

    func read(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> [UInt8] {
        do throws(SourceError) {
            var place = try await place(for: range, intent)
            while place.position < range.offset || place.bytes.readableBytes == 0 {
                try await take(&place)
                if place.position < range.offset { place.skip(to: range.offset) }
            }
            let isLast = intent == .whole && place.position + Int64(place.bytes.readableBytes) >= size
            if isLast, place.digest != address {
                place.stream.cancel()
                throw .wrong("the bytes are not those of the address")
            }
            let count = min(limit, place.bytes.readableBytes, Int(clamping: range.count))
            let bytes = Array(place.bytes.readableBytesView.prefix(count))
            place.skip(to: place.position + Int64(count))
            keep(place)
            return bytes
        } catch {
            throw .io("the origin: \(error)")
        }
    }

    private func place(for range: ByteRange, _ intent: ReadIntent) async throws(SourceError) -> ParkedStream {
        let kept = places.withLock { places in
            let index = places.firstIndex {
                $0.position == range.offset && $0.end >= range.end && (intent == .ranges || $0.hasher != nil)
            }
            return index.map { places.remove(at: $0) }
        }
        if let kept { return kept }
        // Only from the first byte on there is a digest.
        let start = intent == .whole ? 0 : range.offset
        let stream = try await source.bytes(of: address, from: start, to: range.end, size: size)
        return ParkedStream(
            stream: stream, position: start, bytes: ByteBuffer(), hasher: start == 0 ? BlobHasher() : nil,
            end: range.end)
    }

    /// Adds what comes next.
    private func take(_ place: inout ParkedStream) async throws(SourceError) {
        guard let next = try await place.stream.next(atMost: Self.pieceBytes) else {
            throw .broken("the answer ended early")
        }
        // A buffer that is empty still holds what was passed over.
        if place.bytes.readableBytes == 0 { place.bytes = next } else { place.bytes.writeImmutableBuffer(next) }
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
