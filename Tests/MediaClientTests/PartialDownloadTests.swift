import Blobs
import Files
import MediaMessage
import TestSupport
import Testing

@testable import MediaClient

@Suite(.enabled(if: Peer.isAvailable, "python3 plays the server"))
struct PartialDownloadTests {
    private let stage: JourneyStage
    private let bytes = noise(700_000)

    init() throws { stage = try JourneyStage() }

    /// A message at a peer that cuts after so many bytes, and gives up trying at once.
    private func start(_ behaviour: String) throws -> (peer: Peer, message: MediaMessage) {
        var (blob, message) = try stage.sealed(bytes)
        let peer = try stage.peers.start("file=\(blob)", "blob=\(behaviour)")
        message.url = BlobURL("\(peer.url)/\(message.address.hex)")
        return (peer, message)
    }

    private func open(_ message: MediaMessage, _ peer: Peer) throws -> String? {
        let client = try stage.client([.server: peer.url, .attempts: "1"])
        return try client.open(message, to: .folder(stage.folder.path("out")), replacing: false, named: []).path
    }

    private func partial(_ message: MediaMessage) -> String {
        stage.folder.path("state/partial/\(message.address.hex)")
    }

    @Test func `the next program asks for the rest only, and leaves nothing behind when it is done`() throws {
        let (peer, message) = try start("cut:300000")
        #expect(throws: MediaClientError.self) { try open(message, peer) }
        #expect(try Folder.status(partial(message))?.permissions == 0o600)
        let path = try #require(try open(message, peer))
        #expect(try TestSupport.bytes(ofFile: path) == bytes)
        #expect(peer.log[1].contains("bytes=\(64 + 300_000 / 65_552 * 65_552)-"))
        #expect(try Folder.names(in: stage.folder.path("state/partial")).isEmpty)
        #expect(try stage.outNames == ["notes.bin"])
    }

    @Test func `of a part that was damaged meanwhile only the good chunks are kept`() throws {
        let (peer, message) = try start("cut:300000")
        #expect(throws: MediaClientError.self) { try open(message, peer) }
        var part = try TestSupport.bytes(ofFile: partial(message))
        part[100_000] ^= 1
        try write(part, toFile: partial(message))
        let path = try #require(try open(message, peer))
        #expect(try TestSupport.bytes(ofFile: path) == bytes)
        #expect(peer.log[1].contains("bytes=\(64 + 65_552)-"))
    }

    @Test func `what another file left under this name is not believed`() throws {
        let (peer, message) = try start("ok")
        try Folder.makeAll(stage.folder.path("state/partial"))
        try write(noise(400_000), toFile: partial(message))
        let path = try #require(try open(message, peer))
        #expect(try TestSupport.bytes(ofFile: path) == bytes)
        #expect(peer.log.count == 1 && !peer.log[0].contains("bytes="))
    }

    @Test func `a part that is whole needs no server`() throws {
        let (peer, message) = try start("drop")
        try Folder.makeAll(stage.folder.path("state/partial"))
        try write(try TestSupport.bytes(ofFile: stage.folder.path("blob")), toFile: partial(message))
        #expect(try open(message, peer) != nil && peer.log.isEmpty)
    }

    @Test func `while another process fills it, an open has a file of its own`() throws {
        let (peer, message) = try start("ok")
        let partials = PartialDownloads(folder: stage.folder.path("state/partial"))
        let held = try partials.file(for: message.address)
        #expect(try open(message, peer) != nil)
        withExtendedLifetime(held) {}
    }

    @Test(arguments: [("gone:revoked", false), ("missing", true)])
    func `of a blob that is gone nothing is kept; of one that is not found now, what has come`(
        behaviour: String, isKept: Bool
    ) throws {
        let (peer, message) = try start("cut:300000,\(behaviour)")
        #expect(throws: MediaClientError.self) { try open(message, peer) }
        #expect(try Folder.status(partial(message)) != nil)
        #expect(throws: MediaClientError.self) { try open(message, peer) }
        #expect(try (Folder.status(partial(message)) != nil) == isKept)
    }

    @Test func `parts are kept for a while, and not without number`() throws {
        let partials = PartialDownloads(folder: stage.folder.path("partial"))
        try Folder.makeAll(partials.folder)
        for index in 0..<12 { try write([1], toFile: "\(partials.folder)/\(index)") }
        let now = Timestamp(seconds: try #require(try Folder.status("\(partials.folder)/0")).modifiedSeconds + 1)
        try partials.prune(now: now)
        #expect(try Folder.names(in: partials.folder).count == PartialDownloads.limit)
        try partials.prune(now: Timestamp(seconds: now.seconds + PartialDownloads.longestSeconds))
        #expect(try Folder.names(in: partials.folder).isEmpty)
    }
}
