import Blobs
import Files
import MediaMessage
import TestSupport
import Testing
import Transfer

@testable import MediaClient

/// Other places of a blob: from a server's answer into the message.
@Suite(.enabled(if: Peer.isAvailable, "python3 plays the server"))
struct MirrorTests {
    private let stage: JourneyStage
    private let bytes = noise(200_000)

    init() throws { stage = try JourneyStage() }

    private func client(_ peer: Peer, _ values: [SettingKey: String] = [:]) throws -> MediaClient {
        let servers = "\(peer.url), https://near.example, plain.example:81"
        return try stage.client([.server: peer.url, .servers: servers].merging(values) { $1 })
    }

    private func sent(_ client: MediaClient, _ options: SendOptions = SendOptions()) throws -> [MediaMessage] {
        try client.send(try stage.file(bytes), options: options).messages
    }

    /// What is said of the mirrors, with the address left out.
    private func mirrors(_ message: MediaMessage?) -> [String]? {
        message?.mirrors.map { $0.description.replacing(message?.address.hex ?? "-", with: "@") }
    }

    @Test(arguments: [
        (["https://near.example/@", "http://plain.example:81/x/@.bin"], 2),
        // Not one of our servers, another port, no blob, another blob, a query.
        (["https://far.example/@"], 0), (["https://near.example:444/@"], 0), (["https://near.example/"], 0),
        (["https://near.example/\(String(repeating: "ab", count: 32))"], 0), (["https://near.example/@?x"], 0),
        // Each once.
        (["https://near.example/@", "https://near.example/@"], 1),
        // Longer than a URL of a message.
        (["https://near.example/\(String(repeating: "a", count: 2000))/@"], 0),
        ([String(repeating: "x", count: 40_000), "https://near.example/@"], 1),
        ((0..<20).map { "https://near.example/\($0)/@" }, 8),
    ])
    func `those at servers of ours are in the message, and others are left out without a word`(
        given: [String], count: Int
    ) throws {
        let peer = try stage.peers.start("mirrors=\(given.joined(separator: ","))")
        let client = try client(peer)
        let message = try #require(try sent(client).first)
        #expect(mirrors(message)?.count == count && mirrors(message)?.allSatisfy { given.contains($0) } == true)
        #expect(!stage.heard.contains { $0.contains("mirror") || $0.contains("example") })
        #expect(try MediaMessage(parsing: message.encoded()) == message)
        let forwarded = try #require(try client.forward(message, options: ForwardOptions()).messages.first)
        #expect(forwarded.mirrors == message.mirrors)
    }

    @Test(arguments: ["put=lost", "append=ok"])
    func `they are learned from the lease where the answer to the upload does not say them`(way: String) throws {
        let peer = try stage.peers.start("mirrors=https://near.example/@", way)
        let client = try client(peer, [.resumableFrom: way == "put=lost" ? "1GiB" : "1"])
        #expect(mirrors(try sent(client).first) == ["https://near.example/@"])
    }

    @Test func `a message of another sender keeps its own behind those of the server`() throws {
        let peer = try stage.peers.start("mirrors=https://near.example/@")
        let client = try client(peer)
        var message = try #require(try sent(client).first)
        let own = try (0..<8).map { try #require(BlobURL("https://far.example/\($0)/\(message.address.hex)")) }
        message.mirrors = own
        let forwarded = try client.forward(message, options: ForwardOptions()).messages.first
        #expect(mirrors(forwarded)?.first == "https://near.example/@")
        #expect(forwarded?.mirrors.dropFirst().elementsEqual(own.prefix(7)) == true)
    }

    @Test func `they take no room from the preview or from anything else`() throws {
        let long = "https://near.example/\(String(repeating: "a", count: 1000))/@"
        let peer = try stage.peers.start("mirrors=\(long),https://near.example/@")
        let client = try client(peer)
        var message = try #require(try sent(client).first)
        #expect(message.mirrors.count == 2)
        message.media.preview = [UInt8](repeating: 7, count: 1536)
        message.media.caption = String(repeating: "c", count: 1024)
        message.mirrors = []
        let forwarded = try #require(try client.forward(message, options: ForwardOptions()).messages.first)
        #expect(mirrors(forwarded) == ["https://near.example/@"])
        #expect(try MediaMessage(parsing: forwarded.encoded()).media.preview?.count == 1536)
    }

    @Test func `the outbox keeps them until the message is printed, for each recipient`() throws {
        let peer = try stage.peers.start("mirrors=https://near.example/@")
        let client = try client(peer, [.recipients: "2"])
        let messages = try sent(client, SendOptions(hasRecipientSecrets: true))
        #expect(messages.map { mirrors($0) } == [["https://near.example/@"], ["https://near.example/@"]])
        let item = try #require(try client.outbox().first)
        #expect(try client.resume(item.record.name, untilSent: false).messages == messages)
    }

    @Test func `what the outbox says of them is read strictly, and keeps no message from being printed`()
        throws
    {
        let peer = try stage.peers.start("mirrors=https://near.example/@")
        let client = try client(peer)
        let message = try #require(try sent(client).first)
        let item = try #require(try client.outbox().first)
        let other = String(repeating: "ab", count: 32)
        let path = stage.folder.path("state/outbox/\(item.record.name)/standing")
        let url = try #require(message.url)
        let listed = [#""https://near.example/\#(other)""#, "5", #""nothing""#].joined(separator: ",")
        try write(Array(#"{"v":1,"url":"\#(url)","mirrors":[\#(listed)]}"#.utf8), toFile: path)
        let again = try #require(try client.resume(item.record.name, untilSent: false).messages.first)
        #expect(again.mirrors.isEmpty && again.url == message.url)
        _ = try again.encoded()
    }
}
