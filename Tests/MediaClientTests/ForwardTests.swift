import Blobs
import Files
import MediaClient
import MediaMessage
import TestSupport
import Testing
import Transfer

@Suite(.enabled(if: Peer.isAvailable, "python3 plays the server"))
struct ForwardTests {
    private let stage: JourneyStage
    private let bytes = noise(200_000)

    init() throws { stage = try JourneyStage() }

    private func send(to peer: Peer, _ values: [SettingKey: String] = [:], each: Bool = false) throws -> [MediaMessage]
    {
        let client = try stage.client(values.merging([.server: peer.url]) { given, _ in given })
        return try client.send(
            try stage.file(bytes), options: SendOptions(caption: "Hello", hasRecipientSecrets: each)
        ).messages
    }

    private func names(_ peer: Peer) -> [String] { peer.log.map { String($0.split(separator: "\"")[3]) } }

    @Test func `a forward moves no byte: a new lease with fresh secrets, and a message that opens the same blob`()
        throws
    {
        let peer = try stage.peers.start()
        let first = try #require(try send(to: peer).first)
        let client = try stage.client([.server: peer.url, .ticket: "a.b.c", .lifetime: "3h", .recipients: "2"])
        let second = try #require(try client.forward(first, options: ForwardOptions()).messages.first)
        #expect(names(peer) == ["check", "put", "hold"])
        let line = try #require(peer.log.last)
        #expect(line.contains("/\(first.address.hex)/leases\"") && line.contains("Bearer a.b.c"))
        #expect(line.contains("\"satchel-lifetime\": \"10800\"") && line.contains("\"satchel-recipients\": \"2\""))
        let receipt = try #require(second.receipt)
        #expect(receipt.bytes != first.receipt?.bytes && line.contains(receipt.hash.base64url))
        #expect(second.key == first.key && second.media == first.media && second.url == first.url)
        let leases = try client.sentLeases()
        #expect(leases.count == 2 && leases[0].owner.bytes != leases[1].owner.bytes)
        #expect(leases[1].isSent && leases[1].header == leases[0].header)
        for secret in [Base64URL.encode(first.key), receipt.base64url, leases[1].owner.base64url] {
            #expect(!peer.log.joined().contains(secret))
        }
    }

    @Test(arguments: [(nil, "Hello"), ("Bye", "Bye"), ("", nil)] as [(String?, String?)])
    func `the caption goes along, or another one, or none`(given: String?, expected: String?) throws {
        let peer = try stage.peers.start()
        let first = try #require(try send(to: peer).first)
        let second = try stage.client([.server: peer.url]).forward(first, options: ForwardOptions(caption: given))
            .messages.first
        #expect(second?.media.caption == expected)
        let asked = peer.log.count
        let tooLong = ForwardOptions(caption: String(repeating: "é", count: 600))
        #expect(throws: MediaClientError.self) {
            try stage.client([.server: peer.url]).forward(first, options: tooLong)
        }
        #expect(peer.log.count == asked, "better said before than after")
    }

    @Test func `after a lost answer the same lease is asked for again`() throws {
        let peer = try stage.peers.start("hold=lost")
        let first = try #require(try send(to: peer).first)
        _ = try stage.client([.server: peer.url]).forward(first, options: ForwardOptions())
        let owners = peer.log.filter { $0.contains("/leases") }.compactMap {
            $0.firstMatch(of: /satchel-owner": "([^"]+)/)?.1
        }
        #expect(owners.count == 2 && owners[0] == owners[1])
    }

    @Test func `a message that leads elsewhere is forwarded nowhere, and the ticket stays here`() throws {
        let peer = try stage.peers.start()
        let first = try #require(try send(to: peer).first)
        let error = #expect(throws: MediaClientError.self) {
            try stage.client([.server: "https://media.example", .ticket: "a.b.c"]).forward(
                first, options: ForwardOptions())
        }
        guard case .hostNotAllowed = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(!peer.log.joined().contains("a.b.c"))
    }

    @Test func `each recipient gets a secret of their own; the server gets as many hashes`() throws {
        let peer = try stage.peers.start()
        let messages = try send(to: peer, [.recipients: "256"], each: true)
        let secrets = messages.compactMap(\.receipt)
        #expect(messages.count == 256 && Set(secrets.map(\.base64url)).count == 256)
        let hashes = secrets.map(\.hash.base64url).joined(separator: ",")
        #expect(peer.log.allSatisfy { $0.contains("\"satchel-receipt\": \"\(hashes)\"") })
        let leases = try stage.client().sentLeases()
        #expect(leases.count == 1 && leases[0].receipts.map(\.bytes) == secrets.map(\.bytes))
        #expect(LeaseSelector.message(messages[200]).select(from: leases).count == 1)
        for values in [[:], [.recipients: "257"]] as [[SettingKey: String]] {
            #expect(throws: MediaClientError.self) { try send(to: peer, values, each: true) }
        }
    }

    @Test(arguments: ["missing", "gone:expired", "status:damaged/404"])
    func `where the server has lost it, the exact file is sealed again and uploaded, and the old message opens`(
        loss: String
    ) throws {
        let peer = try stage.peers.start()
        let first = try #require(try send(to: peer).first)
        let blob = stage.folder.path("blob")
        let later = try stage.peers.start("hold=\(loss),\(loss)")
        let moved = moved(first, to: later)
        let client = try stage.client([.server: later.url])
        let plain = stage.folder.path("in")
        let error = #expect(throws: MediaClientError.self) { try client.forward(moved, options: ForwardOptions()) }
        #expect(error != nil)
        let second = try #require(
            try client.forward(moved, options: ForwardOptions(plaintextPath: plain)).messages.first)
        #expect(names(later).suffix(2) == ["check", "put"])
        for message in [moved, second] {
            let path = try client.open(message, to: .path(blob), replacing: true, named: []).path
            #expect(try TestSupport.bytes(ofFile: path ?? "") == bytes)
        }
    }

    @Test
    func `before any request a file that differs by one byte is refused, and so is one whose header is not known`()
        throws
    {
        let peer = try stage.peers.start()
        let first = try #require(try send(to: peer).first)
        let later = try stage.peers.start("hold=missing")
        let moved = moved(first, to: later)
        var other = bytes
        other[100_000] ^= 1
        _ = try stage.file(other, named: "other")
        let wrong = ForwardOptions(plaintextPath: stage.folder.path("other"))
        let error = #expect(throws: MediaClientError.self) {
            try stage.client([.server: later.url]).forward(moved, options: wrong)
        }
        #expect(error.map { "\($0)".contains("byte for byte") } == true)
        try Folder.remove(stage.folder.path("state/sent.jsonl"))
        let right = ForwardOptions(plaintextPath: stage.folder.path("in"))
        let missing = #expect(throws: MediaClientError.self) {
            try stage.client([.server: later.url]).forward(moved, options: right)
        }
        guard case .notReproducible = missing else {
            Issue.record("\(String(describing: missing))")
            return
        }
        #expect(later.log.isEmpty)
    }

    /// The same message for a server that has never had the blob.
    private func moved(_ message: MediaMessage, to peer: Peer) -> MediaMessage {
        var message = message
        message.url = BlobURL("\(peer.url)/\(message.address.hex)")
        return message
    }
}
