import CCage
package import Files
import Glibc

/// Files without a name, in memory.
package enum MemoryFile {
    /// A file with these bytes, gone when it is closed.
    package static func holding(_ bytes: [UInt8]) throws(FileError) -> OpenFile {
        let descriptor = cage_memory_file()
        if descriptor < 0 { throw FileError(operation: "memfd_create", path: "(memory)", code: errno) }
        let file = OpenFile(owning: descriptor, path: "(memory)")
        try file.write(bytes, at: 0)
        return file
    }
}
