/// Reads the chunks of a PNG in order, and decides on each.
struct PNGReader {
    enum OutputChunk {
        case kept(Range<Int64>)
        case made(ChunkName, [UInt8])
        /// A chunk that keeps the start of its contents.
        case shortened(ChunkName, Range<Int64>)
    }

    private enum ChunkPlace { case beforePalette, beforeData, data, afterData }

    private let source: SourceBytes
    /// Whether EXIF was found in a text: only one is looked at, since it may be inflated to a thousand times its size.
    private var hasTextExif = false
    let header: PNGHeader
    private var place = ChunkPlace.beforePalette
    private var paletteCount: Int?
    private var seen: Set<ChunkName> = []
    private var animation: APNGSequence?
    /// The data that is being read, and the name of its chunks.
    private var data: (name: ChunkName, stream: PNGStream)?
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
        if chunk.name == "IDAT" {
            try startData(chunk)
        } else if place == .data {
            place = .afterData
            try endData()
        }
        switch chunk.name {
        case "IDAT":
            try keep(chunk)
            data?.stream.append(chunk)
        case "PLTE": try takePalette(chunk)
        case "IEND":
            guard place == .afterData, chunk.length == 0 else { throw .corrupt("it ends without a picture") }
            try animation?.finish()
            try endData()
            try keep(chunk)
        case "tRNS", "cHRM", "gAMA", "sRGB", "sBIT", "bKGD", "pHYs", "cICP", "mDCV", "cLLI": try takeAncillary(chunk)
        case "acTL", "fcTL", "fdAT": try takeAnimation(chunk)
        case "iCCP": try takeProfile(chunk)
        case "eXIf": try takeExif(chunk)
        case "tEXt", "zTXt", "iTXt":
            try takeText(chunk)
        case "tIME": removed.insert(.time)
        default:
            if chunk.isCritical { throw .unsupported("a chunk \(chunk.name)") }
            removed.insert(.other)
        }
    }

    private mutating func takeText(_ chunk: PNGChunk) throws(CleaningError) {
        let keyword = PNGText.keyword(try source.bytes(min(chunk.length, 80), at: chunk.contents.lowerBound))
        guard PNGText.isExif(keyword) else {
            removed.insert(PNGText.word(for: keyword))
            return
        }
        if hasTextExif { return }
        hasTextExif = true
        let start = min(chunk.length, ExifSummary.readBytes)
        let contents = try source.bytes(start, at: chunk.contents.lowerBound)
        removed.formUnion(PNGText.exifWords(chunk.name, contents.dropFirst(keyword.utf8.count + 1)))
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
        data = (
            chunk.name, PNGStream(header, width: header.width, height: header.height, isNumbered: false)
        )
    }

    /// Drops what lies behind the end of the data that was read. Chunks of frames stay without it: their numbers follow
    /// each other.
    private mutating func endData() throws(CleaningError) {
        guard let (name, stream) = data else { return }
        data = nil
        let excess = try stream.excess(source)
        guard let start = excess.first?.start else { return }
        removed.insert(.trailing)
        parts = parts.compactMap { part in
            guard case .kept(let range) = part, range.upperBound > start else { return part }
            return range.lowerBound < start ? .kept(range.lowerBound..<start) : nil
        }
        for chunk in excess where !chunk.kept.isEmpty { parts.append(.shortened(name, chunk.kept)) }
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
        if header.isIndexed { try keep(chunk) } else { removed.insert(.other) }
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
        case "fcTL" where animation != nil:
            try endData()
            try animation?.frame(start, isPicture: isBeforeData)
        case "fdAT" where animation != nil:
            try animation?.data(start)
            try keep(chunk)
            if data == nil, let (width, height) = animation?.size {
                data = (chunk.name, PNGStream(header, width: width, height: height, isNumbered: true))
            }
            data?.stream.append(chunk)
            return
        default:
            // Without its control before the data, no program shows an animation.
            removed.insert(.other)
            return
        }
        try keep(chunk)
    }
}
