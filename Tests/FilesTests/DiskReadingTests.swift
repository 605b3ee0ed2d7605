import Files
import Glibc
import TestSupport
import Testing

@Suite
struct DiskReadingTests {
    @Test(arguments: [0, 1, 4095, 4096, 4097, 1 << 20, (1 << 20) + 1, (3 << 20) + 5000], [true, false])
    func `comes whole, in pieces, whatever its size and wherever it lies`(count: Int, inMemory: Bool) throws {
        let folder = inMemory ? try TemporaryFolder.inMemory() : try TemporaryFolder()
        let bytes = Self.bytes(count)
        try write(bytes, toFile: folder.path("a"))
        #expect(try Self.read(folder.path("a")) == bytes)
    }

    /// On a disk; a file system in memory has nowhere else to read from.
    @Test func `is neither kept in memory for it, nor pushed out where it was`() throws {
        let folder = try TemporaryFolder()
        for isHot in [false, true] {
            let bytes = Self.bytes(3 << 20)
            try write(bytes, toFile: folder.path("a"))
            let file = try OpenFile(folder.path("a"), .read)
            try file.synchronize()
            if !isHot { file.forget() }
            let before = try Self.residentPages(file)
            guard before == (isHot ? bytes.count / 4096 : 0) else { continue }
            #expect(try Self.read(folder.path("a")) == bytes)
            let after = try Self.residentPages(file)
            #expect(after == before, "hot: \(isHot)")
        }
    }

    private static func bytes(_ count: Int) -> [UInt8] {
        makeBytes(count) { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 11) }
    }

    private static func read(_ path: String) throws -> [UInt8] {
        var reading = try DiskReading(path)
        var all: [UInt8] = []
        while try reading.next({ piece in all.append(contentsOf: array(piece)) }) > 0 {}
        return all
    }

    private static func array(_ span: RawSpan) -> [UInt8] {
        // Safe: the buffer is used only while the span holds it.
        unsafe span.withUnsafeBytes { unsafe Array($0) }
    }

    /// Pages of the file that the kernel has in memory (mincore(2)): to try to read them would bring them in.
    private static func residentPages(_ file: borrowing OpenFile) throws -> Int {
        let size = Int(try file.size())
        // Safe: the file is mapped for this call alone and never touched, and the answer has a byte for each page.
        guard let start = unsafe mmap(nil, size, PROT_READ, MAP_SHARED, file.descriptor, 0), unsafe start != MAP_FAILED
        else { throw FileError(operation: "mmap", path: file.path, code: errno) }
        defer { _ = unsafe munmap(start, size) }
        var pages = [UInt8](repeating: 0, count: (size + 4095) / 4096)
        guard unsafe mincore(start, size, &pages) == 0 else {
            throw FileError(operation: "mincore", path: file.path, code: errno)
        }
        return pages.count { $0 & 1 == 1 }
    }
}

extension OpenFile {
    /// Lets go of what the kernel has of the file in memory, once it is on the disk.
    fileprivate borrowing func forget() { _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) }
}
