/// Cleans PNG and animated PNG (PNG, third edition, W3C 2025; RFC 2083).
///
/// | chunk | what becomes of it |
/// |---|---|
/// | IHDR IDAT IEND | kept; data behind the end of a picture's or frame's stream dropped (`PNGStream`) |
/// | PLTE | kept where pixels are numbers of colours; elsewhere a proposal, and dropped |
/// | tRNS cHRM gAMA sRGB sBIT bKGD pHYs cICP mDCV cLLI | kept, once, in their place, with the length they have to have |
/// | acTL fcTL fdAT | kept if the animation is sound (`APNGSequence`), dropped if it has no acTL |
/// | iCCP | anew by `CleanProfile`; for sRGB an sRGB chunk instead |
/// | eXIf | anew with the orientation alone, if that is not upright |
/// | other critical ones | an error |
/// | all others, and what follows IEND | dropped |
///
/// The check of every chunk that is kept is verified; a wrong one is an error.
package enum PNG {
    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    package static func clean(_ source: SourceBytes) throws(CleaningError) -> CleanedFile {
        var reader = try PNGReader(source)
        try reader.read()
        var file = CleanedFile()
        file.removed = reader.removed
        let swaps = reader.orientation?.swapsEdges ?? false
        let header = reader.header
        file.size = swaps ? (header.height, header.width) : (header.width, header.height)
        file.seconds = reader.seconds
        file.picture = reader.traits
        file.copy.append(original: 0..<8)
        for part in reader.parts {
            switch part {
            case .kept(let range): file.copy.append(original: range)
            case .made(let name, let contents): file.copy.append(PNGChunk.made(name, contents))
            case .shortened(let name, let contents):
                let check = try PNGChunk.check(of: name, contents, source)
                file.copy.append(UInt32(contents.count).bigEndianBytes + name.bytes)
                file.copy.append(original: contents)
                file.copy.append(check.bigEndianBytes)
            }
        }
        return file
    }
}
