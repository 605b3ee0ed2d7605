import Blobs
import Synchronization

/// The blobs of which the cache has some pieces, or none yet. One that is let go may still be read by those who have it.
final class PartialBlobs: Sendable {
    /// The most at once; each has a file open.
    static let limit = 1024

    private let state = Mutex<[BlobAddress: PieceFile]>([:])

    subscript(address: BlobAddress) -> PieceFile? { state.withLock { $0[address] } }

    var count: Int { state.withLock { $0.count } }

    var addresses: [BlobAddress] { state.withLock { Array($0.keys) } }

    /// Adds a file, unless another of the same blob has come first. Returns the one that counts, and the one that is to be
    /// let go for it: the newcomer, or the one that was read longest ago where there are too many.
    func add(_ file: PieceFile) -> (counts: PieceFile, superfluous: PieceFile?) {
        state.withLock { files in
            if let first = files[file.address], first.size == file.size { return (first, file) }
            let former = files.updateValue(file, forKey: file.address)
            guard former == nil, files.count > Self.limit else { return (file, former) }
            let oldest = files.values.filter { $0 !== file }.min { $0.lastUse < $1.lastUse }
            if let oldest { files[oldest.address] = nil }
            return (file, oldest)
        }
    }

    /// Takes a file out, unless another has taken its place.
    func remove(_ file: PieceFile) {
        state.withLock { files in
            if files[file.address] === file { files[file.address] = nil }
        }
    }

    func remove(_ address: BlobAddress) -> PieceFile? { state.withLock { $0.removeValue(forKey: address) } }

    /// Takes out what nobody has read for a while, and beyond `limitBytes` what was read longest ago.
    func takeIdle(after patience: Duration, limitBytes: Int64) -> [PieceFile] {
        let now = ContinuousClock.now
        return state.withLock { files in
            let all = files.values.map { (file: $0, lastUse: $0.lastUse, bytes: $0.bytesHere) }
                .sorted { $0.lastUse < $1.lastUse }
            var bytes = all.reduce(0) { $0 + $1.bytes }
            var taken: [PieceFile] = []
            for (file, lastUse, here) in all where now - lastUse > patience || bytes > limitBytes {
                bytes -= here
                files[file.address] = nil
                taken.append(file)
            }
            return taken
        }
    }
}
