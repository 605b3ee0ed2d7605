import Files
import Glibc
import TestSupport
import Testing

@Suite
struct FolderTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @Test func `is made with all that is missing above it, and again without complaint`() throws {
        try Folder.makeAll(folder.path("a/b/c"))
        try Folder.makeAll(folder.path("a/b/c"))
        try Folder.make(folder.path("a/b"))
        #expect(try Folder.status(folder.path("a/b/c"))?.kind == .folder)
        #expect(try Folder.status(folder.path("a"))?.permissions == 0o700)
        try write([], toFile: folder.path("file"))
        #expect(throws: FileError.self) { try Folder.makeAll(folder.path("file/x")) }
    }

    @Test func `renames over what is there, or refuses to`() throws {
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

    @Test func `says where a link leads, as seen from where the link is looked at`() throws {
        try write([1], toFile: folder.path("a"))
        for (target, expected) in [("a", folder.path("a")), (folder.path("a"), folder.path("a"))] {
            #expect(unsafe symlink(target, folder.path("link")) == 0)
            #expect(try Folder.target(ofLink: folder.path("link")) == expected)
            #expect(try Folder.resolved(folder.path("link")) == Folder.resolved(folder.path("a")))
            try Folder.remove(folder.path("link"))
        }
        #expect(throws: FileError.self) { try Folder.target(ofLink: folder.path("a")) }
        #expect(throws: FileError.self) { try Folder.resolved(folder.path("x")) }
    }

    @Test(.enabled(if: geteuid() == 0, "takes root"))
    func `is given to another user, who is told from root`() throws {
        try Folder.make(folder.path("a"))
        #expect(try Folder.foreignOwner(of: folder.path("a")) == nil)
        #expect(unsafe chown(folder.path("a"), 65_534, 65_533) == 0)
        let owner = try #require(try Folder.foreignOwner(of: folder.path("a")))
        try write([1], toFile: folder.path("b"))
        try OpenFile(folder.path("b"), .update).give(to: owner)
        try Folder.make(folder.path("c"))
        try Folder.give(folder.path("c"), to: owner)
        #expect(try ["a", "b", "c"].allSatisfy { try Folder.status(folder.path($0))?.owner == owner })
    }

    @Test func `removes a name, and says if there was none`() throws {
        try write([1], toFile: folder.path("a"))
        #expect(try Folder.remove(folder.path("a")))
        #expect(try !Folder.remove(folder.path("a")))
        #expect(try Folder.status(folder.path("a")) == nil)
        try Folder.make(folder.path("b"))
        #expect(throws: FileError.self) { try Folder.remove(folder.path("b")) }
    }

    @Test func `that is not there is an error, not an empty one`() throws {
        #expect { try Folder.names(in: folder.path("x")) } throws: { ($0 as? FileError)?.isAbsence == true }
        #expect(throws: FileError.self) { try Folder.synchronize(folder.path("x")) }
        #expect(throws: FileError.self) { try Folder.freeBytes(at: folder.path("x")) }
    }

    @Test func `lists every name once, however long or odd`() throws {
        let names = (0..<300).map { "file \($0)" } + [String(repeating: "n", count: 255), "日本", ".hidden", "new\nline"]
        for name in names { try write([], toFile: folder.path(name)) }
        #expect(try Folder.names(in: folder.path).sorted() == names.sorted())
    }

    /// Bytes, and their text.
    @Test(arguments: [
        (Array("plain/é/日本".utf8), "plain/é/日本"), ([0x63, 0x61, 0x66, 0xE9], "caf\u{10FFE9}"),
        ([0xFF, 0x2F, 0xC3], "\u{10FFFF}/\u{10FFC3}"), ([0xE6, 0x97, 0xA5, 0x80], "日\u{10FF80}"),
        ([0xF0, 0x9F, 0x8C, 0x8A], "🌊"),
        // A character that stands for a byte, in a name: its own four bytes.
        (Array("\u{10FFE9}".utf8), "\u{10FFF4}\u{10FF8F}\u{10FFBF}\u{10FFA9}"),
    ])
    func `a name of any bytes is text that leads back to it`(bytes: [UInt8], text: String) throws {
        #expect(PathText.text(bytes) == text && PathText.bytes(text) == bytes)
        #expect(PathText.isUnicode(PathText.readable(text)))
        let path = "\(folder.path)/\(text.replacing("/", with: "-"))"
        try Folder.make(path)
        try write([1], toFile: "\(path)/a")
        try Folder.rename("\(path)/a", to: "\(path)/\u{10FFE9}", replacing: false)
        #expect(try Folder.names(in: folder.path) == [text.replacing("/", with: "-")])
        #expect(try Folder.names(in: path) == ["\u{10FFE9}"])
        #expect(try TestSupport.bytes(ofFile: "\(path)/\u{10FFE9}") == [1])
        #expect(try Folder.resolved(path) == Folder.resolved(folder.path) + "/" + text.replacing("/", with: "-"))
        try Folder.remove("\(path)/\u{10FFE9}")
        try Folder.removeEmpty(path)
        let error = #expect(throws: FileError.self) { _ = try OpenFile(path, .read) }
        #expect(error.map { PathText.isUnicode($0.description) } == true)
    }

    @Test func `knows how much its disk still takes, and syncs its names`() throws {
        #expect(try Folder.freeBytes(at: folder.path) > 0)
        try Folder.synchronize(folder.path)
    }
}
