package import Blobs

/// The bytes of a blob that is in memory.
package final class MemoryContent: BlobContent {
    private let bytes: [UInt8]

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    package func read(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> [UInt8]
    {
        if range.count == bytes.count, limit >= bytes.count { return bytes }
        return Array(bytes[Int(range.offset)..<Int(range.end)].prefix(limit))
    }

    package func readResident(at offset: Int64, into buffer: inout MutableRawSpan) -> Int {
        let part = bytes.dropFirst(Int(offset)).prefix(buffer.byteCount)
        // Safe: no more bytes than there is room for.
        unsafe buffer.withUnsafeMutableBytes { room in unsafe room.copyBytes(from: part) }
        return part.count
    }

    package func fetch(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> Int {
        0
    }

    package func openDescriptor() -> Int32? { nil }
}
