/// Reads the blocks of a GIF in order, and decides on each.
struct GIFReader {
    private let source: SourceBytes
    private var offset: Int64
    /// A graphic control that waits for its image.
    private var control: Range<Int64>?
    private var loops = false

    let size: (width: Int, height: Int)
    private(set) var copy = CleanCopy()
    private(set) var removed: Set<RemovedMetadata> = []
    private(set) var frames = 0
    /// Time of one run through the frames.
    private(set) var hundredths = 0

    private static let frameLimit = 5_000
    private static let edgeLimit = 16_384
    private static let extensionLimit = 100_000

    /// Reads header and logical screen: signature, width and height, packed fields, background, aspect ratio.
    init(_ source: SourceBytes) throws(CleaningError) {
        self.source = source
        let header = Array(try source.bytes(13, at: 0))
        guard header.starts(with: Array("GIF87a".utf8)) || header.starts(with: Array("GIF89a".utf8)) else {
            throw .corrupt("it does not start like a GIF")
        }
        size = (Int(header[6]) | Int(header[7]) << 8, Int(header[8]) | Int(header[9]) << 8)
        guard size.width > 0, size.height > 0 else { throw .corrupt("its screen is empty") }
        guard size.width <= Self.edgeLimit, size.height <= Self.edgeLimit else {
            throw .excessive("more than 16,384 pixels on an edge")
        }
        offset = 13 + Self.tableBytes(header[10])
        guard offset <= source.count else { throw .truncated }
        copy.append(original: 0..<offset)
    }

    mutating func read() throws(CleaningError) {
        var extensions = 0
        while true {
            switch try source.byte(at: offset) {
            case 0x2C: try takeImage()
            case 0x21:
                extensions += 1
                guard extensions <= Self.extensionLimit else { throw .excessive("more than 100,000 extensions") }
                try takeExtension()
            case 0x3B:
                guard frames > 0 else { throw .corrupt("it has no picture") }
                if control != nil { removed.insert(.other) }
                copy.append([0x3B])
                if offset + 1 < source.count { removed.insert(.trailing) }
                return
            default: throw .corrupt("something that is no block stands at \(offset)")
            }
        }
    }

    /// Separator, place and size, packed fields; a colour table; the size of codes; coded data.
    private mutating func takeImage() throws(CleaningError) {
        frames += 1
        guard frames <= Self.frameLimit else { throw .excessive("more than 5,000 frames") }
        let table = Self.tableBytes(try source.byte(at: offset + 9))
        let start = offset + 10 + table
        guard (1...11).contains(try source.byte(at: start)) else {
            throw .corrupt("a picture in it has codes of no known size")
        }
        let end = try source.endOfBlocks(from: start + 1)
        try appendControl()
        if let (cut, tail) = try endOfCodes(from: start) {
            try append(offset..<cut, without: 0x18, at: offset + 9)
            // What ends a little later is an encoder's own way to end.
            if end - cut - Int64(tail.count) > Self.usualRest { removed.insert(.trailing) }
            appendBlocks(tail)
        } else {
            try append(offset..<end, without: 0x18, at: offset + 9)
        }
        offset = end
    }

    private static let usualRest: Int64 = 8

    /// Where the block begins in which the codes end that start at `start`, and what of it stays; nil where they do not end.
    private func endOfCodes(from start: Int64) throws(CleaningError) -> (block: Int64, kept: [UInt8])? {
        let edges = try (0..<2).map { index throws(CleaningError) in
            Int(try source.littleEndian(2, at: offset + 5 + 2 * Int64(index)))
        }
        // Some decoders take a picture without a size for one of the screen's.
        let pixels = edges[0] * edges[1] > 0 ? edges[0] * edges[1] : size.width * size.height
        var walk = GIFCodeWalk(try source.byte(at: start), count: pixels)
        var position = start + 1
        while true {
            let length = try source.byte(at: position)
            if length == 0 { return nil }
            if let kept = walk.take(try source.bytes(Int(length), at: position + 1)) { return (position, kept) }
            position += 1 + Int64(length)
        }
    }

    /// Appends data in blocks of at most 255 bytes, and their end.
    private mutating func appendBlocks(_ data: [UInt8]) {
        var rest = data[...]
        while !rest.isEmpty {
            let block = rest.prefix(255)
            copy.append([UInt8(block.count)] + block)
            rest = rest.dropFirst(255)
        }
        copy.append([0])
    }

    /// Appends a block, whose byte at `place` loses these reserved bits.
    private mutating func append(_ block: Range<Int64>, without bits: UInt8, at place: Int64) throws(CleaningError) {
        let byte = try source.byte(at: place)
        guard byte & bits != 0 else { return copy.append(original: block) }
        removed.insert(.other)
        copy.append(original: block.lowerBound..<place)
        copy.append([byte & ~bits])
        copy.append(original: place + 1..<block.upperBound)
    }

    private mutating func takeExtension() throws(CleaningError) {
        let label = try source.byte(at: offset + 1)
        let end = try source.endOfBlocks(from: offset + 2)
        let first = try source.byte(at: offset + 2)
        switch label {
        case 0xF9:
            guard first == 4, end == offset + 8 else { throw .corrupt("a graphic control in it has a wrong length") }
            // The last before an image counts.
            if control != nil { removed.insert(.other) }
            control = offset..<end
        case 0x01:
            guard first == 12 else { throw .corrupt("a plain text in it has a wrong length") }
            try appendControl()
            copy.append(original: offset..<end)
        case 0xFE: removed.insert(.text)
        case 0xFF: try takeApplication(end)
        default: removed.insert(.other)
        }
        offset = end
    }

    private mutating func appendControl() throws(CleaningError) {
        guard let control else { return }
        try append(control, without: 0xE0, at: control.lowerBound + 3)
        self.control = nil
        hundredths += Int(try source.littleEndian(2, at: control.lowerBound + 4))
    }

    /// An application's eleven bytes of name, and its data.
    private mutating func takeApplication(_ end: Int64) throws(CleaningError) {
        let start = offset + 3
        guard try source.byte(at: offset + 2) == 11 else {
            removed.insert(.other)
            return
        }
        switch String(decoding: try source.bytes(11, at: start), as: UTF8.self) {
        case "NETSCAPE2.0", "ANIMEXTS1.0": try takeLoops(end)
        case "XMP DataXMP": removed.insert(.xmp)
        case "ICCRGBG1012": removed.insert(.icc)
        case "MGKIPTC0000", "MGK8BIM0000": removed.insert(.iptc)
        default: removed.insert(.other)
        }
    }

    /// Three bytes: 1, and the number of runs. Other blocks (2 is the size of a buffer) go, and so does a second one.
    private mutating func takeLoops(_ end: Int64) throws(CleaningError) {
        let block = offset + 14
        guard !loops, try source.bytes(2, at: block).elementsEqual([3, 1]) else {
            removed.insert(.other)
            return
        }
        loops = true
        copy.append(original: offset..<block + 4)
        copy.append([0])
        if end != block + 5 { removed.insert(.other) }
    }

    /// Bytes of the colour table that packed fields announce.
    private static func tableBytes(_ packed: UInt8) -> Int64 { packed & 0x80 == 0 ? 0 : 3 * (2 << Int64(packed & 7)) }
}
