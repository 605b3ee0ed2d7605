/// A run of bytes inside a blob that lies wholly within it: `offset ..< offset + count`, never empty.
package struct ByteRange: Hashable, Sendable {
    /// The first byte, counted from 0.
    package let offset: Int64
    /// How many bytes; at least 1.
    package let count: Int64

    /// A range of `count` bytes from `offset`; nil if it is empty, starts below 0 or passes the end of `size` bytes.
    package init?(offset: Int64, count: Int64, within size: Int64) {
        guard offset >= 0, count > 0, offset < size, count <= size - offset else { return nil }
        self.offset = offset
        self.count = count
    }

    /// The last byte, counted from 0.
    package var last: Int64 { offset + (count - 1) }

    /// One past the last byte.
    package var end: Int64 { offset + count }
}
