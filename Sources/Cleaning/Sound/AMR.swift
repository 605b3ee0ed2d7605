/// Cleans AMR and AMR-WB as files of their own (RFC 4867, section 5): there is room for nothing but sound, so the frames
/// are looked at and kept as they are. What is less than a frame at the end goes, and is told.
///
/// | bytes | content |
/// |-------|---------|
/// | 6, 9  | `#!AMR\n`, `#!AMR-WB\n` |
/// | 1     | of each frame: bits 3…6 its type, bit 2 its quality, others 0 |
/// | 0…60  | sound, as many bytes as the type says |
package enum AMR {
    /// Bytes behind the first one, by the frame's type; nil for types that a file cannot have.
    private static let narrow: [Int?] = [12, 13, 15, 17, 19, 20, 26, 31, 5, nil, nil, nil, nil, nil, nil, 0]
    private static let wide: [Int?] = [17, 23, 32, 36, 40, 46, 50, 58, 60, 5, nil, nil, nil, nil, 0, 0]

    package static func clean(_ source: SourceBytes) throws(CleaningError) -> CleanedFile {
        let start = FirstBytes(try source.bytes(Int(min(16, source.count)), at: 0))
        if start.has("#!AMR_MC", at: 0) || start.has("#!AMR-WB_MC", at: 0) {
            throw .unsupported("AMR of more than one channel")
        }
        let isWide = start.has("#!AMR-WB\n", at: 0)
        guard isWide || start.has("#!AMR\n", at: 0) else { throw .corrupt("it does not begin like AMR") }
        let sizes = isWide ? wide : narrow
        var offset: Int64 = isWide ? 9 : 6
        var frames = 0
        var isWhole = true
        while isWhole, offset < source.count {
            let piece = try source.bytes(Int(min(32 << 10, source.count - offset)), at: offset)
            var place = piece.startIndex
            while place < piece.endIndex {
                guard piece[place] & 0x83 == 0, let size = sizes[Int(piece[place] >> 3 & 15)] else {
                    throw .corrupt("something in it is not a frame of AMR")
                }
                let next = place + 1 + size
                isWhole = Int64(next - piece.startIndex) <= source.count - offset
                if !isWhole { break }
                place = next
                frames += 1
            }
            // The last frame may end behind the piece.
            offset += Int64(place - piece.startIndex)
        }
        guard frames > 0 else { throw .corrupt("no frame of sound is in it") }
        var file = CleanedFile()
        file.copy.append(original: 0..<offset)
        file.isCutShort = offset < source.count
        file.seconds = Double(frames) * 0.02
        return file
    }
}
