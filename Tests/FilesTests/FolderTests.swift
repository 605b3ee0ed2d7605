import Files
import TestSupport
import Testing

@Suite("A folder")
struct FolderTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @Test("is made with all that is missing above it, and again without complaint")
    func made() throws {
        try Folder.makeAll(folder.path("a/b/c"))
        try Folder.makeAll(folder.path("a/b/c"))
        try Folder.make(folder.path("a/b"))
        #expect(try Folder.status(folder.path("a/b/c"))?.kind == .folder)
        #expect(try Folder.status(folder.path("a"))?.permissions == 0o700)
        try write([], toFile: folder.path("file"))
        #expect(throws: FileError.self) { try Folder.makeAll(folder.path("file/x")) }
    }

    @Test("renames over what is there, or refuses to")
    func renamed() throws {
        try write([1], toFile: folder.path("a"))
        try write([2], toFile: folder.path("b"))
        #expect { try Folder.rename(folder.path("a"), to: folder.path("b"), replacing: false) } throws: {
            ($0 as? FileError)?.isExistence == true
        }
        #expect(try bytes(ofFile: folder.path("b")) == [2])
        try Folder.rename(folder.path("a"), to: folder.path("b"))
        #expect(try bytes(ofFile: folder.path("b")) == [1])
        try Folder.rename(folder.path("b"), to: folder.path("c"), replacing: false)
        #expect(try Folder.names(in: folder.path) == ["c"])
        #expect { try Folder.rename(folder.path("b"), to: folder.path("d")) } throws: {
            ($0 as? FileError)?.isAbsence == true
        }
    }

    @Test("removes a name, and says if there was none")
    func removed() throws {
        try write([1], toFile: folder.path("a"))
        #expect(try Folder.remove(folder.path("a")))
        #expect(try !Folder.remove(folder.path("a")))
        #expect(try Folder.status(folder.path("a")) == nil)
        try Folder.make(folder.path("b"))
        #expect(throws: FileError.self) { try Folder.remove(folder.path("b")) }
    }

    @Test("that is not there is an error, not an empty one")
    func missing() throws {
        #expect { try Folder.names(in: folder.path("x")) } throws: { ($0 as? FileError)?.isAbsence == true }
        #expect(throws: FileError.self) { try Folder.synchronize(folder.path("x")) }
        #expect(throws: FileError.self) { try Folder.freeBytes(at: folder.path("x")) }
    }

    @Test("lists every name once, however long or odd")
    func names() throws {
        let names = (0..<300).map { "file \($0)" } + [String(repeating: "n", count: 255), "日本", ".hidden", "new\nline"]
        for name in names { try write([], toFile: folder.path(name)) }
        #expect(try Folder.names(in: folder.path).sorted() == names.sorted())
    }

    @Test("knows how much its disk still takes, and syncs its names")
    func disk() throws {
        #expect(try Folder.freeBytes(at: folder.path) > 0)
        try Folder.synchronize(folder.path)
    }
}
