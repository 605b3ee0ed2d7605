import Blobs
import Files
import MediaMessage
import TestSupport
import Testing
import Transfer

@testable import MediaClient

@Suite(.enabled(if: Peer.isAvailable, "python3 plays the server"))
struct OutboxTests {
    private let stage: JourneyStage
    private let bytes = noise(200_000)

    init() throws { stage = try JourneyStage() }

    private func client(_ peer: Peer, _ values: [SettingKey: String] = [:]) throws -> MediaClient {
        try stage.client(values.merging([.server: peer.url]) { given, _ in given })
    }

    private func names(_ peer: Peer) -> [String] { peer.log.map { String($0.split(separator: "\"")[3]) } }

    private func open(_ message: MediaMessage?, _ client: MediaClient) throws -> [UInt8] {
        let opened = try client.open(
            try #require(message), to: .folder(stage.folder.path("out")), replacing: true, named: [])
        return try TestSupport.bytes(ofFile: try #require(opened.path))
    }

    /// A send that finds its server gone; the entry that stays.
    private func stranded(
        _ peer: Peer, _ values: [SettingKey: String] = [:],
        options: SendOptions = SendOptions(name: .given("notes.bin"))
    ) throws -> (client: MediaClient, item: OutboxItem) {
        let client = try client(peer, values)
        #expect(throws: MediaClientError.self) { try client.send(try stage.file(bytes), options: options) }
        return (client, try #require(try client.outbox().first))
    }

    @Test func `a message that was given out leaves nothing behind; until then the outbox keeps it`() throws {
        let peer = try stage.peers.start()
        let client = try client(peer)
        let dispatch = try client.send(try stage.file(bytes), options: SendOptions())
        let item = try #require(try client.outbox().first)
        #expect(item.progress.url != nil && item.isBusy)
        let folder = stage.folder.path("state/outbox/\(item.record.name)")
        #expect(
            try Folder.names(in: folder).sorted() == ["record", "standing"], "the sealed copy is not needed any more")
        client.forget(dispatch)
        #expect(try client.outbox().isEmpty)
        #expect(try Folder.names(in: stage.folder.path("state/outbox")).isEmpty)
    }

    @Test func `a send that finds nobody waits, with its reason, and goes out later as it was sealed`() throws {
        let peer = try stage.peers.start("check=drop,drop,drop")
        let (client, item) = try stranded(peer, [.format: "link"])
        #expect(item.progress.failure?.contains("connection") == true && !item.isBusy)
        #expect(stage.heard.contains { $0.contains("outbox resume \(item.record.name)") })
        let blob = try TestSupport.bytes(ofFile: stage.folder.path("state/outbox/\(item.record.name)/blob"))
        let dispatch = try client.resume(item.record.name, untilSent: false)
        #expect(dispatch.format == .link, "it is printed as it was to be")
        let message = try #require(dispatch.messages.first)
        #expect(Int64(blob.count) == message.size && message.key == item.record.message.key)
        #expect(try open(message, client) == bytes)
        #expect(try client.sentLeases().count == 1, "one lease, written down once")
        #expect(peer.log.last { $0.contains("\"put\"") }?.contains(message.address.hex) == true)
    }

    @Test(arguments: ["502", "503", "504"])
    func `a proxy whose server is down is nobody: the send waits`(status: String) throws {
        let answers = Array(repeating: "gateway:\(status)", count: 3).joined(separator: ",")
        let peer = try stage.peers.start("check=\(answers)")
        let (client, item) = try stranded(peer)
        #expect(names(peer) == ["check", "check", "check"] && item.progress.failure?.contains(status) == true)
        #expect(stage.heard.contains { $0.contains("outbox resume \(item.record.name)") })
        #expect(try open(client.resume(item.record.name, untilSent: false).messages.first, client) == bytes)
    }

    @Test func `a server that is busy has answered: nothing is sealed for it`() throws {
        let peer = try stage.peers.start("check=busy,busy,busy")
        let client = try client(peer)
        #expect(throws: MediaClientError.self) { try client.send(try stage.file(bytes), options: SendOptions()) }
        #expect(try client.outbox().isEmpty && stage.steps.isEmpty)
    }

    @Test func `a server that would send recipients elsewhere gets no byte, now or later, until that is agreed`() throws
    {
        let elsewhere = "at:https://elsewhere.example/media"
        let peer = try stage.peers.start("check=\(elsewhere),drop,drop,drop,\(elsewhere),\(elsewhere)")
        let client = try client(peer)
        let error = #expect(throws: MediaClientError.self) {
            try client.send(try stage.file(bytes), options: SendOptions())
        }
        #expect(error.map { "\($0)".contains("elsewhere.example") } == true)
        #expect(try client.outbox().isEmpty && names(peer) == ["check"])
        // Nobody answers: it waits, and is judged before its first byte.
        let (_, item) = try stranded(peer)
        #expect(throws: MediaClientError.self) { try client.resume(item.record.name, untilSent: false) }
        #expect(try !names(peer).contains("put") && client.outbox().count == 1)
        let agreed = try self.client(peer, [.servers: "elsewhere.example, 127.0.0.1:\(peer.port)"])
        #expect(try agreed.resume(item.record.name, untilSent: false).messages.count == 1)
    }

    @Test func `a lost answer changes nothing about where the message leads`() throws {
        let peer = try stage.peers.start("check=at:https://elsewhere.example/media", "put=lost")
        let client = try client(peer, [.servers: "elsewhere.example"])
        let message = try #require(try client.send(try stage.file(bytes), options: SendOptions()).messages.first)
        #expect(message.url?.description == "https://elsewhere.example/media/\(message.address.hex)")
    }

    @Test func `the names of this machine are one server`() throws {
        let peer = try stage.peers.start("put=ok,lost")
        for _ in 0..<2 {
            let client = try client(peer, [.server: "http://localhost:\(peer.port)"])
            let message = try client.send(try stage.file(bytes), options: SendOptions()).messages.first
            #expect(try open(message, client) == bytes)
        }
        #expect(names(peer).filter { $0 == "put" }.count == 2)
    }

    @Test func `what waits in the outbox stays in the sent log, however long it waits`() throws {
        let peer = try stage.peers.start("put=lost", "lease=drop")
        let (_, item) = try stranded(peer, [.attempts: "1"])
        stage.now += 400 * 86_400
        let client = try client(peer)
        #expect(try client.pruneSent(overFor: .days(1)) == 0)
        try client.cancel(item.record.name, onlyLocally: true)
        #expect(try client.pruneSent(overFor: .days(1)) == 1)
    }

    @Test func `record, key and sealed file are for the owner's eyes alone`() throws {
        let peer = try stage.peers.start("check=drop,drop,drop")
        let (_, item) = try stranded(peer)
        let folder = stage.folder.path("state/outbox/\(item.record.name)")
        #expect(try Folder.status(folder)?.permissions == 0o700)
        for name in try Folder.names(in: folder) {
            #expect(try Folder.status("\(folder)/\(name)")?.permissions == 0o600, "\(name)")
        }
        let standing = String(decoding: try TestSupport.bytes(ofFile: "\(folder)/standing"), as: UTF8.self)
        #expect(!standing.contains(Base64URL.encode(item.record.message.key)))
    }

    @Test func `each recipient's message comes after the resume as it would have come before`() throws {
        let peer = try stage.peers.start("check=drop,drop,drop")
        let (client, item) = try stranded(peer, [.recipients: "3"], options: SendOptions(hasRecipientSecrets: true))
        let messages = try client.resume(item.record.name, untilSent: false).messages
        #expect(Set(messages.compactMap { $0.receipt?.base64url }).count == 3)
        #expect(peer.log.last { $0.contains("\"put\"") }?.contains(messages[2].receipt?.hash.base64url ?? "-") == true)
    }

    @Test func `a message that was not given out is given out again, and nothing is asked for it`() throws {
        let peer = try stage.peers.start()
        let client = try client(peer)
        // The program ends before it has printed the message.
        let first = try client.send(try stage.file(bytes), options: SendOptions()).messages
        let asked = peer.log.count
        let item = try #require(try client.outbox().first)
        let second = try client.resume(item.record.name, untilSent: false)
        #expect(second.messages == first && peer.log.count == asked)
    }

    @Test(arguments: ["ticket-missing/401", "too-large/413"])
    func `what the server refuses at once is not kept`(answer: String) throws {
        let peer = try stage.peers.start("check=status:\(answer)")
        let client = try client(peer)
        #expect(throws: MediaClientError.self) { try client.send(try stage.file(bytes), options: SendOptions()) }
        #expect(try client.outbox().isEmpty)
    }

    @Test func `what had waited and is refused then is kept: a new ticket may be all that it needs`() throws {
        let peer = try stage.peers.start("check=drop,drop,drop", "put=status:ticket-invalid/401")
        let (client, item) = try stranded(peer)
        #expect(throws: MediaClientError.self) { try client.resume(item.record.name, untilSent: false) }
        #expect(try client.outbox().first?.progress.failure?.contains("ticket") == true)
        #expect(try client.resume(item.record.name, untilSent: false).messages.count == 1)
    }

    @Test func `with patience it is tried beyond all attempts, and another process can see why it waits`() throws {
        let peer = try stage.peers.start("check=busy", "put=busy,busy:600,status:disk-full/507,busy")
        let client = try client(peer)
        let dispatch = try client.send(try stage.file(bytes), options: SendOptions(untilSent: true))
        #expect(dispatch.messages.count == 1)
        #expect(stage.waits.all.count > 3 && stage.waits.all[1] == 600_007)
    }

    @Test func `an entry is worked on by one at a time; the second is told, and shows it as being sent`() throws {
        let peer = try stage.peers.start("check=drop,drop,drop")
        let (client, item) = try stranded(peer)
        let held = try #require(try client.state.outbox.entry(item.record.name))
        #expect(try client.outbox().first?.isBusy == true)
        for act in [
            { _ = try client.resume(item.record.name, untilSent: false) },
            { try client.cancel(item.record.name, onlyLocally: true) },
        ] {
            let error = #expect(throws: MediaClientError.self) { try act() }
            guard case .outboxBusy = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
        withExtendedLifetime(held) {}
    }

    @Test func `cancelled before anything was asked, nothing is asked`() throws {
        let peer = try stage.peers.start("check=drop,drop,drop")
        let (client, item) = try stranded(peer)
        let asked = peer.log.count
        try client.cancel(item.record.name, onlyLocally: false)
        #expect(try peer.log.count == asked && client.outbox().isEmpty)
        let error = #expect(throws: MediaClientError.self) { try client.resume(item.record.name, untilSent: false) }
        guard case .notInOutbox = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `cancelled after a lost answer, the lease is revoked`() throws {
        let peer = try stage.peers.start("put=lost", "lease=drop")
        let (client, item) = try stranded(peer, [.attempts: "1"])
        try client.cancel(item.record.name, onlyLocally: false)
        #expect(try names(peer).last == "revoke" && client.outbox().isEmpty)
        #expect(try client.sentLeases().first?.end?.reason == .revoked)
    }

    @Test func `cancelled while the server is away it stays, unless it is to be forgotten here alone`() throws {
        let peer = try stage.peers.start("create=ok", "append=nothing:1000", "cancel=drop,drop,drop")
        let (client, item) = try stranded(peer, [.attempts: "1", .resumableFrom: "0"])
        #expect(throws: MediaClientError.self) { try client.cancel(item.record.name, onlyLocally: false) }
        #expect(try client.outbox().count == 1)
        try client.cancel(item.record.name, onlyLocally: true)
        #expect(try client.outbox().isEmpty)
    }

    @Test func `a crash between any two steps leaves an entry that can be resumed and one that can be cancelled`()
        throws
    {
        let peer = try stage.peers.start("check=drop,drop,drop")
        let (client, item) = try stranded(peer)
        let folder = "\(stage.folder.path("state/outbox"))/\(item.record.name)"
        // Before the standing was written, and while it was.
        try Folder.remove("\(folder)/standing")
        try write([0x7b], toFile: "\(folder)/standing")
        try write([1, 2, 3], toFile: "\(folder)/.satchel-1.part")
        #expect(try client.outbox().map(\.record.name) == [item.record.name])
        #expect(try client.resume(item.record.name, untilSent: false).messages.count == 1)
        // Held, but the sealed copy has not gone yet; then on its way out.
        try write([1], toFile: "\(folder)/blob")
        client.forget(try client.resume(item.record.name, untilSent: false))
        #expect(try Folder.names(in: stage.folder.path("state/outbox")).isEmpty)
    }

    @Test func `what a killed program was making or taking away is swept, but not what is being made`() throws {
        let outbox = Outbox(folder: stage.folder.path("outbox"))
        let living = try outbox.draft()
        for name in [".new-1", ".old-2"] {
            try Folder.make(stage.folder.path("outbox/\(name)"))
            try write([1], toFile: stage.folder.path("outbox/\(name)/blob"))
        }
        try outbox.sweep()
        #expect(try Folder.names(in: outbox.folder).count == 1)
        withExtendedLifetime(living.blob.file.descriptor) {}
    }

    @Test func `an entry that this version cannot read is left alone`() throws {
        let peer = try stage.peers.start("check=drop,drop,drop")
        let (client, item) = try stranded(peer)
        let record = "\(stage.folder.path("state/outbox"))/\(item.record.name)/record"
        let text = String(decoding: try TestSupport.bytes(ofFile: record), as: UTF8.self)
        try write(Array(text.replacing("{\"v\":1", with: "{\"v\":2").utf8), toFile: record)
        #expect(try client.outbox().isEmpty)
        #expect(throws: MediaClientError.self) { try client.resume(item.record.name, untilSent: false) }
        #expect(try Folder.status(record) != nil)
    }
}
