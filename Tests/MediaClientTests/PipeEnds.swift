import Files
import Glibc

/// A pipe whose writing end is closed after one write.
final class PipeEnds {
    let readable: OpenFile
    private let writableDescriptor: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw FileError(operation: "pipe", path: "", code: errno) }
        readable = OpenFile(owning: ends[0], path: "pipe")
        writableDescriptor = ends[1]
    }

    func write(_ bytes: [UInt8]) throws {
        let writable = OpenFile(owning: writableDescriptor, path: "pipe")
        try unsafe writable.write(bytes.span.bytes)
    }
}
