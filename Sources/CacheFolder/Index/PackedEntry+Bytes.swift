/// An entry as it is written to a snapshot, numbers with the first byte on top:
///
///     offset  bytes  what
///     0       32     the address
///     32      8      size of the blob, at least 0
///     40      4      Sunset, seconds since 1970, like all times
///     44      4      when its source was last asked
///     48      4      when it arrived
///     52      4      when it was last read
///     56      2      how often it was read, 65,535 for more
///     58      2      flags: 1 is marked, 2 must be hashed before its use, 0 in all other bits
///     60      4      when it was marked, 0 if it is not
extension PackedEntry {
    static let byteCount = 64

    /// Writes the 64 bytes to the beginning of `bytes`.
    func write(to bytes: inout MutableRawSpan) {
        bytes.storeBytes(of: words.first.bigEndian, toByteOffset: 0, as: UInt64.self)
        bytes.storeBytes(of: words.second.bigEndian, toByteOffset: 8, as: UInt64.self)
        bytes.storeBytes(of: words.third.bigEndian, toByteOffset: 16, as: UInt64.self)
        bytes.storeBytes(of: words.fourth.bigEndian, toByteOffset: 24, as: UInt64.self)
        bytes.storeBytes(of: size.bigEndian, toByteOffset: 32, as: Int64.self)
        bytes.storeBytes(of: sunset.bigEndian, toByteOffset: 40, as: UInt32.self)
        bytes.storeBytes(of: checked.bigEndian, toByteOffset: 44, as: UInt32.self)
        bytes.storeBytes(of: arrived.bigEndian, toByteOffset: 48, as: UInt32.self)
        bytes.storeBytes(of: lastRead.bigEndian, toByteOffset: 52, as: UInt32.self)
        bytes.storeBytes(of: reads.bigEndian, toByteOffset: 56, as: UInt16.self)
        bytes.storeBytes(of: flags.rawValue.bigEndian, toByteOffset: 58, as: UInt16.self)
        bytes.storeBytes(of: marked.bigEndian, toByteOffset: 60, as: UInt32.self)
    }

    /// The entry of exactly 64 bytes; nil if it is one that is never written.
    init?(_ bytes: RawSpan) {
        guard bytes.byteCount == Self.byteCount else { return nil }
        words = Words(
            first: bytes.number(at: 0), second: bytes.number(at: 8), third: bytes.number(at: 16),
            fourth: bytes.number(at: 24))
        size = bytes.number(at: 32)
        sunset = bytes.number(at: 40)
        checked = bytes.number(at: 44)
        arrived = bytes.number(at: 48)
        lastRead = bytes.number(at: 52)
        reads = bytes.number(at: 56)
        flags = Flags(rawValue: bytes.number(at: 58))
        marked = bytes.number(at: 60)
        guard size >= 0, flags.isSubset(of: .all), isMarked || marked == 0 else { return nil }
    }
}

extension RawSpan {
    /// The number at `offset`, its first byte on top.
    func number<Number: FixedWidthInteger & BitwiseCopyable>(at offset: Int) -> Number {
        // Safe: the offset is checked against the length, and every pattern of bits is a number.
        unsafe Number(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: Number.self))
    }
}
