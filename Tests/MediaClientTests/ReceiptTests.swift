import Blobs
import Files
import Foundation
import MediaMessage
import TestSupport
import Testing
import Transfer

@testable import MediaClient

@Suite(.enabled(if: Peer.isAvailable, "python3 plays the server"))
struct ReceiptTests {
    private let stage: JourneyStage
    private let bytes = noise(5000)

    init() throws { stage = try JourneyStage() }

    private func start(_ behaviours: String...) throws -> (peer: Peer, message: MediaMessage) {
        var (blob, message) = try stage.sealed(bytes)
        let peer = try Peer(["file=\(blob)"] + behaviours)
        message.url = BlobURL("\(peer.url)/\(message.address.hex).jpg")
        message.receipt = .random()
        return (peer, message)
    }

    /// Opens the message as the command does, and reports.
    private func open(
        _ message: MediaMessage, _ values: [SettingKey: String], named: [HostPattern] = []
    ) throws -> OpenedFile {
        let client = try stage.client(values)
        let opened = try client.open(
            message, to: .folder(stage.folder.path("out")), replacing: true, named: named)
        if let receipt = opened.receipt { client.report(receipt) }
        return opened
    }

    /// A receipt for a blob that nobody has.
    private func receipt(
        at server: String, _ at: Timestamp, requiresPublicAddress: Bool = false
    ) throws -> DeliveryReceipt {
        let address = try #require(BlobAddress(hex: String(repeating: "ab", count: 32)))
        return DeliveryReceipt(
            place: try #require(WebURL("\(server)/\(address.hex)")), address: address, secret: .random(),
            requiresPublicAddress: requiresPublicAddress, at: at)
    }

    private func receipts(_ peer: Peer) -> [String] { peer.log.filter { $0.contains("\"name\": \"receipt\"") } }
    private var waiting: [WaitingReceipt] {
        get throws { try StateFolder(path: stage.folder.path("state")).receipts.entries() }
    }

    /// A vector of `Peer/recipient_names.py`.
    private struct NameVector: Decodable {
        let person: String
        let address: String
        let receipt: String
        let name: String

        /// The name that we give.
        var ours: String? {
            guard let person = Hexadecimal.decode(person).flatMap({ Secret(bytes: $0) }),
                let address = BlobAddress(hex: address),
                let receipt = Hexadecimal.decode(receipt).flatMap({ Secret(bytes: $0) })
            else { return nil }
            return Recipient(person: person, address: address, receipt: receipt).base64url
        }
    }

    @Test func `the name of a recipient is what the format says: vectors of another implementation`() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let file = try Data(contentsOf: folder.appending(path: "Vectors/recipient-names-v2.json"))
        let vectors = try JSONDecoder().decode([NameVector].self, from: file)
        #expect(vectors.map(\.ours) == vectors.map(\.name))
        #expect(Set(vectors.map(\.name)).count == 6, "another blob, another receipt secret, another person")
    }

    @Test func `opening says delivered once the file is there, with the receipt secret, and without a ticket`() throws {
        let (peer, message) = try start()
        let secret = try #require(message.receipt)
        #expect(try open(message, [.server: peer.url, .ticket: "a.b.c"]).path != nil)
        let person = try StateFolder(path: stage.folder.path("state")).person.read()
        let line = try #require(receipts(peer).first)
        let name = Recipient(person: person, address: message.address, receipt: secret).base64url
        #expect(line.contains("\"/\(message.address.hex)/receipts/\(name)\""))
        #expect(
            line.contains("\"satchel-secret\": \"\(secret.base64url)\"") && line.contains("\"content-length\": \"0\""))
        #expect(!peer.log.joined().contains("a.b.c") && !peer.log.joined().contains(person.base64url))
        #expect(try waiting.isEmpty)
    }

    @Test func `the same person is the same recipient every time; another person is another`() throws {
        let (peer, message) = try start()
        for _ in 0..<2 { _ = try open(message, [.server: peer.url]) }
        let path = stage.folder.path("state/person")
        #expect(try Folder.status(path)?.permissions == 0o600)
        try Folder.remove(path)
        _ = try open(message, [.server: peer.url])
        let names = receipts(peer).map { $0.split(separator: "\"")[7] }
        #expect(names.count == 3 && names[0] == names[1] && names[1] != names[2])
    }

    @Test func `nothing is said where nobody asked, where it is forbidden, and where the file did not arrive`() throws {
        let (peer, message) = try start("blob=ok,ok,missing")
        var unasked = message
        unasked.receipt = nil
        #expect(try open(unasked, [.server: peer.url]).receipt == nil)
        #expect(try open(message, [.server: peer.url, .receipt: "no"]).receipt == nil)
        #expect(throws: MediaClientError.self) { try open(message, [.server: peer.url]) }
        #expect(receipts(peer).isEmpty)
        #expect(try waiting.isEmpty)
    }

    @Test(arguments: ["busy:1", "status:rate/429", "redirect:/elsewhere", "html", "portal", "status:unavailable/503"])
    func
        `a server that is not up to it is sent later: the receipt waits, and goes out when the server is reached again`(
            behaviour: String
        ) throws
    {
        let (peer, message) = try start("receipt=\(behaviour)")
        #expect(try open(message, [.server: peer.url]).path != nil)
        #expect(stage.heard.contains { $0.contains("sent later") })
        #expect(stage.waits.all.isEmpty, "the person does not wait for it")
        let entry = try #require(try waiting.first)
        #expect(try Folder.status(entry.path)?.permissions == 0o600)
        #expect(try stage.client([.server: peer.url]).sendWaitingReceipts().delivered == 1)
        #expect(receipts(peer).count == 2)
        #expect(try waiting.isEmpty)
    }

    @Test(arguments: ["403", "404", "410", "400", "405"])
    func `what the server will never take is dropped`(status: String) throws {
        let (peer, message) = try start("receipt=status:wrong-secret/\(status)")
        _ = try open(message, [.server: peer.url])
        #expect(try waiting.isEmpty)
        #expect(receipts(peer).count == 1)
    }

    @Test(arguments: [(60, 1), (61, 0)]
    )
    func `a receipt that has waited for over two months is dropped after one more attempt`(days: Int64, left: Int)
        throws
    {
        let queue = StateFolder(path: stage.folder.path("state")).receipts
        let receipt = try receipt(at: "http://127.0.0.1:1", Timestamp(seconds: 1_700_000_000 - days * 86_400))
        #expect(try queue.add(receipt))
        let tally = try stage.client().sendWaitingReceipts()
        #expect(tally.waiting == left && tally.dropped == 1 - left)
        #expect(try waiting.count == left)
    }

    @Test func `a host that was allowed for one message is told at a public address only, even later`() throws {
        let receipt = try receipt(
            at: "http://127.0.0.1:9", Timestamp(seconds: 1_700_000_000), requiresPublicAddress: true)
        let client = try stage.client([.server: "http://127.0.0.1:9"])
        client.report(receipt)
        #expect(try waiting.first?.receipt.requiresPublicAddress == true)
        #expect(try client.sendWaitingReceipts().reason?.contains("not a public address") == true)
    }

    @Test func `the message's own server is told, not the mirror; where that is nowhere we go, nobody is`() throws {
        let (peer, first) = try start()
        var message = first
        message.url = BlobURL("https://media.example/\(message.address.hex)")
        message.mirrors = [try #require(BlobURL("\(peer.url)/\(message.address.hex)"))]
        #expect(try open(message, [.server: peer.url]).path != nil)
        #expect(receipts(peer).isEmpty)
        #expect(try waiting.isEmpty)
    }

    @Test func `the person is asked about a host once, for the file and the receipt together`() throws {
        let address = String(repeating: "ab", count: 32)
        var count = 0
        let gate = HostGate(HostPolicy(configured: [])) { _ in
            count += 1
            return true
        }
        for path in ["/", "/files/"] {
            let url = try #require(WebURL("https://media.example\(path)\(address)"))
            #expect(try gate.permit(url).requiresPublicAddress)
        }
        #expect(count == 1)
    }

    @Test func `one server that is away keeps no receipt from another`() throws {
        let (peer, message) = try start("receipt=busy,ok,ok")
        _ = try open(message, [.server: peer.url])
        let queue = StateFolder(path: stage.folder.path("state")).receipts
        for _ in 0..<2 {
            #expect(try queue.add(try receipt(at: "http://127.0.0.1:1", Timestamp(seconds: 1_700_000_001))))
        }
        let tally = try stage.client([.server: peer.url]).sendWaitingReceipts()
        #expect(tally.delivered == 1 && tally.waiting == 2 && tally.dropped == 0)
        #expect(tally.reason != nil)
    }

    @Test(arguments: [
        "", "{}", #"{"v":1,"at":1,"place":"https://h/x","secret":"AAAAAAAAAAAAAAAAAAAAAA","addresses":"any"}"#,
    ])
    func `a file in the queue that is no receipt is left aside`(content: String) throws {
        let queue = StateFolder(path: stage.folder.path("state")).receipts
        try Folder.makeAll(queue.folder)
        try write(Array(content.utf8), toFile: "\(queue.folder)/odd.json")
        #expect(try queue.entries().isEmpty)
    }

    @Test(arguments: [true, false])
    func `a secret of the person's that others can read, or that is none, is not used`(isReadable: Bool) throws {
        let person = PersonSecret(path: stage.folder.path("person"))
        try write(Array((isReadable ? "\(Secret.random().base64url)\n" : "hello").utf8), toFile: person.path)
        if isReadable { try makeReadableByOthers(person.path) }
        #expect(throws: MediaClientError.self) { try person.read() }
    }
}
