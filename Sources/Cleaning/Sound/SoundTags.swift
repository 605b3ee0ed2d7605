/// The tags around a stream of sound, and what lies between them.
///
/// At the start: ID3v2, APEv2. At the end, in any order: ID3v1 with its extension `TAG+`, APEv1 and APEv2 (hydrogenaud.io,
/// "APEv2 specification"), Lyrics3 v1 and v2, ID3v2.4 with its footer.
struct SoundTags {
    /// More tags than this are no tags any more.
    private static let limit = 64

    /// Where the sound is.
    private(set) var sound: Range<Int64>
    private(set) var removed: Set<RemovedMetadata> = []
    private let source: SourceBytes
    private var count = 0

    init(in source: SourceBytes) throws(CleaningError) {
        self.source = source
        sound = 0..<source.count
        while let end = try endOfTag(at: sound.lowerBound) { sound = end..<sound.upperBound }
        if count > 0 { try skipZeros() }
        while let start = try startOfLastTag() { sound = sound.lowerBound..<start }
    }

    /// The end of the tag that begins at `offset`, in front of sound or between it; nil if there is none.
    mutating func endOfTag(at offset: Int64) throws(CleaningError) -> Int64? {
        if let tag = try ID3Tag(in: source, at: offset) {
            removed.formUnion(try tag.words(in: source))
            return try counted(tag.range.upperBound)
        }
        if let tag = try APETag(in: source, at: offset) {
            removed.formUnion(tag.words)
            return try counted(tag.range.upperBound)
        }
        return nil
    }

    /// How far from its end a tag has its mark.
    static let endBytes = 128

    /// Whether these bytes look like the end of a tag.
    static func end(with bytes: [UInt8]) -> Bool {
        let marks = [("TAG", endBytes), ("APETAGEX", 32), ("3DI", 10), ("LYRICS200", 9), ("LYRICSEND", 9)]
        return marks.contains { mark, distance in
            bytes.count >= distance && bytes.suffix(distance).starts(with: mark.utf8)
        }
    }

    private mutating func counted(_ place: Int64) throws(CleaningError) -> Int64 {
        count += 1
        if count > Self.limit { throw .excessive("more than \(Self.limit) tags") }
        return place
    }

    /// Leaves out the zeros that some writers put between a tag and the sound.
    private mutating func skipZeros() throws(CleaningError) {
        while sound.lowerBound < sound.upperBound, try source.byte(at: sound.lowerBound) == 0 {
            sound = sound.lowerBound + 1..<sound.upperBound
        }
    }

    private mutating func startOfLastTag() throws(CleaningError) -> Int64? {
        let end = sound.upperBound
        if try has("TAG", at: end - 128) {
            removed.insert(.text)
            // The extension stands in front of the tag that it extends.
            let isExtended = try has("TAG+", at: end - 128 - 227)
            return try counted(end - 128 - (isExtended ? 227 : 0))
        }
        if let tag = try APETag(in: source, endingAt: end, from: sound.lowerBound) {
            removed.formUnion(tag.words)
            return try counted(tag.range.lowerBound)
        }
        if let tag = try ID3Tag(in: source, endingAt: end, from: sound.lowerBound) {
            removed.formUnion(try tag.words(in: source))
            return try counted(tag.range.lowerBound)
        }
        if let start = try startOfLyrics(endingAt: end) {
            removed.insert(.text)
            return try counted(start)
        }
        return nil
    }

    /// Lyrics3 v2 ends with its size in six digits and `LYRICS200`; v1 with `LYRICSEND`, at most 5,100 bytes behind its
    /// beginning (id3.org, "Lyrics3" and "Lyrics3v2").
    private func startOfLyrics(endingAt end: Int64) throws(CleaningError) -> Int64? {
        if try has("LYRICS200", at: end - 9), end - 15 >= sound.lowerBound {
            let digits = try source.bytes(6, at: end - 15)
            guard let size = Int64(String(decoding: digits, as: UTF8.self)), size >= 11,
                try has("LYRICSBEGIN", at: end - 15 - size)
            else { throw .corrupt("its lyrics have no beginning") }
            return end - 15 - size
        }
        if try has("LYRICSEND", at: end - 9) {
            let mark = Array("LYRICSBEGIN".utf8)
            let start = max(sound.lowerBound, end - 9 - 5100 - Int64(mark.count))
            let text = Array(try source.bytes(Int(end - start), at: start))
            guard let place = text.indices.last(where: { text[$0...].starts(with: mark) }) else {
                throw .corrupt("its lyrics have no beginning")
            }
            return start + Int64(place)
        }
        return nil
    }

    /// Whether the sound has this text at `offset`.
    private func has(_ text: String, at offset: Int64) throws(CleaningError) -> Bool {
        let expected = Array(text.utf8)
        guard offset >= sound.lowerBound, offset <= sound.upperBound - Int64(expected.count) else { return false }
        return try source.bytes(expected.count, at: offset).elementsEqual(expected)
    }
}
