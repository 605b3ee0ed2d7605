/// Reads the chunks of a PNG in order, and decides on each.
struct PNGReader {
    enum OutputChunk {
        case kept(Range<Int64>)
        case made(ChunkName, [UInt8])
    }

    private enum ChunkPlace { case beforePalette, beforeData, data, afterData }

    private let source: SourceBytes
    let header: PNGHeader
    private var place = ChunkPlace.beforePalette
    private var paletteCount: Int?
    private var seen: Set<ChunkName> = []
    private var animation: APNGSequence?
    private var needsSRGB = false
    private var keptProfile: [UInt8] = []
    private var colours = PNGColourSpace()

    private(set) var parts: [OutputChunk] = []
    private(set) var removed: Set<RemovedMetadata> = []
    private(set) var orientation: Orientation?
    /// Seconds of an animation with more than one frame.
    var seconds: Double? { animation.flatMap { $0.frames > 1 ? $0.seconds : nil } }

    /// What the copy will be like.
    var traits: PictureTraits {
        var traits = PictureTraits(.png)
        traits.orientation = orientation ?? .upright
        traits.profile = keptProfile
        traits.isAnimated = animation != nil
        let isTold = needsSRGB || !keptProfile.isEmpty || seen.contains("sRGB")
        traits.hasOtherColours = colours.isNotSRGB(isOtherwiseTold: isTold)
        return traits
    }

    private static let chunkLimit = 10_000
    private static let dataChunkLimit = 1_000_000
    /// Bytes of a text that are looked at for the words of the message.
    private static let textBytes = 1 << 20

    init(_ source: SourceBytes) throws(CleaningError) {
        self.source = source
        guard Array(try source.bytes(8, at: 0)) == PNG.signature else {
            throw .corrupt("it does not start like a PNG")
        }
        let chunk = try PNGChunk(at: 8, of: source)
        guard chunk.name == "IHDR", chunk.length == 13 else { throw .corrupt("its header is missing") }
        try chunk.check(source)
        header = try PNGHeader(source.bytes(13, at: chunk.contents.lowerBound))
        parts = [.kept(chunk.range)]
    }

    mutating func read() throws(CleaningError) {
        var offset: Int64 = 33
        var counts = (data: 0, other: 1)
        while true {
            let chunk = try PNGChunk(at: offset, of: source)
            offset = chunk.range.upperBound
            if chunk.name == "IDAT" || chunk.name == "fdAT" { counts.data += 1 } else { counts.other += 1 }
            guard counts.other <= Self.chunkLimit, counts.data <= Self.dataChunkLimit else {
                throw .excessive("more than 10,000 chunks beside its data, or 1,000,000 of data")
            }
            try take(chunk)
            if chunk.name == "IEND" { break }
        }
        if offset < source.count { removed.insert(.trailing) }
    }

    private mutating func take(_ chunk: PNGChunk) throws(CleaningError) {
        if chunk.name == "IDAT" { try startData(chunk) } else if place == .data { place = .afterData }
        switch chunk.name {
        case "IDAT": try keep(chunk)
        case "PLTE": try takePalette(chunk)
        case "IEND":
            guard place == .afterData, chunk.length == 0 else { throw .corrupt("it ends without a picture") }
            try animation?.finish()
            try keep(chunk)
        case "tRNS", "cHRM", "gAMA", "sRGB", "sBIT", "bKGD", "pHYs", "cICP", "mDCV", "cLLI": try takeAncillary(chunk)
        case "acTL", "fcTL", "fdAT": try takeAnimation(chunk)
        case "iCCP": try takeProfile(chunk)
        case "eXIf": try takeExif(chunk)
        case "tEXt", "zTXt", "iTXt":
            let start = min(chunk.length, Self.textBytes)
            removed.formUnion(PNGText.words(chunk.name, try source.bytes(start, at: chunk.contents.lowerBound)))
        case "tIME": removed.insert(.time)
        default:
            if chunk.isCritical { throw .unsupported("a chunk \(chunk.name)") }
            removed.insert(.other)
        }
    }

    private mutating func keep(_ chunk: PNGChunk) throws(CleaningError) {
        try chunk.check(source)
        if case .kept(let before)? = parts.last, before.upperBound == chunk.range.lowerBound {
            parts[parts.count - 1] = .kept(before.lowerBound..<chunk.range.upperBound)
        } else {
            parts.append(.kept(chunk.range))
        }
    }

    private mutating func startData(_ chunk: PNGChunk) throws(CleaningError) {
        guard place != .afterData else { throw .corrupt("its data is not in one piece") }
        if place == .data { return }
        guard !header.isIndexed || paletteCount != nil else { throw .corrupt("its palette is missing") }
        endColours()
        place = .data
    }

    /// What tells of colours stands before palette and data. A profile of sRGB had the last word on the colours; the
    /// chunk that takes its place has it over gAMA and cHRM as well.
    private mutating func endColours() {
        if needsSRGB && place == .beforePalette && seen.insert("sRGB").inserted {
            parts.append(.made("sRGB", [0]))
        }
    }

    private mutating func takePalette(_ chunk: PNGChunk) throws(CleaningError) {
        let limit = header.isIndexed ? 1 << Int(header.bitDepth) : 256
        guard place == .beforePalette, header.colourType & 2 != 0, chunk.length % 3 == 0,
            (1...limit).contains(chunk.length / 3)
        else { throw .corrupt("its palette is out of place or has a wrong length") }
        endColours()
        (place, paletteCount) = (.beforeData, chunk.length / 3)
        try keep(chunk)
    }

    private mutating func takeAncillary(_ chunk: PNGChunk) throws(CleaningError) {
        let isInPlace =
            switch chunk.name {
            case "tRNS", "bKGD": place == .beforeData || place == .beforePalette && !header.isIndexed
            case "pHYs": place == .beforePalette || place == .beforeData
            default: place == .beforePalette
            }
        let fits = header.allows(chunk.name, length: chunk.length, paletteCount: paletteCount)
        if isInPlace && fits && seen.insert(chunk.name).inserted {
            try keep(chunk)
            colours.note(chunk.name, try source.bytes(chunk.length, at: chunk.contents.lowerBound))
        } else if chunk.name == "tRNS" && header.colourType < 4 {
            // Programs do not agree on what they show of such a picture.
            throw .corrupt("its transparency is out of place or has a wrong length")
        } else {
            removed.insert(.other)
        }
    }

    /// iCCP (PNG, 11.3.2.3): a name of at most 79 bytes, a zero, the method 0, and a zlib stream.
    private mutating func takeProfile(_ chunk: PNGChunk) throws(CleaningError) {
        // Even stored, the largest profile is hardly longer.
        let lengthLimit = CleanProfile.limitBytes + 0x10000
        guard place == .beforePalette, seen.insert(chunk.name).inserted, chunk.length <= lengthLimit else {
            removed.insert(.icc)
            return
        }
        try chunk.check(source)
        let contents = try source.bytes(chunk.length, at: chunk.contents.lowerBound)
        let stream = contents.drop { $0 != 0 }.dropFirst()
        guard stream.first == 0, let bytes = Inflater.zlib(stream.dropFirst(), limit: CleanProfile.limitBytes) else {
            removed.insert(.icc)
            return
        }
        let profile = CleanProfile(bytes[...], of: header.colours)
        removed.formUnion(profile.removed)
        switch profile.replacement {
        case .none: needsSRGB = true
        case .rebuilt(let rebuilt):
            keptProfile = rebuilt
            parts.append(.made(chunk.name, Array("icc".utf8) + [0, 0] + Deflater.zlib(rebuilt)))
        case .dropped: break
        }
    }

    /// eXIf (PNG, 11.3.4.6) may stand before or behind the data.
    private mutating func takeExif(_ chunk: PNGChunk) throws(CleaningError) {
        let block = try source.bytes(min(chunk.length, ExifSummary.readBytes), at: chunk.contents.lowerBound)
        let exif = ExifSummary(block)
        removed.formUnion(exif.removed)
        guard seen.insert(chunk.name).inserted else { return }
        try chunk.check(source)
        orientation = exif.orientation
        if let kept = exif.kept { parts.append(.made(chunk.name, kept)) }
    }

    private mutating func takeAnimation(_ chunk: PNGChunk) throws(CleaningError) {
        let isBeforeData = place == .beforePalette || place == .beforeData
        let start = try source.bytes(min(chunk.length, 32), at: chunk.contents.lowerBound)
        switch chunk.name {
        case "acTL" where isBeforeData:
            guard animation == nil else { throw .corrupt("it has two animations") }
            animation = try APNGSequence(start, header)
        case "fcTL" where animation != nil: try animation?.frame(start, isPicture: isBeforeData)
        case "fdAT" where animation != nil: try animation?.data(start)
        default:
            // Without its control before the data, no program shows an animation.
            removed.insert(.other)
            return
        }
        try keep(chunk)
    }
}
