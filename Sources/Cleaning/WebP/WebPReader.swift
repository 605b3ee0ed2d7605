/// Reads the chunks of a WebP in order, and decides on each.
struct WebPReader {
    private let source: SourceBytes
    /// The end of the RIFF.
    private let end: Int64
    /// The flags of VP8X that stay; nil without VP8X.
    private var flags: UInt8?
    private var profile: [UInt8]?
    private var hasProfile = false
    private var pictures = CleanCopy()
    private var alpha: RIFFChunk?
    private var hasControl = false

    private(set) var size = (width: 0, height: 0)
    private(set) var exif: ExifSummary?
    private(set) var removed: Set<RemovedMetadata> = []
    private(set) var frames = 0
    /// Time of one run through the frames.
    private(set) var milliseconds = 0

    private(set) var isLossless = false

    /// What the copy will be like.
    var traits: PictureTraits {
        var traits = PictureTraits(.webP)
        traits.orientation = exif?.orientation ?? .upright
        traits.profile = profile ?? []
        traits.isAnimated = isAnimated
        traits.isLossless = isLossless
        return traits
    }

    private static let frameLimit = 5_000
    private static let chunkLimit = 10_000
    private static let (animationFlag, exifFlag, alphaFlag, profileFlag): (UInt8, UInt8, UInt8, UInt8) = (2, 8, 16, 32)

    private var isAnimated: Bool { flags.map { $0 & Self.animationFlag != 0 } ?? false }

    init(_ source: SourceBytes) throws(CleaningError) {
        self.source = source
        guard try source.bigEndian(4, at: 0) == UInt64(ChunkName("RIFF").code),
            try source.bigEndian(4, at: 8) == UInt64(ChunkName("WEBP").code)
        else { throw .corrupt("it does not start like a WebP") }
        let length = Int64(try source.littleEndian(4, at: 4))
        guard length >= 4, length <= source.count - 8 else { throw .truncated }
        end = length + 8
        // A byte of padding belongs to it.
        if source.count - end > length % 2 { removed.insert(.trailing) }
    }

    mutating func read() throws(CleaningError) {
        var offset: Int64 = 12
        var count = 0
        while offset < end {
            let chunk = try RIFFChunk(at: offset, before: end, of: source)
            count += 1
            guard count <= Self.chunkLimit else { throw .excessive("more than 10,000 chunks") }
            if count == 1 { try start(chunk) } else { try take(chunk) }
            offset = chunk.next
        }
        guard frames > 0, alpha == nil else { throw .corrupt("it has no picture") }
    }

    /// The file without its header.
    func body() -> CleanCopy {
        var body = CleanCopy()
        if let flags {
            let kept = flags | (profile == nil ? 0 : Self.profileFlag) | (exif?.kept == nil ? 0 : Self.exifFlag)
            let edges = [size.width - 1, size.height - 1].flatMap { edge in
                [0, 8, 16].map { UInt8(truncatingIfNeeded: edge >> $0) }
            }
            body.append("VP8X", [kept, 0, 0, 0] + edges)
            if let profile { body.append("ICCP", profile) }
        }
        body.append(partsOf: pictures)
        if flags != nil, let kept = exif?.kept { body.append("EXIF", kept) }
        return body
    }

    /// The first chunk: VP8X, or the picture of a file that has nothing else.
    private mutating func start(_ chunk: RIFFChunk) throws(CleaningError) {
        guard chunk.name == "VP8X" else {
            guard chunk.name == "VP8 " || chunk.name == "VP8L" else {
                throw .corrupt("it does not start with a picture")
            }
            let picture = try WebPBitstream(chunk, of: source)
            size = (picture.width, picture.height)
            isLossless = chunk.name == "VP8L"
            pictures.append(chunk)
            frames = 1
            return
        }
        guard chunk.length == 10 else { throw .corrupt("its header has a wrong length") }
        flags = try source.byte(at: chunk.contents.lowerBound) & (Self.animationFlag | Self.alphaFlag)
        size = (
            Int(try source.littleEndian(3, at: chunk.contents.lowerBound + 4)) + 1,
            Int(try source.littleEndian(3, at: chunk.contents.lowerBound + 7)) + 1
        )
        guard size.width <= 16_384, size.height <= 16_384 else {
            throw .excessive("more than 16,384 pixels on an edge")
        }
    }

    private mutating func take(_ chunk: RIFFChunk) throws(CleaningError) {
        switch chunk.name {
        case "VP8 ", "VP8L", "ALPH": try takePicture(chunk)
        case "ANIM": try takeControl(chunk)
        case "ANMF": try takeFrame(chunk)
        case "ICCP": try takeProfile(chunk)
        case "EXIF":
            let start = min(chunk.length, ExifSummary.readBytes)
            let read = ExifSummary(try source.bytes(start, at: chunk.contents.lowerBound))
            removed.formUnion(read.removed)
            // Programs read it only where there is VP8X.
            if flags != nil && exif == nil { exif = read }
        case "XMP ": removed.insert(.xmp)
        case "VP8X": throw .corrupt("it has two headers")
        default: removed.insert(.other)
        }
    }

    private mutating func takePicture(_ chunk: RIFFChunk) throws(CleaningError) {
        guard let flags, !isAnimated, frames == 0 else { throw .corrupt("it has a picture that belongs nowhere") }
        if chunk.name == "ALPH" {
            guard alpha == nil, flags & Self.alphaFlag != 0 else {
                removed.insert(.other)
                return
            }
            alpha = chunk
            return
        }
        let picture = try WebPBitstream(chunk, of: source)
        guard picture.width == size.width, picture.height == size.height else {
            throw .corrupt("its picture has another size than its header says")
        }
        pictures.append(partsOf: try withAlpha(chunk, alpha))
        alpha = nil
        isLossless = chunk.name == "VP8L"
        frames = 1
    }

    /// A picture with its alpha before it; a lossless one has its own.
    private mutating func withAlpha(_ chunk: RIFFChunk, _ alpha: RIFFChunk?) throws(CleaningError) -> CleanCopy {
        var copy = CleanCopy()
        if let alpha, chunk.name == "VP8 " {
            guard alpha.length > 1 else { throw .corrupt("its transparency is empty") }
            copy.append(alpha)
        } else if alpha != nil {
            removed.insert(.other)
        }
        copy.append(chunk)
        return copy
    }

    /// ANIM: a background colour and the number of runs.
    private mutating func takeControl(_ chunk: RIFFChunk) throws(CleaningError) {
        guard isAnimated, !hasControl, chunk.length == 6, frames == 0 else {
            throw .corrupt("the control of its animation is out of place")
        }
        hasControl = true
        pictures.append(chunk)
    }

    /// ANMF: place and size (3 bytes each: X and Y halved, width and height less one), 3 duration, 1 flags; then chunks.
    private mutating func takeFrame(_ chunk: RIFFChunk) throws(CleaningError) {
        guard isAnimated, hasControl, chunk.length >= 16 else { throw .corrupt("a frame in it is out of place") }
        frames += 1
        guard frames <= Self.frameLimit else { throw .excessive("more than 5,000 frames") }
        var header = Array(try source.bytes(16, at: chunk.contents.lowerBound))
        let fields = (0..<5).map { Int(header[3 * $0]) | Int(header[3 * $0 + 1]) << 8 | Int(header[3 * $0 + 2]) << 16 }
        let (width, height) = (fields[2] + 1, fields[3] + 1)
        guard 2 * fields[0] + width <= size.width, 2 * fields[1] + height <= size.height else {
            throw .corrupt("a frame in it is larger than its canvas")
        }
        milliseconds += fields[4]
        header[15] &= 3
        let contents = try frameContents(chunk, width, height)
        pictures.append(RIFFChunk.header("ANMF", length: 16 + contents.size) + header)
        pictures.append(partsOf: contents)
    }

    /// The picture of a frame, with its alpha.
    private mutating func frameContents(
        _ frame: RIFFChunk, _ width: Int, _ height: Int
    ) throws(CleaningError) -> CleanCopy {
        var contents = CleanCopy()
        var alpha: RIFFChunk?
        var offset = frame.contents.lowerBound + 16
        var count = 0
        while offset < frame.contents.upperBound {
            let chunk = try RIFFChunk(at: offset, before: frame.contents.upperBound, of: source)
            count += 1
            guard count <= 100 else { throw .excessive("more than 100 chunks in a frame") }
            switch chunk.name {
            case "ALPH" where alpha == nil && contents.size == 0: alpha = chunk
            case "VP8 " where contents.size == 0, "VP8L" where contents.size == 0:
                let picture = try WebPBitstream(chunk, of: source)
                guard picture.width == width, picture.height == height else {
                    throw .corrupt("a frame in it has another size than its header says")
                }
                contents = try withAlpha(chunk, alpha)
            default: removed.insert(.other)
            }
            offset = chunk.next
        }
        guard contents.size > 0 else { throw .corrupt("a frame in it has no picture") }
        return contents
    }

    private mutating func takeProfile(_ chunk: RIFFChunk) throws(CleaningError) {
        guard flags != nil, !hasProfile, frames == 0, chunk.length <= CleanProfile.limitBytes else {
            removed.insert(.icc)
            return
        }
        hasProfile = true
        let clean = CleanProfile(try source.bytes(chunk.length, at: chunk.contents.lowerBound), of: .rgb)
        removed.formUnion(clean.removed)
        if case .rebuilt(let bytes) = clean.replacement { profile = bytes }
    }
}
