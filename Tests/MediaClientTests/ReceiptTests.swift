import Blobs
import Files
import MediaMessage
import TestSupport
import Testing
import Transfer

@testable import MediaClient

@Suite("Saying delivered", .enabled(if: Peer.isAvailable, "python3 plays the server"))
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

    private func receipts(_ peer: Peer) -> [String] { peer.log.filter { $0.contains("\"name\": \"receipt\"") } }
    private var waiting: [WaitingReceipt] {
        get throws { try StateFolder(path: stage.folder.path("state")).receipts.entries() }
    }

    @Test("The name of a recipient is what the format says: a vector of another implementation")
    func vector() throws {
        let receipt = try #require(Secret(bytes: 0..<16))
        let person = try #require(Secret(bytes: 16..<32))
        #expect(Recipient(person: person, receipt: receipt).base64url == "6QLRewtnGQ54kRoV2xmpTA")
        #expect(Recipient(person: person, receipt: .random()) != Recipient(person: person, receipt: receipt))
    }

    @Test("Opening says delivered once the file is there, with the receipt secret, and without a ticket")
    func delivered() throws {
        let (peer, message) = try start()
        let secret = try #require(message.receipt)
        #expect(try open(message, [.server: peer.url, .ticket: "a.b.c"]).path != nil)
        let person = try StateFolder(path: stage.folder.path("state")).person.read()
        let line = try #require(receipts(peer).first)
        let name = Recipient(person: person, receipt: secret).base64url
        #expect(line.contains("\"/\(message.address.hex)/receipts/\(name)\""))
        #expect(
            line.contains("\"satchel-secret\": \"\(secret.base64url)\"") && line.contains("\"content-length\": \"0\""))
        #expect(!peer.log.joined().contains("a.b.c") && !peer.log.joined().contains(person.base64url))
        #expect(try waiting.isEmpty)
    }

    @Test("The same person is the same recipient every time; another person is another")
    func persons() throws {
        let (peer, message) = try start()
        for _ in 0..<2 { _ = try open(message, [.server: peer.url]) }
        let path = stage.folder.path("state/person")
        #expect(try Folder.status(path)?.permissions == 0o600)
        try Folder.remove(path)
        _ = try open(message, [.server: peer.url])
        let names = receipts(peer).map { $0.split(separator: "\"")[7] }
        #expect(names.count == 3 && names[0] == names[1] && names[1] != names[2])
    }

    @Test("Nothing is said where nobody asked, where it is forbidden, and where the file did not arrive")
    func silence() throws {
        let (peer, message) = try start("blob=ok,ok,missing")
        var unasked = message
        unasked.receipt = nil
        #expect(try open(unasked, [.server: peer.url]).receipt == nil)
        #expect(try open(message, [.server: peer.url, .receipt: "no"]).receipt == nil)
        #expect(throws: MediaClientError.self) { try open(message, [.server: peer.url]) }
        #expect(receipts(peer).isEmpty)
        #expect(try waiting.isEmpty)
    }

    @Test(
        "A server that is not up to it is sent later: the receipt waits, and goes out when the server is reached again",
        arguments: ["busy:1", "status:rate/429", "redirect:/elsewhere", "html", "status:unavailable/503"])
    func later(behaviour: String) throws {
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

    @Test("What the server will never take is dropped", arguments: ["403", "404", "410", "400", "405"])
    func dropped(status: String) throws {
        let (peer, message) = try start("receipt=status:wrong-secret/\(status)")
        _ = try open(message, [.server: peer.url])
        #expect(try waiting.isEmpty)
        #expect(receipts(peer).count == 1)
    }

    @Test(
        "A receipt that has waited for over two months is dropped after one more attempt",
        arguments: [(60, 1), (61, 0)]
    )
    func tooOld(days: Int64, left: Int) throws {
        let queue = StateFolder(path: stage.folder.path("state")).receipts
        let nowhere = try #require(WebURL("http://127.0.0.1:1/\(String(repeating: "ab", count: 32))"))
        let receipt = DeliveryReceipt(
            place: nowhere, secret: .random(), requiresPublicAddress: false,
            at: Timestamp(seconds: 1_700_000_000 - days * 86_400))
        #expect(try queue.add(receipt))
        let tally = try stage.client().sendWaitingReceipts()
        #expect(tally.waiting == left && tally.dropped == 1 - left)
        #expect(try waiting.count == left)
    }

    @Test("A host that was allowed for one message is told at a public address only, even later")
    func namedHost() throws {
        let receipt = DeliveryReceipt(
            place: try #require(WebURL("http://127.0.0.1:9/\(String(repeating: "ab", count: 32))")), secret: .random(),
            requiresPublicAddress: true, at: Timestamp(seconds: 1_700_000_000))
        let client = try stage.client([.server: "http://127.0.0.1:9"])
        client.report(receipt)
        #expect(try waiting.first?.receipt.requiresPublicAddress == true)
        #expect(try client.sendWaitingReceipts().reason?.contains("not a public address") == true)
    }

    @Test("The message's own server is told, not the mirror; where that is nowhere we go, nobody is")
    func mirror() throws {
        let (peer, first) = try start()
        var message = first
        message.url = BlobURL("https://media.example/\(message.address.hex)")
        message.mirrors = [try #require(BlobURL("\(peer.url)/\(message.address.hex)"))]
        #expect(try open(message, [.server: peer.url]).path != nil)
        #expect(receipts(peer).isEmpty)
        #expect(try waiting.isEmpty)
    }

    @Test("The person is asked about a host once, for the file and the receipt together")
    func askedOnce() throws {
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

    @Test("One server that is away keeps no receipt from another")
    func origins() throws {
        let (peer, message) = try start("receipt=busy,ok,ok")
        _ = try open(message, [.server: peer.url])
        let queue = StateFolder(path: stage.folder.path("state")).receipts
        let elsewhere = try #require(WebURL("http://127.0.0.1:1/\(String(repeating: "cd", count: 32))"))
        for _ in 0..<2 {
            #expect(
                try queue.add(
                    DeliveryReceipt(
                        place: elsewhere, secret: .random(), requiresPublicAddress: false,
                        at: Timestamp(seconds: 1_700_000_001))))
        }
        let tally = try stage.client([.server: peer.url]).sendWaitingReceipts()
        #expect(tally.delivered == 1 && tally.waiting == 2 && tally.dropped == 0)
        #expect(tally.reason != nil)
    }

    @Test(
        "A file in the queue that is no receipt is left aside",
        arguments: [
            "", "{}", #"{"v":1,"at":1,"place":"https://h/x","secret":"AAAAAAAAAAAAAAAAAAAAAA","addresses":"any"}"#,
        ])
    func oddEntries(content: String) throws {
        let queue = StateFolder(path: stage.folder.path("state")).receipts
        try Folder.makeAll(queue.folder)
        try write(Array(content.utf8), toFile: "\(queue.folder)/odd.json")
        #expect(try queue.entries().isEmpty)
    }

    @Test("A secret of the person's that others can read, or that is none, is not used", arguments: [true, false])
    func personFile(isReadable: Bool) throws {
        let person = PersonSecret(path: stage.folder.path("person"))
        try write(Array((isReadable ? "\(Secret.random().base64url)\n" : "hello").utf8), toFile: person.path)
        if isReadable { try makeReadableByOthers(person.path) }
        #expect(throws: MediaClientError.self) { try person.read() }
    }
}
