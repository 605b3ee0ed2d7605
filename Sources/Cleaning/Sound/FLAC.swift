/// Cleans FLAC (RFC 9639): the frames stay bit for bit.
///
/// | block | what becomes of it |
/// |-------|--------------------|
/// | STREAMINFO | kept |
/// | SEEKTABLE | kept, if its points are in order |
/// | VORBIS_COMMENT | ReplayGain and the channel mask alone, with an empty vendor; dropped if there are none |
/// | PICTURE, APPLICATION, CUESHEET (it names a disc and its recordings), PADDING | dropped |
/// | reserved types | dropped; type 127 is an error |
/// | ID3 in front and behind, APE | dropped |
///
/// Frames do not tell their length, so each is found by its CRCs: behind the last there is nothing, or it is an error.
package enum FLAC {
    private static let blockLimit = 1000
    private static let headerLimit: Int64 = 64 << 20

    package static func clean(_ source: SourceBytes) throws(CleaningError) -> CleanedFile {
        let tags = try SoundTags(in: source)
        let sound = tags.sound
        guard sound.count >= 42, try source.bytes(4, at: sound.lowerBound).elementsEqual("fLaC".utf8) else {
            throw .corrupt("it does not begin like FLAC")
        }
        var blocks = FLACBlocks(removed: tags.removed)
        var offset = sound.lowerBound + 4
        var isLast = false
        while !isLast {
            guard sound.upperBound - offset >= 4 else { throw .truncated }
            let header = try source.bigEndian(4, at: offset)
            isLast = header >> 31 == 1
            let range = offset + 4..<offset + 4 + Int64(header & 0xFF_FFFF)
            guard range.upperBound <= sound.upperBound else { throw .truncated }
            try blocks.take(source, UInt8(header >> 24 & 0x7F), range)
            if blocks.count > blockLimit || range.upperBound - sound.lowerBound > headerLimit {
                throw .excessive("more than \(blockLimit) blocks, or 64 MiB, before its sound")
            }
            offset = range.upperBound
        }
        let info = try blocks.info
        let samples = try FLACFrames.check(source, offset..<sound.upperBound, info)
        var file = CleanedFile()
        file.removed = blocks.removed
        file.copy.append(blocks.written)
        file.copy.append(original: offset..<sound.upperBound)
        if info.rate > 0 { file.seconds = Double(samples) / Double(info.rate) }
        return file
    }
}

/// The first block (RFC 9639, section 8.2).
struct FLACStreamInfo {
    let bytes: [UInt8]

    init(_ bytes: some Sequence<UInt8>) throws(CleaningError) {
        self.bytes = Array(bytes)
        guard self.bytes.count == 34 else { throw .corrupt("its STREAMINFO is not of 34 bytes") }
    }

    private func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }

    var rate: UInt64 { number(10..<13) >> 4 }
    /// Samples of each channel; 0 if it is not told.
    var samples: UInt64 { number(13..<18) & 0xF_FFFF_FFFF }
}

/// The blocks of metadata that stay.
struct FLACBlocks {
    private(set) var removed: Set<RemovedMetadata>
    private(set) var count = 0
    private var stream: FLACStreamInfo?
    private var seekTable: [UInt8]?
    private var comments: [UInt8]?

    init(removed: Set<RemovedMetadata>) { self.removed = removed }

    /// Takes the block of type `type` that has its content at `range`.
    mutating func take(_ source: SourceBytes, _ type: UInt8, _ range: Range<Int64>) throws(CleaningError) {
        count += 1
        guard (type == 0) == (count == 1) else { throw .corrupt("its STREAMINFO is not its first block") }
        switch type {
        case 0: stream = try FLACStreamInfo(try source.bytes(range.count, at: range.lowerBound))
        case 1: break
        case 3:
            guard seekTable == nil, range.count % 18 == 0 else { throw .corrupt("its seek table is damaged") }
            if range.count > 1 << 20 { throw .excessive("a seek table of more than 1 MiB") }
            let table = Array(try source.bytes(range.count, at: range.lowerBound))
            seekTable = Self.isSeekTable(table) ? table : []
            if seekTable != table { removed.insert(.other) }
        case 4:
            guard comments == nil else { throw .corrupt("it has comments twice") }
            let read = try VorbisComments(try source.bytes(range.count, at: range.lowerBound))
            comments = read.isEmpty ? [] : read.cleaned
            removed.formUnion(read.removed)
        case 5: removed.insert(.text)
        case 6: removed.insert(.cover)
        case 127: throw .corrupt("it has a block of an invalid type")
        default: removed.insert(.other)
        }
    }

    /// Whether points go on (RFC 9639, section 8.5): of each 8 bytes are the number of a sample, 8 the place of its
    /// frame, 2 the samples of that; points that are left free, all alike, come last.
    private static func isSeekTable(_ table: [UInt8]) -> Bool {
        let points = stride(from: 0, to: table.count, by: 18).map { start in
            (BigEndian.number(table, at: start, 8), BigEndian.number(table, at: start + 8, 8))
        }
        return zip(points, points.dropFirst()).allSatisfy { one, next in
            next.0 == .max || one.0 < next.0 && one.1 < next.1
        }
    }

    /// What is known after the first block.
    var info: FLACStreamInfo {
        get throws(CleaningError) {
            guard let stream else { throw .corrupt("it has no STREAMINFO") }
            return stream
        }
    }

    /// `fLaC` and the blocks.
    var written: [UInt8] {
        var blocks: [(type: UInt8, bytes: [UInt8])] = [(0, stream?.bytes ?? [])]
        if let seekTable, !seekTable.isEmpty { blocks.append((3, seekTable)) }
        if let comments, !comments.isEmpty { blocks.append((4, comments)) }
        return blocks.enumerated().reduce(Array("fLaC".utf8)) { result, block in
            let (type, bytes) = block.element
            let isLast = block.offset == blocks.count - 1
            let size = [16, 8, 0].map { UInt8(truncatingIfNeeded: bytes.count >> $0) }
            return result + [type | (isLast ? 0x80 : 0)] + size + bytes
        }
    }
}
