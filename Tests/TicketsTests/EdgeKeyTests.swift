import Blobs
import Files
import TestSupport
import Testing
import Tickets

@Suite struct EdgeKeyTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Why the keys in `paths` cannot be used; nil if they can.
    private func problem(_ paths: String...) -> String? {
        do throws(EdgeKeyError) {
            _ = try EdgeKeys.load(paths.map { folder.path($0) })
            return nil
        } catch { return error.description }
    }

    private func keys(_ paths: String...) throws -> EdgeKeys {
        EdgeKeys(try EdgeKeys.load(paths.map { folder.path($0) }))
    }

    @Test func `a key is 43 characters, new each time, and never described`() throws {
        let (one, other) = (EdgeKey.random(), EdgeKey.random())
        #expect(one.base64url.utf8.count == 43 && one.base64url != other.base64url)
        #expect(try #require(EdgeKey(base64url: one.base64url)).base64url == one.base64url)
        #expect("\(one)" == "edge key")
        let text = one.base64url
        for wrong in ["", String(text.dropLast()), text + "A", text + "=", " " + text, String(text.dropLast(2)) + "+A"]
        {
            #expect(EdgeKey(base64url: wrong) == nil, "\(wrong)")
        }
    }

    @Test func `a key that is made is written for its owner alone, and never over another`() throws {
        let key = EdgeKey.random()
        try key.write(to: folder.path("a"))
        let text = try String(decoding: bytes(ofFile: folder.path("a")), as: UTF8.self)
        #expect(text == key.base64url + "\n")
        #expect(try Folder.status(folder.path("a"))?.permissions == 0o600)
        let error = #expect(throws: FileError.self) { try EdgeKey.random().write(to: folder.path("a")) }
        #expect(error?.isExistence == true)
        #expect(try EdgeKey.load(folder.path("a")).base64url == key.base64url)
    }

    @Test func `keys come from files and folders, with the end of a line or without`() throws {
        let all = (0..<4).map { _ in EdgeKey.random() }
        try Folder.make(folder.path("keys"))
        try all[0].write(to: folder.path("keys/a"))
        try TokenForge.write(all[1].base64url, to: folder.path("keys/b.key"))
        try TokenForge.write("rubbish", to: folder.path("keys/.swap"))
        try all[2].write(to: folder.path("alone"))
        let keys = try keys("keys", "alone")
        #expect(all.map { keys.contain($0.base64url) } == [true, true, true, false])
        keys.replace([all[3]])
        #expect(all.map { keys.contain($0.base64url) } == [false, false, false, true])
    }

    @Test func `keys that are gone are none where they may be, and one that is unfit still spoils them all`() throws {
        try Folder.make(folder.path("keys"))
        let key = EdgeKey.random()
        try key.write(to: folder.path("keys/a"))
        let paths = ["keys", "gone", "gone/too"].map { folder.path($0) }
        #expect(try EdgeKeys.load(paths, mayBeGone: true).map(\.base64url) == [key.base64url])
        try Folder.remove(folder.path("keys/a"))
        #expect(try EdgeKeys.load(paths, mayBeGone: true).isEmpty)
        try TokenForge.write("rubbish", to: folder.path("keys/b"))
        #expect(throws: EdgeKeyError.self) { try EdgeKeys.load(paths, mayBeGone: true) }
    }

    @Test func `nothing but a whole key is one`() throws {
        let key = EdgeKey.random()
        let keys = EdgeKeys([EdgeKey.random(), key])
        #expect(keys.contain(key.base64url))
        for wrong in ["", "x", key.base64url + " ", String(key.base64url.dropLast()), EdgeKey.random().base64url] {
            #expect(!keys.contain(wrong))
        }
        // Each character counts.
        for index in key.base64url.indices.dropLast() {
            var changed = key.base64url
            changed.replaceSubrange(index...index, with: changed[index] == "A" ? "B" : "A")
            #expect(!keys.contain(changed))
        }
        #expect(!EdgeKeys([]).contain(key.base64url))
    }

    @Test func `what makes a key unfit is told with its path, and never the key`() throws {
        let text = EdgeKey.random().base64url
        let table: [(name: String, text: String, permissions: UInt32, expected: String?)] = [
            ("a", text, 0o600, nil), ("b", text + "\n", 0o400, nil), ("c", text, 0o640, nil),
            ("d", text, 0o644, "chmod"), ("e", text, 0o660, "chmod"), ("f", text, 0o602, "chmod"),
            ("g", text + "\n\n", 0o600, "43"), ("h", text + "\r\n", 0o600, "43"), ("i", "", 0o600, "43"),
            ("j", String(text.dropLast()), 0o600, "43"), ("k", text + text, 0o600, "43"),
            ("l", String(repeating: text, count: 200), 0o600, "43"),
        ]
        for (name, contents, permissions, expected) in table {
            try TokenForge.write(contents, to: folder.path(name), permissions: permissions)
            let told = problem(name)
            #expect((told == nil) == (expected == nil), "\(name)")
            guard let told, let expected else { continue }
            #expect(told.contains(expected) && told.contains(folder.path(name)) && !told.contains(text), "\(told)")
        }
        try Folder.make(folder.path("empty"))
        #expect(problem("empty")?.contains("no edge keys") == true)
        #expect(problem("missing")?.contains("missing") == true)
        #expect(problem("a", "d") != nil, "one that is unfit spoils them all")
    }
}
