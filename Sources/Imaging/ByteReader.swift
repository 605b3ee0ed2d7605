import Files

/// Reads a file from front to back through a fixed buffer, and knows where it is.
struct ByteReader: ~Copyable {
    private let file: OpenFile
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)
    /// Bytes of the buffer that hold something, and of those the ones that were given.
    private var filled = 0
    private var given = 0
    /// Where in the file the buffer begins.
    private var start: Int64 = 0

    /// Reads a second descriptor of `file`, by position: the file's own position does not matter and does not move.
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

    /// The next two bytes as one number, the high byte first; nil if they are not there.
    mutating func nextUInt16() throws(ImagingError) -> UInt16? {
        guard let high = try next(), let low = try next() else { return nil }
        return UInt16(high) << 8 | UInt16(low)
    }

    /// The next `count` bytes; nil if they are not all there. `count` is that of a segment: at most 65,533.
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

    /// Moves on to the next byte 0xFF, which stays the next to come; false if the file ends first.
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

    /// Moves on to the marker that ends entropy-coded data; a stuffed zero, a restart and a fill byte do not (T.81,
    /// B.1.1.5). At the end of the file it stops there.
    mutating func skipEntropyData() throws(ImagingError) {
        while try skipToMarker() {
            if filled - given < 2, try !refill() || filled < 2 {
                given = filled
                return
            }
            let code = buffer[given + 1]
            if code == 0xFF {
                given += 1
            } else if code == 0 || JPEGMarker(code: code).isRestart {
                given += 2
            } else {
                return
            }
        }
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

    /// Fills the buffer from the next byte on; false if the file has ended.
    private mutating func refill() throws(ImagingError) -> Bool {
        start = position
        given = 0
        filled = 0
        filled = try file.read(buffer.count, into: &buffer, at: start)
        return filled > 0
    }
}
