/// The comments of Vorbis, Opus, FLAC and Speex, cut down to what a player needs: how loud to play it.
///
/// | bytes | content, the lowest byte first |
/// |-------|--------|
/// | 4, …  | bytes of the vendor's name, the name |
/// | 4     | comments |
/// | 4, …  | of each: its bytes, `NAME=value` |
///
/// (Ogg Vorbis I, section 5; RFC 7845, section 5.2; RFC 9639, section 8.6.)
struct VorbisComments {
    private static let countLimit = 100_000

    /// The comments that stay, with an empty vendor, without framing.
    let cleaned: [UInt8]
    let removed: Set<RemovedMetadata>
    /// Whether any comment stays.
    let isEmpty: Bool

    /// Reads comments; what lies behind them (padding, a framing bit) is left out.
    init(_ bytes: ArraySlice<UInt8>) throws(CleaningError) {
        var rest = bytes
        var removed: Set<RemovedMetadata> = []
        if !(try Self.field(&rest)).isEmpty { removed.insert(.encoder) }
        let count = try Self.number(&rest)
        if count > Self.countLimit { throw .excessive("more than \(Self.countLimit) comments") }
        var kept: [[UInt8]] = []
        for _ in 0..<count {
            let comment = try Self.field(&rest)
            if let loudness = Self.loudness(comment) {
                kept.append(loudness)
            } else {
                let name = comment.prefix(100).prefix { $0 != 0x3D }
                removed.insert(removedMetadata(forTag: String(decoding: name, as: UTF8.self)))
            }
        }
        // One gain of each kind, so that nothing hides in repetitions.
        var names: Set<[UInt8]> = []
        kept = kept.filter { names.insert(Array($0.prefix { $0 != 0x3D })).inserted }
        isEmpty = kept.isEmpty
        self.removed = removed
        cleaned = kept.reduce(Self.bytes(0) + Self.bytes(kept.count)) { $0 + Self.bytes($1.count) + $1 }
    }

    /// A comment that tells how loud to play, or which channel is where, with its name in capitals; nil for all others.
    private static func loudness(_ comment: ArraySlice<UInt8>) -> [UInt8]? {
        guard comment.count <= 64, let sign = comment.firstIndex(of: 0x3D) else { return nil }
        let name = String(decoding: comment[..<sign], as: UTF8.self).uppercased()
        let value = String(decoding: comment[(sign + 1)...], as: UTF8.self)
        let isValid: Bool
        switch name {
        case "REPLAYGAIN_TRACK_GAIN", "REPLAYGAIN_ALBUM_GAIN", "REPLAYGAIN_REFERENCE_LOUDNESS":
            isValid = isNumber(value.uppercased().hasSuffix(" DB") ? value.dropLast(3) : value[...], below: 200)
        case "REPLAYGAIN_TRACK_PEAK", "REPLAYGAIN_ALBUM_PEAK": isValid = isNumber(value[...], below: 100)
        case "R128_TRACK_GAIN", "R128_ALBUM_GAIN": isValid = Int16(value) != nil
        case "WAVEFORMATEXTENSIBLE_CHANNEL_MASK":
            isValid = value.lowercased().hasPrefix("0x") && UInt32(value.dropFirst(2), radix: 16) != nil
        default: isValid = false
        }
        return isValid ? Array("\(name)=\(value)".utf8) : nil
    }

    private static func isNumber(_ text: Substring, below limit: Double) -> Bool {
        let isPlain =
            text.count <= 16 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || [0x2B, 0x2D, 0x2E].contains($0) }
        guard isPlain, let value = Double(text) else { return false }
        return abs(value) < limit
    }

    private static func number(_ rest: inout ArraySlice<UInt8>) throws(CleaningError) -> Int {
        guard rest.count >= 4 else { throw .corrupt("its comments end before they do") }
        defer { rest = rest.dropFirst(4) }
        return rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    private static func field(_ rest: inout ArraySlice<UInt8>) throws(CleaningError) -> ArraySlice<UInt8> {
        let count = try number(&rest)
        guard count <= rest.count else { throw .corrupt("its comments end before they do") }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    private static func bytes(_ number: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}
