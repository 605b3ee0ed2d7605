/// Numbers as ISO files write them: the highest byte first.
package enum BigEndian {
    package static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        (0..<Number.bitWidth / 8).reversed().map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    /// The number of `count` bytes, at most 8, at `offset` of `bytes`, which has that many.
    package static func number(_ bytes: [UInt8], at offset: Int, _ count: Int) -> UInt64 {
        bytes[offset..<offset + count].reduce(0) { $0 << 8 | UInt64($1) }
    }
}

extension [UInt8] {
    /// A box (ISO/IEC 14496-12, 4.2) of these payload bytes, which are less than 4 GiB.
    package static func box(_ type: BoxType, _ payload: [UInt8]) -> [UInt8] {
        BigEndian.bytes(UInt32(payload.count + 8)) + type.bytes + payload
    }

    /// A full box: version and flags come before its payload.
    package static func fullBox(_ type: BoxType, version: UInt8 = 0, flags: UInt32 = 0, _ payload: [UInt8]) -> [UInt8] {
        box(type, BigEndian.bytes(UInt32(version) << 24 | flags & 0xFF_FFFF) + payload)
    }
}
