package import Blobs

/// The name of one object in an object store: a UUIDv7 (RFC 9562 §5.7), made for this object and never used again, so that
/// a request that was long on its way can hit nothing that lives.
package struct ObjectID: HexadecimalBytes, Hashable, Comparable {
    package static let byteCount = 16

    package let bytes: [UInt8]

    package init(unchecked bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// A new one, born at `now`.
    package static func new(at now: Timestamp) -> ObjectID {
        var bytes = random().bytes
        let (product, overflow) = now.seconds.multipliedReportingOverflow(by: 1000)
        let milliseconds = UInt64(clamping: overflow ? 0 : product)
        for index in 0..<6 { bytes[index] = UInt8(truncatingIfNeeded: milliseconds >> (40 - 8 * UInt64(index))) }
        bytes[6] = bytes[6] & 0x0f | 0x70
        bytes[8] = bytes[8] & 0x3f | 0x80
        return ObjectID(unchecked: bytes)
    }

    /// When it was made, to the second.
    package var born: Timestamp {
        Timestamp(seconds: Int64(bytes.prefix(6).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } / 1000))
    }

    package static func < (left: Self, right: Self) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }
}

/// What a blob's row names: one object, or a list of them.
package struct BlobObject: Hashable, Sendable {
    /// Of the object, or of the list.
    package let id: ObjectID
    /// Whether `id` names no object but a list of them (`ObjectRow.list`).
    package let isList: Bool

    package init(id: ObjectID, isList: Bool) {
        self.id = id
        self.isList = isList
    }
}

/// One object of a list: a part of a large blob, or of an open upload.
package struct ObjectRow: Hashable, Sendable {
    /// Bytes of the largest object.
    package static let limitBytes: Int64 = 8 << 20

    package let id: ObjectID
    package let list: ObjectID
    /// Its place in the list, from 0 on.
    package let number: Int
    /// Bytes of the object.
    package let size: Int64
    /// SHA-256 of its bytes.
    package let digest: BlobAddress

    package init(id: ObjectID, list: ObjectID, number: Int, size: Int64, digest: BlobAddress) {
        self.id = id
        self.list = list
        self.number = number
        self.size = size
        self.digest = digest
    }
}
