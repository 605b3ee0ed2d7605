import Blobs
import Files
import MediaClient
import MediaMessage
import TestSupport
import Testing
import Transfer

@Suite(.enabled(if: Peer.isAvailable, "python3 plays the server"))
struct SendTests {
    private let stage: JourneyStage
    private let bytes = noise(200_000)

    init() throws { stage = try JourneyStage() }

    private func send(to peer: Peer, _ values: [SettingKey: String] = [:]) throws -> MediaMessage {
        let client = try stage.client(values.merging([.server: peer.url]) { given, _ in given })
        let options = SendOptions(name: .given("notes.bin"), caption: "Hello")
        return try #require(try client.send(try stage.file(bytes), options: options).messages.first)
    }

    /// What was asked, in order.
    private func names(_ peer: Peer) -> [String] {
        peer.log.map { String($0.split(separator: "\"")[3]) }
    }

    @Test func `the server is asked first, then sent the blob, and the message opens it`() throws {
        let peer = try stage.peers.start()
        let message = try send(to: peer)
        #expect(names(peer) == ["check", "put"])
        #expect(message.expires?.seconds == 4_000_000_000)
        #expect(message.media.name == "notes.bin")
        #expect(stage.heard.contains { $0.contains("is not removed") })
        let path = try stage.client([.server: peer.url]).open(
            message, to: .folder(stage.folder.path("out")), replacing: false, named: []
        ).path
        #expect(path == stage.folder.path("out/notes.bin"))
        #expect(try TestSupport.bytes(ofFile: stage.folder.path("out/notes.bin")) == bytes)
        #expect(try Folder.status(stage.folder.path("out/notes.bin"))?.permissions == 0o600)
        #expect(try Folder.status(stage.folder.path("state/spool")) == nil, "nothing had to be spooled")
    }

    @Test func `key, secrets, name and caption are in no request; the log has the secrets but never the key`() throws {
        let peer = try stage.peers.start()
        let message = try send(to: peer)
        let receipt = try #require(message.receipt)
        let key = Base64URL.encode(message.key)
        let asked = peer.log.joined()
        for secret in [key, receipt.base64url, Hexadecimal.encode(message.key), "notes", "Hello", "octet-stream; "] {
            #expect(!asked.contains(secret))
        }
        #expect(asked.contains(receipt.hash.base64url))
        let log = String(decoding: try TestSupport.bytes(ofFile: stage.folder.path("state/sent.jsonl")), as: UTF8.self)
        #expect(log.split(separator: "\n").count == 2)
        #expect(log.contains(receipt.base64url) && log.contains(message.address.hex))
        #expect(!log.contains(key) && !log.contains("notes"))
        #expect(try Folder.status(stage.folder.path("state/sent.jsonl"))?.permissions == 0o600)
    }

    @Test func `lifetime, recipients and ticket go as fields`() throws {
        let peer = try stage.peers.start()
        _ = try send(to: peer, [.lifetime: "2h", .recipients: "3", .ticket: "a.b.c"])
        for line in peer.log {
            #expect(line.contains("\"satchel-lifetime\": \"7200\"") && line.contains("\"satchel-recipients\": \"3\""))
            #expect(line.contains("\"authorization\": \"Bearer a.b.c\""))
        }
    }

    @Test func `after a lost answer the lease is asked for, and nothing is sent twice`() throws {
        let peer = try stage.peers.start("put=lost")
        let message = try send(to: peer)
        #expect(names(peer) == ["check", "put", "lease"])
        #expect(message.url?.description == "\(peer.url)/\(message.address.hex)")
    }

    @Test func `a lost answer to the last attempt is no failure if the lease is there`() throws {
        let peer = try stage.peers.start("put=lost")
        _ = try send(to: peer, [.attempts: "1"])
        #expect(names(peer) == ["check", "put", "lease"])
    }

    @Test func `an upload that broke on the way is made again, in a way that can be resumed where there is one`() throws
    {
        let peer = try stage.peers.start("put=half")
        _ = try send(to: peer)
        #expect(names(peer) == ["check", "put", "lease", "create", "append", "lease"])
        let old = try stage.peers.start("put=half", "create=missing")
        _ = try send(to: old)
        #expect(names(old) == ["check", "put", "lease", "create", "put"])
    }

    @Test func `a busy server is waited for as long as it asks`() throws {
        let peer = try stage.peers.start("put=busy:7", "check=busy:3")
        _ = try send(to: peer)
        #expect(stage.waits.all == [3007, 7007])
    }

    @Test func `a server that asks for too long a wait is not waited for`() throws {
        let peer = try stage.peers.start("check=busy:4000")
        let error = #expect(throws: MediaClientError.self) { try send(to: peer) }
        guard case .refused(let refusal, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(refusal.retryAfterSeconds == 4000)
        #expect(stage.waits.all.isEmpty)
    }

    @Test
    func `a server that does not answer is asked before anything is sealed, and a large file is not sealed for it`()
        throws
    {
        let peer = try stage.peers.start("check=drop,drop,drop")
        let large = try stage.file([], named: "large")
        try OpenFile(stage.folder.path("large"), .update).truncate(to: 65 << 20)
        let client = try stage.client([.server: peer.url])
        let error = #expect(throws: MediaClientError.self) { try client.send(large, options: SendOptions()) }
        guard case .transfer(.cut) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(stage.steps.isEmpty, "nothing was sealed")
        #expect(try client.outbox().isEmpty && Folder.status(stage.folder.path("state/outbox")) == nil)
        // A small one is sealed all the same, and waits.
        let dead = try stage.peers.start("check=drop,drop,drop")
        #expect(throws: MediaClientError.self) { try send(to: dead) }
        #expect(try names(dead) == ["check", "check", "check"] && client.outbox().count == 1)
    }

    @Test func `a refusal comes before the sealing, whatever the size; who is patient waits for what may pass`() throws
    {
        let peer = try stage.peers.start("check=status:quota/429,status:disk-full/507,status:too-large/413")
        let client = try stage.client([.server: peer.url, .attempts: "1"])
        for _ in 0..<2 {
            #expect(throws: MediaClientError.self) { try client.send(try stage.file(bytes), options: SendOptions()) }
        }
        let patient = SendOptions(untilSent: true)
        #expect(throws: MediaClientError.self) { try client.send(try stage.file(bytes), options: patient) }
        #expect(try stage.steps.isEmpty && client.outbox().isEmpty && names(peer) == ["check", "check", "check"])
        let full = try stage.peers.start("check=status:disk-full/507")
        let second = try stage.client([.server: full.url])
        #expect(try second.send(try stage.file(bytes), options: patient).messages.count == 1)
    }

    @Test func `the size of the sealed file is named, or left open where only reading can tell`() throws {
        let peer = try stage.peers.start()
        let message = try send(to: peer)
        #expect(peer.log[0].contains("\"x-content-length\": \"\(message.size)\""))
        let ends = try PipeEnds()
        try ends.write(Array("a few words".utf8))
        _ = try stage.client([.server: peer.url]).send(ends.readable, options: SendOptions())
        // Before a pipe is read, the server is also asked for more than it takes: how much that is bounds the reading.
        #expect(!peer.log[2].contains("x-content-length"))
        #expect(peer.log[3].contains("\"x-content-length\": \"9007199254740991\""))
        #expect(names(peer) == ["check", "put", "check", "check", "put"])
    }

    @Test(arguments: ["/proc/version", "/proc/self/status"])
    func `a file that claims to be empty is sent as reading gives it`(path: String) throws {
        let peer = try stage.peers.start()
        let client = try stage.client([.server: peer.url])
        let message = try #require(
            try client.send(OpenFile(path, .read), options: SendOptions(name: .given("it"))).messages.first)
        let opened = try client.open(message, to: .folder(stage.folder.path("out")), replacing: false, named: [])
        let arrived = try TestSupport.bytes(ofFile: try #require(opened.path))
        #expect(!arrived.isEmpty && Int64(arrived.count) == message.media.size)
        if path == "/proc/version" { #expect(arrived == (try OpenFile(path, .read).contents(limitBytes: 4096))) }
    }

    @Test func `what was read of a file before is not sent again`() throws {
        let peer = try stage.peers.start()
        let file = try stage.file(Array("first line\nthe rest".utf8))
        try file.seek(to: 11)
        let client = try stage.client([.server: peer.url])
        let message = try #require(try client.send(file, options: SendOptions(name: .given("rest"))).messages.first)
        let opened = try client.open(message, to: .folder(stage.folder.path("out")), replacing: false, named: [])
        #expect(try TestSupport.bytes(ofFile: try #require(opened.path)) == Array("the rest".utf8))
    }

    @Test func `a server cannot send the recipients elsewhere, except where the sender agrees`() throws {
        let peer = try stage.peers.start("put=elsewhere", "lease=ok")
        let error = #expect(throws: MediaClientError.self) { try send(to: peer) }
        #expect(error.map { "\($0)".contains("elsewhere.example") } == true)
        let agreed = try stage.peers.start("put=elsewhere")
        let message = try send(to: agreed, [.servers: "elsewhere.example"])
        #expect(message.url?.host == "elsewhere.example")
    }

    @Test func `a redirect of an upload names its target, without what may be secret in it`() throws {
        let peer = try stage.peers.start("check=redirect:https://media.example/upload?token=secret")
        let error = #expect(throws: MediaClientError.self) { try send(to: peer) }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains("to https://media.example/upload:") && !text.contains("secret"), "\(text)")
    }

    @Test func `a wild expiry is left out of the message`() throws {
        let peer = try stage.peers.start("put=wild", "hold=wild")
        let message = try send(to: peer)
        #expect(message.expires == nil && (try? message.encoded()) != nil)
        let client = try stage.client([.server: peer.url])
        #expect(try client.forward(message, options: ForwardOptions()).messages.first?.expires == nil)
    }

    @Test(arguments: [
        ("ticket-missing/401", "ticket"), ("ticket-invalid/401", "ticket"), ("too-large/413", "too large"),
        ("not-sealed/415", "sealed"), ("lifetime-too-long/400", "lifetime"), ("quota/403", "quota"),
        ("disk-full/507", "disk"), ("not-found/404", "no Satchel server"),
    ])
    func `a refusal before the upload sends no byte of it, and says why`(answer: String, word: String) throws {
        let peer = try stage.peers.start("check=status:\(answer)")
        let error = #expect(throws: MediaClientError.self) { try send(to: peer) }
        #expect(error.map { "\($0)".contains(word) } == true)
        #expect(names(peer) == ["check"])
    }

    @Test(arguments: ["other", "html", "redirect:/elsewhere"])
    func `answers that are no answers are errors`(behaviour: String) throws {
        let peer = try stage.peers.start("put=\(behaviour)")
        #expect(throws: MediaClientError.self) { try send(to: peer) }
        #expect(names(peer) == ["check", "put"])
    }

    @Test func `a dead server is tried as often as was said, and no more`() throws {
        let port = try Peer().port
        #expect(throws: MediaClientError.self) {
            try stage.client([.server: "http://127.0.0.1:\(port)"]).send(
                try stage.file(bytes), options: SendOptions())
        }
        #expect(stage.waits.all == [7, 7])
    }

    @Test func `where the state folder cannot be written nothing is sent`() throws {
        let peer = try stage.peers.start()
        try write([], toFile: stage.folder.path("state"))
        let error = #expect(throws: MediaClientError.self) { try send(to: peer) }
        guard case .state = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(names(peer) == ["check"])
    }

    @Test func `plain http over a network is refused before anything is done`() throws {
        let error = #expect(throws: MediaClientError.self) {
            try stage.client([.server: "http://media.example"]).send(try stage.file(bytes), options: SendOptions())
        }
        guard case .unprotected = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a caption that does not fit is refused before the upload`() throws {
        let peer = try stage.peers.start()
        #expect(throws: MediaClientError.self) {
            try stage.client([.server: peer.url]).send(
                try stage.file(bytes), options: SendOptions(caption: String(repeating: "é", count: 600)))
        }
        #expect(names(peer) == ["check"])
    }

    @Test func `what comes through a pipe is sent as a file would be`() throws {
        let peer = try stage.peers.start()
        let ends = try PipeEnds()
        try ends.write(Array("a few words".utf8))
        let message = try #require(
            try stage.client([.server: peer.url]).send(ends.readable, options: SendOptions()).messages.first)
        #expect(message.media.size == 11)
        #expect(message.media.type == "text/plain")
        #expect(message.media.name == nil)
    }
}
