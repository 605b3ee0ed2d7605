import Files

/// Reads a file from front to back through a fixed buffer, and tracks the position.
struct ByteReader: ~Copyable {
    private let file: OpenFile
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)
    /// Valid bytes in the buffer, and how many of them were consumed.
    private var filled = 0
    private var given = 0
    /// Where in the file the buffer starts.
    private var start: Int64 = 0

    /// Reads `file` by offset: its own position is not used and does not change.
    init(_ file: borrowing OpenFile) throws(ImagingError) {
        do { self.file = try file.duplicate() } catch { throw .file(error) }
    }

    /// Where the next byte is.
    var position: Int64 { start + Int64(given) }

    /// The next byte; nil at the end.
    mutating func next() throws(ImagingError) -> UInt8? {
        if given == filled, try !refill() { return nil }
        given += 1
        return buffer[given - 1]
    }

    /// The next two bytes as a big-endian number; nil if the file ends first.
    mutating func nextUInt16() throws(ImagingError) -> UInt16? {
        guard let high = try next(), let low = try next() else { return nil }
        return UInt16(high) << 8 | UInt16(low)
    }

    /// The next `count` bytes; nil if the file ends first. `count` is the size of a segment, at most 65,533.
    mutating func next(_ count: Int) throws(ImagingError) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            if given == filled, try !refill() { return nil }
            let some = min(count - bytes.count, filled - given)
            bytes.append(contentsOf: buffer[given..<given + some])
            given += some
        }
        return bytes
    }

    /// Moves to the next byte 0xFF without consuming it; false if the file ends first.
    mutating func skipToMarker() throws(ImagingError) -> Bool {
        while true {
            if let found = position(of: 0xFF) {
                given = found
                return true
            }
            given = filled
            if try !refill() { return false }
        }
    }

    /// Moves to the marker that ends entropy-coded data, past stuffed zeros, restarts and fill bytes (T.81, B.1.1.5),
    /// or to the end of the file. Passes over markers of no meaning if the data has restarts, and tells whether it did.
    mutating func skipEntropyData(hasRestarts: Bool) throws(ImagingError) -> Bool {
        var hasPassedOver = false
        while try skipToMarker() {
            if filled - given < 2, try !refill() || filled < 2 {
                given = filled
                return hasPassedOver
            }
            let code = buffer[given + 1]
            if code == 0xFF {
                given += 1
            } else if code == 0 || JPEGMarker(code: code).isRestart {
                given += 2
            } else if hasRestarts && JPEGMarker(code: code).isPassedOver {
                given += 2
                hasPassedOver = true
            } else {
                return hasPassedOver
            }
        }
        return hasPassedOver
    }

    /// The next bytes, at most `limit`; nil at the end.
    mutating func nextSome(_ limit: Int) throws(ImagingError) -> ArraySlice<UInt8>? {
        if given == filled, try !refill() { return nil }
        let some = buffer[given..<min(filled, given + limit)]
        given += some.count
        return some
    }

    private func position(of wanted: UInt8) -> Int? {
        let bytes = buffer.span
        for index in given..<filled where bytes[index] == wanted { return index }
        return nil
    }

    /// Fills the buffer from the next byte on; false at the end of the file.
    private mutating func refill() throws(ImagingError) -> Bool {
        start = position
        given = 0
        filled = 0
        filled = try file.read(buffer.count, into: &buffer, at: start)
        return filled > 0
    }
}

extension OpenFile {
    /// Reads up to `count` bytes at `offset` into the start of `buffer`; returns how many.
    borrowing func read(
        _ count: Int, into buffer: inout [UInt8], at offset: Int64
    ) throws(ImagingError) -> Int {
        var span = buffer.mutableSpan
        // Safe: every bit pattern is a byte, here and below.
        var bytes = unsafe span.mutableBytes
        var part = bytes._mutatingExtracting(first: count)
        do { return try read(into: &part, at: offset) } catch { throw .file(error) }
    }

    /// Writes the first `count` bytes of `buffer` at `offset`.
    borrowing func write(_ count: Int, of buffer: [UInt8], at offset: Int64) throws(ImagingError) {
        do {
            try unsafe write(buffer.span.bytes.extracting(first: count), at: offset)
        } catch {
            throw .file(error)
        }
    }
}
