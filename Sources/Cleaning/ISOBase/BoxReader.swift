/// Reads the boxes of one ISO base media file (ISO/IEC 14496-12), with limits for all of them together.
package final class BoxReader {
    /// How deep boxes may lie in each other.
    package static let depthLimit = 16
    /// How many boxes may be read.
    package static let boxLimit = 100_000
    /// The most that is read as one array.
    package static let arrayLimitBytes: Int64 = 4 << 20

    package let source: SourceBytes
    private var boxesLeft = BoxReader.boxLimit

    package init(_ source: SourceBytes) { self.source = source }

    /// Starts to count anew: each fragment of a film has a limit of its own, and fragments are counted as boxes.
    package func resetLimit() { boxesLeft = Self.boxLimit }

    /// The box at `offset`, which ends where `end` is or before; nil where four zero bytes or fewer than eight bytes
    /// end a list inside another box (QuickTime File Format, user data).
    package func box(at offset: Int64, end: Int64, depth: Int) throws(CleaningError) -> Box? {
        guard boxesLeft > 0 else { throw .excessive("more than \(Self.boxLimit) boxes") }
        guard depth <= Self.depthLimit else { throw .excessive("boxes more than \(Self.depthLimit) deep") }
        boxesLeft -= 1
        let left = end - offset
        guard left >= 8 else {
            guard depth > 0, try areZeros(offset..<end) else { throw .truncated }
            return nil
        }
        let type = BoxType(code: UInt32(try source.bigEndian(4, at: offset + 4)))
        var size = try source.bigEndian(4, at: offset)
        var header: Int64 = 8
        if size == 0 {
            guard depth == 0 else {
                guard left <= 1 << 16, try areZeros(offset..<end) else {
                    throw .corrupt("the box “\(type)” has no size")
                }
                return nil
            }
            size = UInt64(left)
        } else if size == 1 {
            guard left >= 16 else { throw .truncated }
            size = try source.bigEndian(8, at: offset + 8)
            header = 16
        }
        if type == "uuid" { header += 16 }
        guard size >= UInt64(header) else { throw .corrupt("the box “\(type)” is shorter than its header") }
        guard size <= UInt64(left) else {
            if depth == 0 { throw .truncated }
            throw .corrupt("the box “\(type)” is longer than what it lies in")
        }
        let end = offset + Int64(size)
        return Box(type: type, range: offset..<end, payload: offset + header..<end, depth: depth)
    }

    /// The boxes in a box, from `skipping` bytes behind the start of its payload on.
    package func children(of box: Box, skipping: Int64 = 0) throws(CleaningError) -> [Box] {
        guard skipping <= box.payloadBytes else { throw .corrupt("the box “\(box.type)” is too short") }
        return try boxes(in: box.payload.lowerBound + skipping..<box.payload.upperBound, depth: box.depth + 1)
    }

    /// The boxes that fill a range inside another box.
    package func boxes(in range: Range<Int64>, depth: Int) throws(CleaningError) -> [Box] {
        var boxes: [Box] = []
        var offset = range.lowerBound
        while offset < range.upperBound, let box = try box(at: offset, end: range.upperBound, depth: depth) {
            boxes.append(box)
            offset = box.range.upperBound
        }
        return boxes
    }

    package func full(_ box: Box) throws(CleaningError) -> FullBox {
        guard box.payloadBytes >= 4 else { throw .corrupt("the box “\(box.type)” is too short") }
        let word = try source.bigEndian(4, at: box.payload.lowerBound)
        return FullBox(
            box: box, version: UInt8(word >> 24), flags: UInt32(word & 0xFF_FFFF),
            body: box.payload.lowerBound + 4..<box.payload.upperBound)
    }

    /// The bytes of a range, which is not large.
    package func bytes(_ range: Range<Int64>) throws(CleaningError) -> [UInt8] {
        guard range.upperBound - range.lowerBound <= Self.arrayLimitBytes else {
            throw .excessive("a description of more than \(Self.arrayLimitBytes) bytes")
        }
        return Array(try source.bytes(range.count, at: range.lowerBound))
    }

    /// The user type of a `uuid` box.
    package func userType(of box: Box) throws(CleaningError) -> [UInt8] {
        try bytes(box.payload.lowerBound - 16..<box.payload.lowerBound)
    }

    private func areZeros(_ range: Range<Int64>) throws(CleaningError) -> Bool {
        try source.bytes(range.count, at: range.lowerBound).allSatisfy { $0 == 0 }
    }
}

extension [Box] {
    /// The one box of a type; nil where there is none.
    package func one(_ type: BoxType) throws(CleaningError) -> Box? {
        let found = filter { $0.type == type }
        guard found.count <= 1 else { throw .corrupt("it has more than one box “\(type)”") }
        return found.first
    }

    /// The one box of a type, which must be there.
    package func required(_ type: BoxType) throws(CleaningError) -> Box {
        guard let box = try one(type) else { throw .corrupt("it has no box “\(type)”") }
        return box
    }
}
