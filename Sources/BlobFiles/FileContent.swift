package import Blobs
package import Files
package import Store

/// The bytes of a blob in a plain file, which stay readable while this value lives, whatever happens to the name.
package final class FileContent: BlobContent {
    private let file: OpenFile
    private let workers: BlockingPool
    private let onFailure: @Sendable (FileError) -> Void

    /// - Parameter onFailure: called when the disk does not return bytes that should be there.
    package init(
        _ file: consuming OpenFile, workers: BlockingPool, onFailure: @escaping @Sendable (FileError) -> Void
    ) {
        self.file = file
        self.workers = workers
        self.onFailure = onFailure
    }

    package func openDescriptor() -> Int32? { try? file.duplicateDescriptor() }

    package func readResident(at offset: Int64, into buffer: inout MutableRawSpan) -> Int {
        file.readResident(into: &buffer, at: offset)
    }

    package func read(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> [UInt8]
    {
        let count = Int(min(range.count, Int64(limit)))
        return try await workers.run { () throws(StoreError) in
            var buffer = [UInt8](repeating: 0, count: count)
            guard try self.fill(&buffer, from: range.offset) == count else { throw self.endedEarly() }
            return buffer
        }
    }

    /// Reads through the bytes and keeps nothing: afterwards the kernel has them.
    package func fetch(_ range: ByteRange, atMost limit: Int, for intent: ReadIntent) async throws(StoreError) -> Int {
        let count = min(range.count, Int64(limit))
        try await workers.run { () throws(StoreError) in
            var buffer = [UInt8](repeating: 0, count: Int(min(count, 256 << 10)))
            var offset = range.offset
            while offset < range.offset + count {
                let filled = try self.fill(&buffer, from: offset)
                if filled == 0 { throw self.endedEarly() }
                offset += Int64(filled)
            }
        }
        return Int(count)
    }

    private func fill(_ buffer: inout [UInt8], from offset: Int64) throws(StoreError) -> Int {
        do { return try file.read(into: &buffer, at: offset) } catch {
            onFailure(error)
            throw .io(error.description)
        }
    }

    private func endedEarly() -> StoreError {
        onFailure(FileError(operation: "read", path: file.path, code: 5))
        return .io("read \(file.path): it ended before the blob's size")
    }
}
