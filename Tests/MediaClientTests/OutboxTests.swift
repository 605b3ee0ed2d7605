import Blobs
import Files
import MediaMessage
import TestSupport
import Testing
import Transfer

@testable import MediaClient

@Suite("What has not gone out waits in the outbox", .enabled(if: Peer.isAvailable, "python3 plays the server"))
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
        _ peer: Peer, _ values: [SettingKey: String] = [:], options: SendOptions = SendOptions(name: "notes.bin")
    ) throws -> (client: MediaClient, item: OutboxItem) {
        let client = try client(peer, values)
        #expect(throws: MediaClientError.self) { try client.send(try stage.file(bytes), options: options) }
        return (client, try #require(try client.outbox().first))
    }

    @Test("A message that was given out leaves nothing behind; until then the outbox keeps it")
    func settled() throws {
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

    @Test("A send that finds nobody waits, with its reason, and goes out later as it was sealed")
    func offline() throws {
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

    @Test("Record, key and sealed file are for the owner's eyes alone")
    func permissions() throws {
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

    @Test("Each recipient's message comes after the resume as it would have come before")
    func recipientSecrets() throws {
        let peer = try stage.peers.start("check=drop,drop,drop")
        let (client, item) = try stranded(peer, [.recipients: "3"], options: SendOptions(hasRecipientSecrets: true))
        let messages = try client.resume(item.record.name, untilSent: false).messages
        #expect(Set(messages.compactMap { $0.receipt?.base64url }).count == 3)
        #expect(peer.log.last { $0.contains("\"put\"") }?.contains(messages[2].receipt?.hash.base64url ?? "-") == true)
    }

    @Test("A message that was not given out is given out again, and nothing is asked for it")
    func givenOutAgain() throws {
        let peer = try stage.peers.start()
        let client = try client(peer)
        // The program ends before it has printed the message.
        let first = try client.send(try stage.file(bytes), options: SendOptions()).messages
        let asked = peer.log.count
        let item = try #require(try client.outbox().first)
        let second = try client.resume(item.record.name, untilSent: false)
        #expect(second.messages == first && peer.log.count == asked)
    }

    @Test("What the server refuses at once is not kept", arguments: ["ticket-missing/401", "too-large/413"])
    func refused(answer: String) throws {
        let peer = try stage.peers.start("check=status:\(answer)")
        let client = try client(peer)
        #expect(throws: MediaClientError.self) { try client.send(try stage.file(bytes), options: SendOptions()) }
        #expect(try client.outbox().isEmpty)
    }

    @Test("What had waited and is refused then is kept: a new ticket may be all that it needs")
    func refusedLater() throws {
        let peer = try stage.peers.start("check=drop,drop,drop,status:ticket-invalid/401")
        let (client, item) = try stranded(peer)
        #expect(throws: MediaClientError.self) { try client.resume(item.record.name, untilSent: false) }
        #expect(try client.outbox().first?.progress.failure?.contains("ticket") == true)
        #expect(try client.resume(item.record.name, untilSent: false).messages.count == 1)
    }

    @Test("With patience it is tried beyond all attempts, and another process can see why it waits")
    func patience() throws {
        let peer = try stage.peers.start("check=busy,busy:600,status:disk-full/507,drop,drop,drop,drop")
        let client = try client(peer)
        let dispatch = try client.send(try stage.file(bytes), options: SendOptions(untilSent: true))
        #expect(dispatch.messages.count == 1)
        #expect(stage.waits.all.count > 3 && stage.waits.all[1] == 600_007)
    }

    @Test("An entry is worked on by one at a time; the second is told, and shows it as being sent")
    func locked() throws {
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

    @Test("Cancelled before anything was asked, nothing is asked")
    func cancelledHere() throws {
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

    @Test("Cancelled after a lost answer, the lease is revoked")
    func cancelledLease() throws {
        let peer = try stage.peers.start("put=lost", "lease=drop")
        let (client, item) = try stranded(peer, [.attempts: "1"])
        try client.cancel(item.record.name, onlyLocally: false)
        #expect(try names(peer).last == "revoke" && client.outbox().isEmpty)
        #expect(try client.sentLeases().first?.end?.reason == .revoked)
    }

    @Test("Cancelled while the server is away it stays, unless it is to be forgotten here alone")
    func cancelledOffline() throws {
        let peer = try stage.peers.start("create=ok", "append=nothing:1000", "cancel=drop,drop,drop")
        let (client, item) = try stranded(peer, [.attempts: "1", .resumableFrom: "0"])
        #expect(throws: MediaClientError.self) { try client.cancel(item.record.name, onlyLocally: false) }
        #expect(try client.outbox().count == 1)
        try client.cancel(item.record.name, onlyLocally: true)
        #expect(try client.outbox().isEmpty)
    }

    @Test("A crash between any two steps leaves an entry that can be resumed and one that can be cancelled")
    func crashes() throws {
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

    @Test("What a killed program was making or taking away is swept, but not what is being made")
    func swept() throws {
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

    @Test("An entry that this version cannot read is left alone")
    func unreadable() throws {
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
