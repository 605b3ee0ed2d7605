import Blobs
import Synchronization

/// Pieces of blobs that are in no file, since the disk does not take them: those that were read last, so that a reader who
/// takes small parts of one does not have it fetched for each.
final class PieceShelf: Sendable {
    fileprivate struct ShelfKey: Hashable {
        let address: BlobAddress
        let range: ByteRange
    }

    fileprivate struct State {
        /// The one that was read last is the last.
        var pieces: [(key: ShelfKey, bytes: [UInt8])] = []
        var bytes: Int64 = 0
    }

    private let limitBytes: Int64
    private let state = Mutex(State())

    init(limitBytes: Int64) {
        self.limitBytes = limitBytes
    }

    subscript(_ address: BlobAddress, _ range: ByteRange) -> [UInt8]? {
        let key = ShelfKey(address: address, range: range)
        return state.withLock { state in
            guard let place = state.pieces.lastIndex(where: { $0.key == key }) else { return nil }
            let piece = state.pieces.remove(at: place)
            state.pieces.append(piece)
            return piece.bytes
        }
    }

    /// Keeps a piece, in place of those that were read longest ago.
    func put(_ bytes: [UInt8], of address: BlobAddress, _ range: ByteRange) {
        let key = ShelfKey(address: address, range: range)
        state.withLock { state in
            if let place = state.pieces.firstIndex(where: { $0.key == key }) { state.remove(at: place) }
            state.pieces.append((key, bytes))
            state.bytes += Int64(bytes.count)
            while state.bytes > limitBytes, !state.pieces.isEmpty { state.remove(at: 0) }
        }
    }
}

extension PieceShelf.State {
    fileprivate mutating func remove(at place: Int) { bytes -= Int64(pieces.remove(at: place).bytes.count) }
}
