import Blobs
import Files

/// The bytes of a blob in a plain file, which stay readable while this value lives, whatever happens to the name.
final class FileContent: BlobContent {
    private let file: OpenFile
    private let workers: Workers

    init(_ file: consuming OpenFile, workers: Workers) {
        self.file = file
        self.workers = workers
    }

    var localFileDescriptor: Int32? { file.descriptor }

    func read(_ range: ByteRange) async throws(StoreError) -> [UInt8] {
        try await workers.run { () throws(StoreError) in try self.bytes(range) }
    }

    private func bytes(_ range: ByteRange) throws(StoreError) -> [UInt8] {
        guard let count = Int(exactly: range.count) else { throw .io("\(file.path): a range is too long for memory") }
        var buffer = [UInt8](repeating: 0, count: count)
        let filled = try storeErrors { () throws(FileError) in
            try file.read(into: &buffer, at: range.offset)
        }
        guard filled == count else {
            throw .io("read \(file.path): it ended \(count - filled) bytes before its size")
        }
        return buffer
    }
}
