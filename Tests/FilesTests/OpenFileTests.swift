import Files
import Glibc
import TestSupport
import Testing

@Suite
struct OpenFileTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @Test func `is written and read at places, short only at its end`() throws {
        let file = try OpenFile(folder.path("a"), .create(permissions: 0o600))
        try write("world", to: file, at: 6)
        try write("hello ", to: file, at: 0)
        #expect(try read(file, 100, at: 0) == "hello world")
        #expect(try read(file, 3, at: 9) == "ld")
        #expect(try read(file, 3, at: 11) == "")
        #expect(try file.size() == 11)
    }

    @Test func `is read into the start of a buffer`() throws {
        let file = try OpenFile(folder.path("a"), .create(permissions: 0o600))
        try file.write(Array("abcdef".utf8))
        var buffer = [UInt8](repeating: 9, count: 5)
        #expect(try file.read(3, into: &buffer, at: 1) == 3)
        #expect(buffer == [0x62, 0x63, 0x64, 9, 9])
        #expect(try file.read(5, into: &buffer, at: 4) == 2)
    }

    @Test func `is written and read where it stands`() throws {
        let file = try OpenFile(folder.path("a"), .create(permissions: 0o600))
        try file.write(Array("abcdef".utf8))
        try file.seek(to: 2)
        #expect(try file.position() == 2)
        var buffer = [UInt8](repeating: 0, count: 10)
        #expect(try file.read(into: &buffer) == 4)
        #expect(buffer.prefix(4) == [0x63, 0x64, 0x65, 0x66])
    }

    @Test func `is cut, extended and given its disk before it is written`() throws {
        let file = try OpenFile(folder.path("a"), .create(permissions: 0o600))
        try file.truncate(to: 10_000)
        #expect(try file.status().size == 10_000)
        try file.allocate(1_000_000)
        #expect(try file.size() == 1_000_000)
        #expect(try file.status().allocatedBytes >= 1_000_000)
        try file.truncate(to: 0)
        #expect(try file.size() == 0)
    }

    @Test func `is made only where nothing is, and opened only where something is`() throws {
        _ = try OpenFile(folder.path("a"), .create(permissions: 0o600))
        #expect { _ = try OpenFile(folder.path("a"), .create(permissions: 0o600)) } throws: {
            ($0 as? FileError)?.isExistence == true
        }
        #expect { _ = try OpenFile(folder.path("b"), .read) } throws: { ($0 as? FileError)?.isAbsence == true }
        #expect { _ = try OpenFile(folder.path("b"), .update) } throws: { ($0 as? FileError)?.isAbsence == true }
        _ = try OpenFile(folder.path("b"), .openOrCreate(permissions: 0o600))
        #expect(try Folder.status(folder.path("b"))?.kind == .regular)
    }

    @Test func `is not reached through a link where links are not followed`() throws {
        try TestSupport.write([1], toFile: folder.path("target"))
        #expect(unsafe symlink(folder.path("target"), folder.path("link")) == 0)
        #expect(try OpenFile(folder.path("link"), .read).size() == 1)
        #expect { _ = try OpenFile(folder.path("link"), .read, followsLinks: false) } throws: {
            ($0 as? FileError)?.code == ELOOP
        }
        #expect(try Folder.status(folder.path("link"))?.kind == .link)
        #expect(try Folder.status(folder.path("link"), followsLinks: true)?.kind == .regular)
    }

    @Test func `has the permissions it was made with, and never stays open in a child`() throws {
        let file = try OpenFile(folder.path("a"), .create(permissions: 0o600))
        #expect(try file.status().permissions == 0o600)
        try file.setPermissions(0o440)
        #expect(try file.status().permissions == 0o440)
        #expect(fcntl(file.descriptor, F_GETFD) & FD_CLOEXEC != 0)
        let copy = try file.duplicate()
        #expect(copy.descriptor != file.descriptor && fcntl(copy.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func `without a name gets one that must be free`() throws {
        let file = try OpenFile.unnamed(in: folder.path)
        try write("x", to: file, at: 0)
        #expect(try Folder.names(in: folder.path).isEmpty)
        #expect(try file.status().linkCount == 0)
        try file.link(as: folder.path("named"))
        #expect(try bytes(ofFile: folder.path("named")) == [0x78])
        let other = try OpenFile.unnamed(in: folder.path)
        #expect { try other.link(as: folder.path("named")) } throws: { ($0 as? FileError)?.isExistence == true }
    }

    @Test func `is locked by one alone, until it is closed`() throws {
        do {
            let first = try OpenFile(folder.path("lock"), .openOrCreate(permissions: 0o600))
            try first.lockExclusively()
            let second = try OpenFile(folder.path("lock"), .openOrCreate(permissions: 0o600))
            #expect { try second.lockExclusively() } throws: { ($0 as? FileError)?.isLocked == true }
            try first.synchronize()
        }
        try OpenFile(folder.path("lock"), .update).lockExclusively()
    }

    @Test func `is closed when it goes`() throws {
        let file = try OpenFile(folder.path("a"), .create(permissions: 0o600))
        let path = "/proc/self/fd/\(file.descriptor)"
        #expect(try Folder.status(path, followsLinks: true)?.size == 0)
        consume(file)
        // Another test may have been given the number meanwhile: it is another file then.
        #expect(try Folder.status(path, followsLinks: true) == nil || linkTarget(path) != folder.path("a"))
    }

    @Test func `says what was tried, on what, and why it failed`() throws {
        #expect(
            FileError(operation: "open", path: "/x", code: ENOENT).description == "open /x: No such file or directory")
        #expect(FileError(operation: "write", path: "/x", code: ENOSPC).isFullDisk)
        #expect(FileError(operation: "write", path: "/x", code: EDQUOT).isFullDisk)
        #expect(!FileError(operation: "open", path: "/x", code: EACCES).isAbsence)
        let full = try OpenFile("/dev/full", .update)
        #expect { try write("x", to: full, at: 0) } throws: { ($0 as? FileError)?.isFullDisk == true }
        let folder = try OpenFile(self.folder.path, .read)
        #expect { try read(folder, 1, at: 0) } throws: { ($0 as? FileError)?.code == EISDIR }
    }

    private func consume(_ file: consuming OpenFile) {}

    private func linkTarget(_ path: String) -> String? {
        unsafe realpath(path, nil).map { target in
            defer { unsafe free(target) }
            return unsafe String(cString: target)
        }
    }

    private func write(_ text: String, to file: borrowing OpenFile, at offset: Int64) throws(FileError) {
        try file.write(Array(text.utf8), at: offset)
    }

    private func read(_ file: borrowing OpenFile, _ count: Int, at offset: Int64) throws(FileError) -> String {
        var buffer = [UInt8](repeating: 0, count: count)
        let got = try file.read(into: &buffer, at: offset)
        return String(decoding: buffer[..<got], as: UTF8.self)
    }
}
