/// Puts an ICC profile together from its segments, APP2 `ICC_PROFILE` (ICC.1:2022, annex B.4).
struct ColourProfile: Sendable {
    private var bytes: [UInt8] = []
    private var chunkCount: UInt8 = 0
    private var lastChunk: UInt8 = 0
    private(set) var isPresent = false
    private var isSound = true

    /// What comes before the number of a chunk.
    static let label: [UInt8] = Array("ICC_PROFILE".utf8) + [0]
    /// Most bytes of a profile that one segment takes: 65,533 less label, number and count.
    static let chunkBytes = 65_519

    /// Takes what follows the label of a segment: the chunk's number, how many there are, and its bytes.
    mutating func take(_ segment: ArraySlice<UInt8>) {
        isPresent = true
        guard isSound, let number = segment.first, let count = segment.dropFirst().first,
            number == lastChunk &+ 1, count >= number, chunkCount == 0 || count == chunkCount,
            bytes.count + segment.count - 2 <= Limits.profileBytes
        else {
            isSound = false
            return
        }
        lastChunk = number
        chunkCount = count
        bytes += segment.dropFirst(2)
    }

    /// The profile, if all chunks came in order and its header says that it is one, this long, of this colour space.
    func profile(of space: String?) -> [UInt8]? {
        guard isPresent, isSound, lastChunk == chunkCount, bytes.count >= 132, let space else { return nil }
        let size = bytes[0..<4].reduce(0) { $0 << 8 | Int($1) }
        guard size == bytes.count, Array(bytes[16..<20]) == Array(space.utf8),
            Array(bytes[36..<40]) == Array("acsp".utf8)
        else { return nil }
        return bytes
    }
}
