import Blobs
import Testing

@testable import MediaMessage

@Suite
struct AESGCMLinkTests {
    private static let nonce = [UInt8](0x60..<0x6c)
    private static let key = [UInt8](0..<32)
    private static let fragment = Hexadecimal.encode(nonce + key)
    private static let good = "aesgcm://upload.example/1f2e/beach.jpg#\(fragment)"

    @Test func `has the nonce first, then the key`() throws {
        let link = try AESGCMLink(parsing: Self.good)
        #expect(link.nonce == Self.nonce && link.key == Self.key)
        #expect(link.url(.https) == "https://upload.example/1f2e/beach.jpg")
        #expect(link.text == Self.good)
    }

    /// Links, and where their files are.
    @Test(
        arguments: [
            ("AesGcm://upload.example/a.jpg#\(fragment.uppercased())", "https://upload.example/a.jpg"),
            (" \n\(good)\n", "https://upload.example/1f2e/beach.jpg"),
            // An old link: 16 bytes of nonce.
            ("aesgcm://h.example/a#6c6d6e6f\(fragment)", "https://h.example/a"),
            (
                "aesgcm://h.example:5443/a/b%20c?v=1&token=x/y#\(fragment)",
                "https://h.example:5443/a/b%20c?v=1&token=x/y"
            ),
            // A file name with a sign that has a meaning in another place.
            ("aesgcm://h.example/sun@2x.png#\(fragment)", "https://h.example/sun%402x.png"),
            ("aesgcm://[2001:db8::1]/a+b&c.txt#\(fragment)", "https://[2001:db8::1]/a+b&c.txt"),
        ])
    func `is read in all its forms`(text: String, url: String) throws {
        let link = try AESGCMLink(parsing: text)
        #expect(link.url(.https) == url)
        #expect(link.key == Self.key)
        #expect(try AESGCMLink(parsing: link.text) == link)
    }

    /// Why each is refused: cut, or otherwise wrong.
    @Test(
        arguments: [
            ("aesgcm://h.example/a", true), ("aesgcm://h.example/a#", true), ("aesgcm://h.example/a#abc", false),
            ("\(good)00", false), (String(good.dropLast(2)), false), (String(good.dropLast()) + "g", false),
            // Digits of other scripts, and a second fragment.
            (String(good.dropLast()) + "٣", false), ("\(good)#", false),
            ("https://h.example/a#\(fragment)", false), ("aesgcm:h.example/a#\(fragment)", false),
            ("aesgcm://h.example#\(fragment)", false), ("aesgcm://h.example/#\(fragment)", false),
            ("aesgcm:///a#\(fragment)", false), ("aesgcm://me@h.example/a#\(fragment)", false),
            ("aesgcm://h.example/../a#\(fragment)", false), ("aesgcm://h.example/%2E%2e/a#\(fragment)", false),
            ("aesgcm://h.example/a b#\(fragment)", false), ("aesgcm://h.example:0/a#\(fragment)", false),
            ("aesgcm://h.example:99999/a#\(fragment)", false), ("aesgcm://h.example/ü#\(fragment)", false),
        ])
    func `is refused where it is not one`(text: String, isCut: Bool) {
        let error = #expect(throws: MessageError.self) { try AESGCMLink(parsing: text) }
        if isCut {
            #expect(error == .cutLink)
        } else if case .notAESGCM = error {
        } else {
            Issue.record("\(String(describing: error))")
        }
    }

    @Test(arguments: [".", ")", ">,", "”"])
    func `with a mark behind its end is refused because of that`(marks: String) {
        #expect(throws: MessageError.trailing(marks)) { try AESGCMLink(parsing: Self.good + marks) }
    }

    @Test func `has a limit of its length`() {
        let long = "aesgcm://h.example/" + String(repeating: "a", count: 4096) + "#\(Self.fragment)"
        #expect(throws: MessageError.tooLong(bytesOver: long.utf8.count - 4096)) { try AESGCMLink(parsing: long) }
    }

    /// What becomes of the name, which anybody may have written.
    @Test(
        arguments: [
            ("a/beach.jpg", "beach.jpg"), ("a/sun%20set.jpg?x=/y", "sun set.jpg"),
            ("%2e%2e%2fetc%2fpasswd", "_._etc_passwd"),
            ("-rf", "_rf"), (".bashrc", "_bashrc"), ("%E2%80%AEgpj.exe", "_gpj.exe"), ("%FF%FE", "media"),
            ("a%00b", "a_b"), ("%1B%5B31m", "_[31m"),
        ])
    func `suggests a name that is safe`(path: String, name: String) throws {
        #expect(try AESGCMLink(parsing: "aesgcm://h.example/\(path)#\(Self.fragment)").fileName == name)
    }

    @Test(
        arguments: [
            ("https://h.example/a.jpg", true), ("http://127.0.0.1:8080/a", true), ("http://localhost/a", true),
            ("http://h.example/a", false), ("https://h.example/a#b", false), ("https://h.example", false),
            ("ftp://h.example/a", false), ("https://h.example/ä", false),
        ])
    func `leads to https alone, or to this machine`(url: String, isOne: Bool) throws {
        let link = AESGCMLink(to: url, nonce: Self.nonce, key: Self.key)
        #expect((link != nil) == isOne)
        if let link { #expect(try AESGCMLink(parsing: link.text) == link) }
    }

    @Test func `shows its key to nobody who only describes it`() throws {
        let link = try AESGCMLink(parsing: Self.good)
        var dumped = ""
        dump(link, to: &dumped)
        for text in ["\(link)", String(reflecting: link), dumped] {
            #expect(!text.contains(Self.fragment) && !text.contains("beach") && !text.contains("31"))
        }
    }

    @Test(
        arguments: [
            (good, 1), ("\(good)\ndata:image/jpeg;base64,/9j/4AAQ\n", 1), ("\u{feff}\(good)\r\n\(good)", 2),
            ("\(good)\ndata:image/jpeg,/9j/\n\(Sample.json())", 2), (Sample.json(), 1),
        ])
    func `stands on lines of its own, with a thumbnail behind it or without`(text: String, count: Int) throws {
        let files = try SharedFile.readAll(Array(text.utf8))
        #expect(files.count == count)
        let links = files.filter { if case .aesgcm = $0 { true } else { false } }
        #expect(links.count == text.components(of: "aesgcm:"))
        guard !links.isEmpty else { return }
        #expect(throws: MessageError.foreign) { try MediaMessage.readAll(Array(text.utf8)) }
    }

    @Test func `is not read where other text is beside it`() {
        for text in ["look: \(Self.good)", "\(Self.good) nice", "\(Self.good)\nnice", "data:x\n\(Self.good)"] {
            #expect(throws: MessageError.self) { try SharedFile.readAll(Array(text.utf8)) }
        }
    }
}

extension String {
    fileprivate func components(of word: String) -> Int { ranges(of: word).count }
}
