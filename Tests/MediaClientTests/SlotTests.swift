import Blobs
import Files
import Foundation
import MediaMessage
import Sealing
import TestSupport
import Testing
import Transfer

@testable import MediaClient

/// Files to slots of chat servers, and files behind `aesgcm:` links, against a server of slots on this machine.
@Suite(.enabled(if: Peer.isAvailable, "python3 plays the server"))
struct SlotTests {
    private let stage: JourneyStage
    private let bytes = noise(700_000)
    private static let key = [UInt8](1...32)
    private static let nonce = [UInt8](40...51)

    init() throws { stage = try JourneyStage() }

    /// A server that gives `bytes`, encrypted, at every path; and a link there.
    private func serve(
        _ behaviours: String..., path: String = "a/notes.bin", nonce: [UInt8] = nonce,
        tampering: (inout [UInt8]) -> Void = { _ in }
    ) throws -> (peer: Peer, link: AESGCMLink) {
        let output = try OpenFile(stage.folder.path("encrypted"), .openOrCreate(permissions: 0o600))
        guard let key = MediaKey(bytes: Self.key) else { throw MediaClientError.wrongKey }
        try GCMFile.encrypt(try stage.file(bytes, named: "plain"), into: output, key: key, nonce: nonce)
        var file = try TestSupport.bytes(ofFile: stage.folder.path("encrypted"))
        tampering(&file)
        try write(file, toFile: stage.folder.path("encrypted"))
        let peer = try Peer(["file=\(stage.folder.path("encrypted"))"] + behaviours, script: "slots.py")
        return (peer, try #require(AESGCMLink(to: "\(peer.url)/\(path)", nonce: nonce, key: Self.key)))
    }

    private func open(_ link: AESGCMLink, _ values: [SettingKey: String]) throws -> String? {
        try stage.client(values).open(link, to: .folder(stage.folder.path("out")), replacing: false, named: []).path
    }

    private func failure(_ link: AESGCMLink, _ values: [SettingKey: String]) -> MediaClientError? {
        #expect(throws: MediaClientError.self) { try open(link, values) }
    }

    /// The case of an error, without what is in it.
    private func name(of error: MediaClientError?) -> String? {
        error.flatMap { Mirror(reflecting: $0).children.first?.label }
    }

    // MARK: Opening

    @Test(arguments: [12, 16])
    func `a file is opened under the name in its link, and nothing else is left`(nonceBytes: Int) throws {
        let (peer, link) = try serve(path: "a/%2e%2e%2fnotes.bin", nonce: [UInt8](repeating: 9, count: nonceBytes))
        for name in ["_._notes.bin", "_._notes (2).bin"] {
            let path = try #require(try open(link, [.server: peer.url]))
            #expect(path.hasSuffix("/\(name)"))
            #expect(try TestSupport.bytes(ofFile: path) == bytes)
        }
        #expect(try stage.outNames.count == 2)
        #expect(!peer.log.contains { $0.contains("#") }, "nobody hears the key")
    }

    @Test func `after a cut only the rest is fetched, of the same file`() throws {
        let (peer, link) = try serve("get=cut:300000,cut:100000")
        let path = try #require(try open(link, [.server: peer.url]))
        #expect(try TestSupport.bytes(ofFile: path) == bytes)
        #expect(peer.log.count == 4 && peer.log[3].contains("bytes=400000-") && peer.log[3].contains("\\\"one\\\""))
    }

    @Test func `a redirect is followed, and no more than three`() throws {
        let (peer, link) = try serve("head=redirect:/b/x", "get=redirect:/b/x")
        #expect(try open(link, [.server: peer.url]) != nil)
        let (other, loop) = try serve("head=redirect:/1,redirect:/2,redirect:/3,redirect:/4")
        let error = failure(loop, [.server: other.url])
        #expect(name(of: error) == "redirect" && String(describing: error).contains("more than 3"))
    }

    /// What the server does, and the error.
    @Test(
        arguments: [
            ("head=status:404", "notFound"), ("get=status:404", "notFound"), ("head=status:410", "gone"),
            ("head=status:403", "answer"), ("get=status:403", "answer"), ("head=sizeless", "answer"),
            ("head=status:503,status:503,status:503", "refused"), ("head=size:536870929", "tooLargeForLink"),
            ("head=size:2147483", "tooLarge"), ("head=size:99999999999999999999", "answer"),
            ("head=size:15", "transfer"),
            ("head=redirect:https://elsewhere.example/x", "hostNotAllowed"), ("head=drop,drop,drop", "transfer"),
        ])
    func `each failure has its own error, and leaves nothing behind`(behaviour: String, expected: String) throws {
        let (peer, link) = try serve(behaviour)
        let error = try #require(failure(link, [.server: peer.url, .downloadLimit: "1MiB"]))
        #expect(name(of: error) == expected, "\(error)")
        #expect(try stage.outNames.isEmpty)
    }

    @Test(arguments: [0, 350_000, 700_000, 700_015])
    func `a file with one wrong bit is not opened`(place: Int) throws {
        let (peer, link) = try serve { $0[place] ^= 0x80 }
        #expect(name(of: failure(link, [.server: peer.url])) == "wrongTag")
        #expect(try stage.outNames.isEmpty)
    }

    @Test func `a host that is not allowed is not asked`() throws {
        let (peer, link) = try serve()
        #expect(name(of: failure(link, [.server: "https://media.example"])) == "hostNotAllowed")
        #expect(peer.log.isEmpty)
        let far = try #require(AESGCMLink(to: "https://h.example/a", nonce: Self.nonce, key: Self.key))
        let policy = HostPolicy(configured: [], allowsHTTP: true)
        #expect(try policy.url(of: far).description == "https://h.example/a", "never http over a network")
    }

    @Test func `on this machine the settings tell whether it is https`() throws {
        let link = try #require(AESGCMLink(to: "http://localhost:8443/a", nonce: Self.nonce, key: Self.key))
        func url(_ servers: String...) throws -> String {
            try HostPolicy(configured: servers.compactMap { HostPattern($0) }).url(of: link).description
        }
        #expect(try url() == "http://localhost:8443/a")
        #expect(try url("localhost:8443") == "http://localhost:8443/a")
        #expect(try url("https://127.0.0.1:8443") == "https://localhost:8443/a")
        #expect(try url("https://127.0.0.1:8443", "localhost:8443") == "http://localhost:8443/a")
    }

    // MARK: Sending

    /// A slot at a server, as a bot writes it down.
    private func slot(_ server: String, _ more: String = "") throws -> ChatSlot {
        try ChatSlot(parsing: Array(#"{"put":"\#(server)/a/n.bin?v=1","get":"\#(server)/a/n.bin"\#(more)}"#.utf8))
    }

    private func send(_ slot: ChatSlot, _ values: [SettingKey: String]) throws -> AESGCMLink {
        try stage.client(values).send(try stage.file(bytes), to: slot, options: SendOptions())
    }

    @Test func `a file goes to its slot once, with the fields of the slot alone, and its link opens it`() throws {
        let peer = try Peer(script: "slots.py")
        let headers = #","headers":{"AUTHORIZATION":"Bearer\n a","Cookie":"b\r\n=1","Host":"evil.example","X-A":"1"}"#
        let link = try send(try slot(peer.url, headers), [.servers: peer.url, .ticket: "a.b.c"])
        #expect(peer.log.count == 1)
        let request = try #require(JSONMembers(Array(peer.log[0].utf8)))
        let fields = try #require(request.texts("fields"))
        #expect(request.text("method") == "PUT" && request.text("path") == "/a/n.bin?v=1")
        #expect(fields["content-length"] == "700016" && fields["content-type"] == "application/octet-stream")
        #expect(fields["authorization"] == "Bearer a" && fields["cookie"] == "b=1" && fields["x-a"] == nil)
        #expect(fields["host"]?.hasPrefix("127.0.0.1") == true)
        // What is asked for is what comes: `v` and the like count for the upload alone.
        let stored = try #require(AESGCMLink(to: "\(peer.url)/a/n.bin?v=1", nonce: link.nonce, key: link.key))
        let path = try #require(try open(stored, [.servers: peer.url]))
        #expect(try TestSupport.bytes(ofFile: path) == bytes)
    }

    @Test func `each file has a key and a nonce of its own`() throws {
        let peer = try Peer(script: "slots.py")
        let links = try (0..<2).map { _ in try send(try slot(peer.url), [.servers: peer.url]) }
        #expect(links[0].key != links[1].key && links[0].nonce != links[1].nonce)
        #expect(links.allSatisfy { $0.nonce.count == 12 })
    }

    @Test func `the size that a slot is asked for is what is sent`() throws {
        let client = try stage.client()
        #expect(try client.slotSize(of: try stage.file(bytes), options: SendOptions()) == 700_016)
        #expect(try client.slotSize(of: try stage.file([]), options: SendOptions()) == 16)
        let peer = try Peer(script: "slots.py")
        _ = try stage.client([.servers: peer.url]).send(
            try stage.file([]), to: try slot(peer.url), options: SendOptions())
        #expect(peer.log[0].contains("\"content-length\": \"16\""))
    }

    /// Answers to the upload, the error, and a part of its sentence.
    @Test(
        arguments: [
            ("status:413", "slotRefused", "exactly this size"),
            ("status:403", "slotRefused", "another size than 700016"),
            ("status:409", "slotRefused", "has been used"), ("status:400", "slotRefused", "ask for a new one"),
            ("status:401", "slotRefused", "status 401"), ("status:503", "refused", "status 503"),
            ("status:507", "refused", "status 507"),
            ("redirect:/b", "redirect", "a slot is used where it is"), ("drop", "transfer", "lost the connection"),
        ])
    func `a refusal has its sentence, and is not asked for again`(
        behaviour: String, expected: String, sentence: String
    ) throws {
        let peer = try Peer(["put=\(behaviour)"], script: "slots.py")
        let error = try #require(
            #expect(throws: MediaClientError.self) { try send(try slot(peer.url), [.servers: peer.url]) })
        #expect(name(of: error) == expected, "\(error)")
        #expect("\(error)".contains(sentence), "\(error)")
        #expect(peer.log.count == 1 && stage.waits.all.isEmpty)
    }

    @Test func `a slot leads to public addresses, unless the host is one of the person's own`() throws {
        let peer = try Peer(script: "slots.py")
        let error = #expect(throws: MediaClientError.self) { try send(try slot(peer.url), [:]) }
        #expect(name(of: error) == "transfer" && String(describing: error).contains("not a public address"))
        let plain = Array(#"{"put":"http://h.example/a","get":"https://h.example/a"}"#.utf8)
        let unprotected = #expect(throws: MediaClientError.self) { try send(try ChatSlot(parsing: plain), [:]) }
        #expect(name(of: unprotected) == "unprotected")
        #expect(peer.log.isEmpty)
    }

    @Test(
        arguments: [
            "", "[]", "{}", #"{"put":"https://h.example/a"}"#, #"{"get":"https://h.example/a"}"#,
            #"{"put":"ftp://h.example/a","get":"https://h.example/a"}"#,
            #"{"put":"https://me@h.example/a","get":"https://h.example/a"}"#,
            #"{"put":"https://h.example/a","get":"http://h.example/a"}"#,
            #"{"put":"https://h.example/a","get":"https://h.example/a#b"}"#,
            #"{"put":"https://h.example/a","get":"https://h.example/"}"#,
            #"{"put":"https://h.example/a","put":"https://h.example/b","get":"https://h.example/a"}"#,
            #"{"put":"https://h.example/a","get":"https://h.example/a","headers":[]}"#,
            #"{"put":"https://h.example/a","get":"https://h.example/a","headers":{"Cookie":1}}"#,
            #"{"put":"https://h.example/a","get":"https://h.example/a","headers":{"Cookie":"a\u0000b"}}"#,
            #"{"put":"https://h.example/a","get":"https://h.example/a","headers":{"Cookie":"ü"}}"#,
            #"{"put":"https://h.example/a","get":"https://h.example/a","headers":{"Cookie":"\n"}}"#,
            #"{"put":"https://h.example/a","get":"https://h.example/a","headers":{"Cookie":"a","cookie":"b"}}"#,
            #"{"put":"https://h.example/a","get":"https://h.example/a","type":"a\nb"}"#,
        ])
    func `what is no slot is refused before anything is asked`(text: String) {
        let error = #expect(throws: MediaClientError.self) { try ChatSlot(parsing: Array(text.utf8)) }
        #expect(name(of: error) == "slot")
    }

    @Test func `a slot shows what admits to it to nobody who only describes it`() throws {
        let slot = try slot("https://h.example", #","headers":{"Authorization":"hidden"}"#)
        var dumped = ""
        dump(slot, to: &dumped)
        for text in ["\(slot)", String(reflecting: slot), dumped] {
            #expect(!text.contains("hidden") && !text.contains("v=1"))
        }
    }

    // MARK: TLS

    @Test(
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"), "openssl makes the certificate"))
    func `by https both ways, where the certificate is trusted`() throws {
        let (certificate, key) = (stage.folder.path("certificate.pem"), stage.folder.path("key.pem"))
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
        ]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let peer = try Peer(["tls=\(certificate),\(key)"], script: "slots.py")
        let server = "https://127.0.0.1:\(peer.port)"
        let slot = try ChatSlot(parsing: Array(#"{"put":"\#(server)/n.bin","get":"\#(server)/n.bin"}"#.utf8))
        let error = #expect(throws: MediaClientError.self) { try send(slot, [.servers: server]) }
        #expect(name(of: error) == "transfer" && String(describing: error).contains("trusted connection"))
        let values: [SettingKey: String] = [.servers: server, .certificateFile: certificate]
        let link = try send(slot, values)
        #expect(link.text.hasPrefix("aesgcm://127.0.0.1:\(peer.port)/n.bin#"))
        let path = try #require(try open(link, values))
        #expect(try TestSupport.bytes(ofFile: path) == bytes)
    }
}
