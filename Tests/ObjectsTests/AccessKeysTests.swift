import Files
import Glibc
import TestSupport
import Testing

@testable import Objects

@Suite struct AccessKeysTests {
    @Test func `a key comes from the environment, by the names that all tools use`() throws {
        let keys = try AccessKeys(
            .environment(["AWS_ACCESS_KEY_ID": "one", "AWS_SECRET_ACCESS_KEY": "two+/=", "AWS_SESSION_TOKEN": "three"]))
        #expect(keys.current == AccessKey(id: "one", secret: "two+/=", sessionToken: "three"))
    }

    @Test(
        arguments: [
            ("AWS_ACCESS_KEY_ID=one\nAWS_SECRET_ACCESS_KEY=two=\n", nil),
            ("# mine\n[default]\naws_access_key_id = one\r\naws_secret_access_key=two=  \nregion = x\n\n", nil),
            ("aws_access_key_id=one\naws_secret_access_key=two=\naws_session_token = three", "three"),
        ] as [(String, String?)])
    func `a key comes from a file, with the same names or those in AWS's own files`(_ text: String, _ token: String?)
        throws
    {
        let folder = try TemporaryFolder()
        try write(Array(text.utf8), toFile: folder.path("key"))
        let keys = try AccessKeys(.file(folder.path("key")))
        #expect(keys.current == AccessKey(id: "one", secret: "two=", sessionToken: token))
    }

    @Test func `a file is read again, and where that fails the key before stays`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("key")
        let text = { (secret: String) in Array("AWS_ACCESS_KEY_ID=one\nAWS_SECRET_ACCESS_KEY=\(secret)\n".utf8) }
        try write(text("two"), toFile: path)
        let keys = try AccessKeys(.file(path))
        try write(text("three"), toFile: path)
        #expect(keys.current.secret == "two")
        try keys.reload()
        #expect(keys.current.secret == "three")
        try write([], toFile: path)
        #expect(throws: AccessKeys.Failure.self) { try keys.reload() }
        #expect(keys.current.secret == "three")
        _ = unsafe unlink(path)
        #expect(throws: AccessKeys.Failure.self) { try keys.reload() }
        #expect(keys.current.secret == "three")
    }

    @Test(arguments: [
        ("", "has no AWS_ACCESS_KEY_ID"), ("AWS_ACCESS_KEY_ID=one\n", "has no"),
        ("AWS_ACCESS_KEY_ID=one\nAWS_SECRET_ACCESS_KEY=\n", "neither"),
        ("AWS_ACCESS_KEY_ID=o ne\nAWS_SECRET_ACCESS_KEY=two\n", "characters"),
        ("AWS_ACCESS_KEY_ID=one/x\nAWS_SECRET_ACCESS_KEY=two\n", "characters"),
        ("AWS_ACCESS_KEY_ID=one\nAWS_ACCESS_KEY_ID=one\n", "twice"), ("hello\n", "line 1"),
        ("aws_access_key_id=one\naws_secret_access_key=two\n[other]\n", "line 3"),
        (String(repeating: "#\n", count: 40_000), "too large"),
    ])
    func `what is no key is refused in words`(_ text: String, _ words: String) throws {
        let folder = try TemporaryFolder()
        try write(Array(text.utf8), toFile: folder.path("key"))
        #expect { try AccessKeys(.file(folder.path("key"))) } throws: { "\($0)".contains(words) }
    }

    @Test func `a file that everybody can read is refused`() throws {
        let folder = try TemporaryFolder()
        try write(Array("AWS_ACCESS_KEY_ID=one\nAWS_SECRET_ACCESS_KEY=two\n".utf8), toFile: folder.path("key"))
        _ = unsafe chmod(folder.path("key"), 0o644)
        #expect { try AccessKeys(.file(folder.path("key"))) } throws: { "\($0)".contains("chmod") }
    }

    @Test func `no description of a key tells its secret`() throws {
        let key = try #require(AccessKey(id: "one", secret: "two-two-two", sessionToken: "three-three"))
        for text in ["\(key)", String(reflecting: key), String(describing: [key])] {
            #expect(!text.contains("two-two-two") && !text.contains("three-three"))
        }
        var dumped = ""
        dump(key, to: &dumped)
        #expect(!dumped.contains("two-two-two"))
    }
}
