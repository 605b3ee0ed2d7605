import Blobs
import Files
import MediaClient
import MediaMessage
import TestSupport
import Testing
import Transfer

@Suite("A file goes out", .enabled(if: Peer.isAvailable, "python3 plays the server"))
struct SendTests {
    private let stage: JourneyStage
    private let bytes = noise(200_000)

    init() throws { stage = try JourneyStage() }

    private func send(to peer: Peer, _ values: [SettingKey: String] = [:]) throws -> MediaMessage {
        let client = try stage.client(values.merging([.server: peer.url]) { given, _ in given })
        let options = SendOptions(name: "notes.bin", caption: "Hello")
        return try #require(try client.send(try stage.file(bytes), options: options).messages.first)
    }

    /// What was asked, in order.
    private func names(_ peer: Peer) -> [String] {
        peer.log.map { String($0.split(separator: "\"")[3]) }
    }

    @Test("The server is asked first, then sent the blob, and the message opens it")
    func wholeJourney() throws {
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

    @Test("Key, secrets, name and caption are in no request; the log has the secrets but never the key")
    func secrecy() throws {
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

    @Test("Lifetime, recipients and ticket go as fields")
    func terms() throws {
        let peer = try stage.peers.start()
        _ = try send(to: peer, [.lifetime: "2h", .recipients: "3", .ticket: "a.b.c"])
        for line in peer.log {
            #expect(line.contains("\"satchel-lifetime\": \"7200\"") && line.contains("\"satchel-recipients\": \"3\""))
            #expect(line.contains("\"authorization\": \"Bearer a.b.c\""))
        }
    }

    @Test("After a lost answer the lease is asked for, and nothing is sent twice")
    func lostAnswer() throws {
        let peer = try stage.peers.start("put=lost")
        let message = try send(to: peer)
        #expect(names(peer) == ["check", "put", "lease"])
        #expect(message.url?.description == "\(peer.url)/\(message.address.hex)")
    }

    @Test("A lost answer to the last attempt is no failure if the lease is there")
    func lostLastAnswer() throws {
        let peer = try stage.peers.start("put=lost")
        _ = try send(to: peer, [.attempts: "1"])
        #expect(names(peer) == ["check", "put", "lease"])
    }

    @Test("An upload that broke on the way is made again, in a way that can be resumed where there is one")
    func brokenUpload() throws {
        let peer = try stage.peers.start("put=half")
        _ = try send(to: peer)
        #expect(names(peer) == ["check", "put", "lease", "create", "append", "lease"])
        let old = try stage.peers.start("put=half", "create=missing")
        _ = try send(to: old)
        #expect(names(old) == ["check", "put", "lease", "create", "check", "put"])
    }

    @Test("A busy server is waited for as long as it asks")
    func busy() throws {
        let peer = try stage.peers.start("put=busy:7", "check=busy:3")
        _ = try send(to: peer)
        #expect(stage.waits.all == [3007, 7007])
    }

    @Test("A server that asks for too long a wait is not waited for")
    func tooBusy() throws {
        let peer = try stage.peers.start("check=busy:4000")
        let error = #expect(throws: MediaClientError.self) { try send(to: peer) }
        guard case .refused(let refusal, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(refusal.retryAfterSeconds == 4000)
        #expect(stage.waits.all.isEmpty)
    }

    @Test(
        "A refusal before the upload sends no byte of it, and says why",
        arguments: [
            ("ticket-missing/401", "ticket"), ("ticket-invalid/401", "ticket"), ("too-large/413", "too large"),
            ("not-sealed/415", "sealed"), ("lifetime-too-long/400", "lifetime"), ("quota/403", "quota"),
            ("disk-full/507", "disk"),
        ])
    func refusals(answer: String, word: String) throws {
        let peer = try stage.peers.start("check=status:\(answer)")
        let error = #expect(throws: MediaClientError.self) { try send(to: peer) }
        #expect(error.map { "\($0)".contains(word) } == true)
        #expect(names(peer) == ["check"])
    }

    @Test("Answers that are no answers are errors", arguments: ["other", "html", "redirect:/elsewhere"])
    func wrongAnswers(behaviour: String) throws {
        let peer = try stage.peers.start("put=\(behaviour)")
        #expect(throws: MediaClientError.self) { try send(to: peer) }
        #expect(names(peer) == ["check", "put"])
    }

    @Test("A dead server is tried as often as was said, and no more")
    func deadServer() throws {
        let port = try Peer().port
        #expect(throws: MediaClientError.self) {
            try stage.client([.server: "http://127.0.0.1:\(port)"]).send(
                try stage.file(bytes), options: SendOptions())
        }
        #expect(stage.waits.all == [7, 7])
    }

    @Test("Where the state folder cannot be written nothing is sent")
    func noState() throws {
        let peer = try stage.peers.start()
        try write([], toFile: stage.folder.path("state"))
        let error = #expect(throws: MediaClientError.self) { try send(to: peer) }
        guard case .state = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(peer.log.isEmpty)
    }

    @Test("Plain http over a network is refused before anything is done")
    func unprotected() throws {
        let error = #expect(throws: MediaClientError.self) {
            try stage.client([.server: "http://media.example"]).send(try stage.file(bytes), options: SendOptions())
        }
        guard case .unprotected = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("A caption that does not fit is refused before the upload")
    func tooLongCaption() throws {
        let peer = try stage.peers.start()
        #expect(throws: MediaClientError.self) {
            try stage.client([.server: peer.url]).send(
                try stage.file(bytes), options: SendOptions(caption: String(repeating: "é", count: 600)))
        }
        #expect(peer.log.isEmpty)
    }

    @Test("What comes through a pipe is sent as a file would be")
    func pipe() throws {
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
