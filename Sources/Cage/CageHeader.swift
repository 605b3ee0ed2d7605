/// What a caged decoder is about to give: the payload of the report's first message.
///
///     4 bytes  pixels across, little-endian like all numbers here
///     4 bytes  pixels down
///     1 byte   components: 3 RGB, 4 RGB and straight alpha
///     2 bytes  primaries, and
///     2 bytes  transfer characteristics by ITU-T H.273; 2 is unspecified
///     n bytes  an ICC profile, to the end; none: empty
package struct CageHeader: Hashable, Sendable {
    package let width: Int
    package let height: Int
    package let components: Int
    package let primaries: UInt16
    package let transfer: UInt16
    package let profile: [UInt8]

    static let profileLimitBytes = 4 << 20
    private static let fixedBytes = 13

    package init(
        width: Int, height: Int, components: Int, primaries: UInt16 = 2, transfer: UInt16 = 2, profile: [UInt8] = []
    ) {
        (self.width, self.height, self.components) = (width, height, components)
        (self.primaries, self.transfer, self.profile) = (primaries, transfer, profile)
    }

    /// Nil for what no decoder may say: no pixels, more than `pixelLimit`, edges that no JPEG has.
    init?(_ bytes: ArraySlice<UInt8>, pixelLimit: Int) {
        guard (Self.fixedBytes...Self.fixedBytes + Self.profileLimitBytes).contains(bytes.count) else { return nil }
        let start = bytes.startIndex
        let (width, height) = (bytes.littleEndian(4, at: start), bytes.littleEndian(4, at: start + 4))
        guard (1...65_535).contains(width), (1...65_535).contains(height), width * height <= pixelLimit,
            bytes[start + 8] == 3 || bytes[start + 8] == 4
        else { return nil }
        self.init(
            width: width, height: height, components: Int(bytes[start + 8]),
            primaries: UInt16(bytes.littleEndian(2, at: start + 9)),
            transfer: UInt16(bytes.littleEndian(2, at: start + 11)),
            profile: Array(bytes[(start + Self.fixedBytes)...]))
    }

    var bytes: [UInt8] {
        littleEndianBytes(width, 4) + littleEndianBytes(height, 4) + [UInt8(components)]
            + littleEndianBytes(Int(primaries), 2) + littleEndianBytes(Int(transfer), 2) + profile
    }

    /// Bytes of a row.
    package var rowCount: Int { width * components }
}

extension ArraySlice<UInt8> {
    /// The number of `count` bytes, at most 7, at `index`; the caller has checked that they are there.
    func littleEndian(_ count: Int, at index: Int) -> Int {
        (0..<count).reduce(0) { $0 | Int(self[index + $1]) << (8 * $1) }
    }
}

/// The lowest `count` bytes of a number, the lowest first.
func littleEndianBytes(_ number: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
}
