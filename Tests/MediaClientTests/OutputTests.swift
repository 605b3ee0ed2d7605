import Files
import Glibc
import MediaMessage
import TestSupport
import Testing
import Transfer

@testable import MediaClient

@Suite struct OutputTests {
    private let stage: JourneyStage
    private let bytes = noise(5000)
    private let blob: String
    private let message: MediaMessage

    init() throws {
        stage = try JourneyStage()
        (blob, message) = try stage.sealed(bytes)
    }

    private func path(_ name: String) -> String { stage.folder.path("out/\(name)") }

    private func unseal(to target: OpenTarget, replacing: Bool = true) throws -> String? {
        try stage.client().unseal(message, blob: OpenFile(blob, .read), to: target, replacing: replacing)
    }

    private func link(_ name: String, to target: String) throws {
        try #require(unsafe symlink(target, path(name)) == 0)
    }

    @Test(arguments: ["target", "../out/target", "other"])
    func `a link leads to the file that is written, which is there or not, and stays a link`(target: String) throws {
        try write([1], toFile: path("target"))
        try link("link", to: target)
        #expect(try unseal(to: .path(path("link"))) == path("link"))
        #expect(try Folder.status(path("link"))?.kind == .link)
        #expect(try TestSupport.bytes(ofFile: path("link")) == bytes)
        #expect(try TestSupport.bytes(ofFile: path("target")) == (target == "other" ? [1] : bytes))
        #expect(try Folder.status(path(target))?.kind == .regular)
    }

    @Test func `what a link leads to is kept like any file, and a link to itself leads nowhere`() throws {
        try write([1], toFile: path("target"))
        try link("link", to: "target")
        #expect(throws: MediaClientError.self) { try unseal(to: .path(path("link")), replacing: false) }
        #expect(try TestSupport.bytes(ofFile: path("target")) == [1])
        try link("loop", to: "loop")
        #expect(throws: MediaClientError.self) { try unseal(to: .path(path("loop"))) }
    }

    @Test func `a link under the name that a message suggests is no place to write`() throws {
        try write([1], toFile: path("target"))
        try link("notes.bin", to: "target")
        let error = #expect(throws: MediaClientError.self) {
            try unseal(to: .folder(stage.folder.path("out")))
        }
        guard case .notWritable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try TestSupport.bytes(ofFile: path("target")) == [1])
    }

    @Test(arguments: [false, true])
    func `a pipe is written to, and is a pipe afterwards`(replacing: Bool) throws {
        try #require(unsafe mkfifo(path("pipe"), 0o600) == 0)
        let reader = OpenFile(owning: unsafe open(path("pipe"), O_RDONLY | O_NONBLOCK), path: "pipe")
        #expect(try unseal(to: .path(path("pipe")), replacing: replacing) == path("pipe"))
        var got = [UInt8](repeating: 0, count: bytes.count)
        #expect(try reader.read(into: &got) == bytes.count && got == bytes)
        #expect(try Folder.status(path("pipe"))?.kind == .stream)
        #expect(try stage.outNames == ["pipe"])
    }

    @Test func `a descriptor of our own is written to where it stands, by whatever name`() throws {
        let file = try OpenFile(path("open"), .create(permissions: 0o600))
        try file.write([7])
        try link("stdout", to: "/proc/self/fd/\(file.descriptor)")
        for name in ["/dev/fd/\(file.descriptor)", path("stdout")] {
            #expect(try unseal(to: .path(name), replacing: false) == nil)
        }
        #expect(try TestSupport.bytes(ofFile: path("open")) == [7] + bytes + bytes)
    }

    @Test(arguments: ["", "socket"])
    func `a folder or a socket is refused, even if it may be replaced`(name: String) throws {
        let socket = OpenFile(owning: Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0), path: "socket")
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let text = Array(path("socket").utf8)
        try #require(text.count < 100)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: text) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let code = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(socket.descriptor, $0, size)
            }
        }
        try #require(code == 0)
        let error = #expect(throws: MediaClientError.self) { try unseal(to: .path(path(name))) }
        guard case .notWritable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try stage.outNames == ["socket"])
    }

    @Test func `a file that is there is left as it is, and the error says how to replace it`() throws {
        try write([1], toFile: path("a"))
        let error = #expect(throws: MediaClientError.self) { try unseal(to: .path(path("a")), replacing: false) }
        #expect(error.map { "\($0)".contains("--force") } == true)
        #expect(try TestSupport.bytes(ofFile: path("a")) == [1])
    }
}
