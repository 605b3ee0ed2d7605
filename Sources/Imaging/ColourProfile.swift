import Cleaning

/// Assembles an ICC profile from its segments, APP2 `ICC_PROFILE` (ICC.1:2022, annex B.4).
///
/// The chunks are numbered from 1; some writers number them from 0, and some put them in another order. What counts is
/// that the set is complete.
struct ColourProfile: Sendable {
    private var chunks: [UInt8: ArraySlice<UInt8>] = [:]
    private var chunkCount: UInt8 = 0
    private var byteCount = 0
    private(set) var isPresent = false
    private var isValid = true

    /// The bytes before the number of a chunk.
    static let label: [UInt8] = Array("ICC_PROFILE".utf8) + [0]
    /// The most bytes of a profile in one segment: 65,533 less label, number and count.
    static let chunkBytes = 65_519

    /// Takes what follows the label of a segment: the chunk's number, the number of chunks, and its bytes.
    mutating func take(_ segment: ArraySlice<UInt8>) {
        isPresent = true
        guard isValid, let number = segment.first, let count = segment.dropFirst().first, count >= number,
            chunkCount == 0 || count == chunkCount, chunks[number] == nil,
            byteCount + segment.count - 2 <= CleanProfile.limitBytes
        else {
            isValid = false
            chunks = [:]
            return
        }
        chunkCount = count
        byteCount += segment.count - 2
        chunks[number] = segment.dropFirst(2)
    }

    /// What becomes of the profile in a picture of these colours, if all chunks are there; nil if there is none.
    func cleaned(for colours: PictureColours?) -> CleanProfile? {
        guard isPresent, let colours else { return nil }
        return CleanProfile((assembled ?? [])[...], of: colours)
    }

    /// The bytes in the order of the numbers; nil unless each number is there once.
    private var assembled: [UInt8]? {
        guard isValid, let first = chunks.keys.min(), first <= 1, chunks.count == Int(chunkCount) else { return nil }
        let numbers = (0..<Int(chunkCount)).map { UInt8($0) &+ first }
        return numbers.reduce(into: [UInt8]?([])) { bytes, number in
            guard let chunk = chunks[number] else {
                bytes = nil
                return
            }
            bytes?.append(contentsOf: chunk)
        }
    }
}
