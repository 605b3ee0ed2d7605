import Blobs
import Files
import MediaClient
import MediaMessage
import TestSupport
import Testing
import Transfer

@testable import Sealing

/// What a client does about wrong bytes.
@Suite(.enabled(if: Peer.isAvailable, "python3 plays the server"))
struct RereadTests {
    private let stage: JourneyStage
    private let bytes = noise(700_000)

    init() throws { stage = try JourneyStage() }

    /// A peer that has the blob and behaves as it is told, and a message that leads there and to a mirror beside it.
    private func start(
        _ behaviours: String, _ bytes: [UInt8]? = nil
    ) throws -> (peer: Peer, message: MediaMessage) {
        var (blob, message) = try stage.sealed(bytes ?? self.bytes)
        let peer = try stage.peers.start("file=\(blob)", "blob=\(behaviours)")
        message.url = BlobURL("\(peer.url)/\(message.address.hex)")
        message.mirrors = [try #require(BlobURL("\(peer.url)/mirror/\(message.address.hex)"))]
        return (peer, message)
    }

    private func open(_ message: MediaMessage, _ peer: Peer) throws -> String? {
        try stage.client([.server: peer.url]).open(
            message, to: .folder(stage.folder.path("out")), replacing: false, named: []
        ).path
    }

    /// What was said about opening.
    private var heard: [String] { stage.heard.filter { !$0.contains("sent as it is") } }

    /// What each request asked for: whether at the mirror, which bytes, whether again.
    private func asked(_ peer: Peer) -> [String] {
        peer.log.map { line in
            let range = line.firstMatch(of: /"range": "([^"]+)"/).map { " \($0.1)" } ?? ""
            return (line.contains("/mirror/") ? "mirror" : "first") + range
                + (line.contains("\"satchel-reread\": \"1\"") ? " again" : "")
        }
    }

    @Test(arguments: [
        ("wrong:1000", ["bytes=64-65615"]), ("wrong:65616", ["bytes=65616-131167"]),
        ("wrong:64+200000", ["bytes=64-262271"]),
        // The last chunk goes to the end.
        ("wrong:700000", ["bytes=655584-"]),
        // Behind the header nothing can be verified before it is right.
        ("wrong:0", ["bytes=0-63"]), ("wrong:40+200000", ["bytes=0-63", "bytes=196720-262271"]),
    ])
    func `the place is asked once more, for the wrong bytes alone`(behaviour: String, ranges: [String]) throws {
        let (peer, message) = try start(behaviour)
        let path = try #require(try open(message, peer))
        #expect(try TestSupport.bytes(ofFile: path) == bytes)
        #expect(asked(peer) == ["first"] + ranges.map { "first \($0) again" })
        #expect(heard.isEmpty && stage.waits.all.isEmpty)
    }

    @Test func `if they are wrong again the next place is asked for them, and for no others`() throws {
        let (peer, message) = try start("wrong:1000,wrong:1000")
        let path = try #require(try open(message, peer))
        #expect(try TestSupport.bytes(ofFile: path) == bytes)
        #expect(asked(peer) == ["first", "first bytes=64-65615 again", "mirror bytes=64-65615"])
        #expect(heard.contains { $0.contains("is not the file of this message") })
    }

    @Test func `of what the second place gives wrong it is asked once more as well`() throws {
        let (peer, message) = try start("wrong:1000,wrong:1000,wrong:1000")
        #expect(try open(message, peer) != nil)
        #expect(asked(peer).last == "mirror bytes=64-65615 again" && peer.log.count == 4)
    }

    @Test func `where nobody has them right there is no file, and nobody is asked a third time`() throws {
        let (peer, message) = try start(Array(repeating: "wrong:1000", count: 9).joined(separator: ","))
        let error = #expect(throws: MediaClientError.self) { try open(message, peer) }
        guard case .wrongDigest = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(peer.log.count == 4)
        #expect(try stage.outNames.isEmpty)
        #expect(try Folder.names(in: stage.folder.path("state/partial")).isEmpty)
    }

    @Test func `a connection that breaks on the way to them is continued where it broke`() throws {
        let (peer, message) = try start("wrong:64+200000,cut:70000")
        #expect(try open(message, peer) != nil)
        #expect(asked(peer).suffix(2) == ["first bytes=64-262271 again", "first bytes=196720-262271 again"])
    }

    @Test func `a server that sends the whole instead is taken at its word`() throws {
        let (peer, message) = try start("wrong:1000,whole")
        let path = try #require(try open(message, peer))
        #expect(try TestSupport.bytes(ofFile: path) == bytes)
        #expect(peer.log.count == 2)
    }

    // MARK: Forgeries: another blob under the same header and key, with valid tags

    /// A peer that has a forgery under the address of the blob, at the message's first place.
    private func forge(rightAfter count: Int) throws -> (peer: Peer, message: MediaMessage) {
        let (blob, first) = try stage.sealed(bytes)
        var message = first
        let right = try TestSupport.bytes(ofFile: blob)
        guard let key = MediaKey(bytes: message.key) else { throw MediaClientError.wrongKey }
        var other = bytes
        other[300_000] ^= 1
        let forgery = try OpenFile(stage.folder.path("forgery"), .create(permissions: 0o600))
        _ = try seal(
            try stage.file(other, named: "other"), into: forgery, key: key, salt: Array(right[8..<32]),
            padding: .eighths, progress: { _ in })
        let peer = try stage.peers.start(
            "file=\(blob)", "forged=\(stage.folder.path("forgery"))",
            "blob=\(Array(repeating: "forged", count: count).joined(separator: ","))")
        message.url = BlobURL("\(peer.url)/\(message.address.hex)")
        message.mirrors = [try #require(BlobURL("\(peer.url)/mirror/\(message.address.hex)"))]
        return (peer, message)
    }

    @Test func `where all tags are right and the digest is not, the whole is asked for again`() throws {
        let (peer, message) = try forge(rightAfter: 1)
        let path = try #require(try open(message, peer))
        #expect(try TestSupport.bytes(ofFile: path) == bytes)
        #expect(asked(peer) == ["first", "first again"])
    }

    @Test func `what an insider left of an indexed blob costs its own chunks, and no other`() throws {
        let large = noise(1_500_000)
        let (peer, message) = try start("ok", large)
        #expect(message.root != nil)
        guard let key = MediaKey(bytes: message.key) else { throw MediaClientError.wrongKey }
        // Another plaintext under the same header, as far as a download might have come: each tag is right.
        let right = try TestSupport.bytes(ofFile: stage.folder.path("blob"))
        var other = large
        other[300_000] ^= 1
        other[400_000] ^= 1
        let forgery = try OpenFile(stage.folder.path("forgery"), .create(permissions: 0o600))
        _ = try seal(
            try stage.file(other, named: "other"), into: forgery, key: key, salt: Array(right[8..<32]),
            padding: .eighths, progress: { _ in })
        try Folder.makeAll(stage.folder.path("state/partial"))
        let part = try TestSupport.bytes(ofFile: stage.folder.path("forgery")).prefix(600_000)
        try write(Array(part), toFile: stage.folder.path("state/partial/\(message.address.hex)"))
        let path = try #require(try open(message, peer))
        #expect(try TestSupport.bytes(ofFile: path) == large)
        let (rest, forged) = (64 + 9 * 65_552, (64 + 4 * 65_552, 64 + 7 * 65_552 - 1))
        #expect(asked(peer) == ["first bytes=\(rest)-", "first bytes=\(forged.0)-\(forged.1) again"])
    }

    @Test(arguments: [
        ("wrong:1000", ["bytes=64-65615"]),
        // With a wrong index nothing is proven.
        ("wrong:1573600", [""]),
    ])
    func `of an indexed blob the wrong bytes are asked for once more`(behaviour: String, ranges: [String]) throws {
        let large = noise(1_500_000)
        let (peer, message) = try start(behaviour, large)
        #expect(message.size == 64 + 1_572_864 + 24 * 48)
        let path = try #require(try open(message, peer))
        #expect(try TestSupport.bytes(ofFile: path) == large)
        #expect(asked(peer) == ["first"] + ranges.map { $0.isEmpty ? "first again" : "first \($0) again" })
        #expect(heard.isEmpty)
    }

    @Test func `after a second forgery the next place begins anew`() throws {
        let (peer, message) = try forge(rightAfter: 2)
        let path = try #require(try open(message, peer))
        #expect(try TestSupport.bytes(ofFile: path) == bytes)
        #expect(asked(peer) == ["first", "first again", "mirror"])
    }
}
