import Blobs
import Files
import MediaMessage
import TestSupport
import Testing
import Transfer

@testable import MediaClient

@Suite(.enabled(if: Peer.isAvailable, "python3 plays the server"))
struct ResumableUploadTests {
    private let stage: JourneyStage
    private let bytes = noise(1_500_000)

    init() throws { stage = try JourneyStage() }

    private func client(_ peer: Peer, _ values: [SettingKey: String] = [:]) throws -> MediaClient {
        try stage.client(values.merging([.server: peer.url]) { given, _ in given })
    }

    private func send(_ client: MediaClient) throws -> MediaMessage {
        try #require(try client.send(try stage.file(bytes), options: SendOptions()).messages.first)
    }

    private func names(_ peer: Peer) -> [String] { peer.log.map { String($0.split(separator: "\"")[3]) } }

    /// Where each append began, and how many bytes it was to bring.
    private func appends(_ peer: Peer) -> [(offset: Int, count: Int)] {
        peer.log.compactMap { line in
            guard line.contains("\"append\""), let offset = line.firstMatch(of: /"upload-offset": "(\d+)"/),
                let count = line.firstMatch(of: /"content-length": "(\d+)"/)
            else { return nil }
            return (Int(offset.1) ?? -1, Int(count.1) ?? -1)
        }
    }

    private func arrives(_ message: MediaMessage, _ client: MediaClient) throws -> Bool {
        let opened = try client.open(message, to: .folder(stage.folder.path("out")), replacing: true, named: [])
        return try TestSupport.bytes(ofFile: try #require(opened.path)) == bytes
    }

    @Test func `it is created with the terms of the lease, appended to, and found where the server says`() throws {
        let peer = try stage.peers.start()
        let client = try client(peer, [.ticket: "a.b.c", .lifetime: "2h", .recipients: "3"])
        let message = try send(client)
        #expect(names(peer) == ["check", "create", "append", "lease"])
        #expect(message.url?.description == "\(peer.url)/public/\(message.address.hex)")
        #expect(message.expires?.seconds == 4_000_000_000)
        let metadata = try #require(peer.log[1].firstMatch(of: /"upload-metadata": "([^"]+)"/)?.1)
        #expect(
            Set(metadata.split(separator: ",").compactMap { $0.split(separator: " ").first }) == [
                "sha256", "owner", "receipt", "lifetime", "recipients",
            ])
        #expect(metadata.contains("lifetime NzIwMA==") && metadata.contains("recipients Mw=="))
        #expect(peer.log[1].contains("Bearer a.b.c") && !peer.log[2].contains("authorization"))
        for line in peer.log[1...2] {
            #expect(line.contains("\"tus-resumable\": \"1.0.0\""))
            #expect(line.contains("127.0.0.1"), "wherever the server says it is, the client stays with what it knows")
        }
        #expect(try arrives(message, client))
    }

    @Test func `after a cut the server is asked how far it is, and only the rest goes`() throws {
        let peer = try stage.peers.start("append=cut:600000,cut:300000")
        let client = try client(peer)
        let message = try send(client)
        #expect(names(peer) == ["check", "create", "append", "look", "append", "look", "append", "lease"])
        #expect(appends(peer).map(\.offset) == [0, 600_000, 900_000])
        #expect(try arrives(message, client))
    }

    @Test func `many cuts are no dead network as long as something arrives each time`() throws {
        let peer = try stage.peers.start("append=\(Array(repeating: "cut:150000", count: 9).joined(separator: ","))")
        let client = try client(peer)
        #expect(try arrives(try send(client), client))
        #expect(appends(peer).map(\.offset) == (0..<10).map { $0 * 150_000 })
    }

    @Test func `what comes to nothing was too much at once: appends become smaller`() throws {
        let peer = try stage.peers.start("append=nothing:60000,nothing:60000,nothing:60000,nothing:60000")
        let client = try client(peer)
        let message = try send(client)
        let counts = appends(peer).map(\.count)
        #expect(counts.prefix(5) == [counts[0], counts[0] / 2, counts[0] / 4, counts[0] / 8, counts[0] / 16])
        #expect(try arrives(message, client))
    }

    @Test func `a proxy that caps requests is met by smaller ones, without a byte too much, and remembered`() throws {
        let peer = try stage.peers.start("cap=300000")
        let client = try client(peer)
        let message = try send(client)
        let first = appends(peer)
        #expect(
            first.contains { $0.count > 300_000 } && first.filter { $0.offset > 0 }.allSatisfy { $0.count <= 300_000 })
        #expect(stage.waits.all.isEmpty, "there is nothing to wait for")
        #expect(try arrives(message, client))
        _ = try client.send(try stage.file(bytes), options: SendOptions())
        #expect(appends(peer).dropFirst(first.count).allSatisfy { $0.count <= 300_000 })
    }

    @Test func `a small file that is too large for a proxy goes in parts as well`() throws {
        let peer = try stage.peers.start("cap=1000000")
        let client = try client(peer, [.resumableFrom: "1GiB"])
        #expect(try arrives(try send(client), client))
        #expect(names(peer).prefix(3) == ["check", "put", "create"])
    }

    @Test func `where even the smallest append is too large, that is the end`() throws {
        let peer = try stage.peers.start("cap=1000")
        let error = #expect(throws: MediaClientError.self) { try send(try client(peer)) }
        guard case .refused(let refusal, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(refusal.status == 413)
    }

    @Test func `the server's own limit is no proxy's: it is not tried again`() throws {
        let peer = try stage.peers.start("append=status:too-large/413")
        #expect(throws: MediaClientError.self) { try send(try client(peer)) }
        #expect(appends(peer).count == 1)
    }

    @Test(arguments: ["missing", "status:method-not-allowed/405", "status:unavailable/501"])
    func `a server without resumable uploads gets everything in one request, and is asked once`(behaviour: String)
        throws
    {
        let peer = try stage.peers.start("create=\(behaviour)")
        let client = try client(peer)
        _ = try send(client)
        _ = try client.send(try stage.file(bytes), options: SendOptions())
        #expect(names(peer) == ["check", "create", "put", "check", "put"])
    }

    @Test func `where something in between lets no PATCH pass, it goes in one request after all`() throws {
        let peer = try stage.peers.start("append=status:method-not-allowed/405")
        _ = try send(try client(peer))
        #expect(names(peer) == ["check", "create", "append", "put"])
    }

    @Test func `a lost answer to the last append costs one question`() throws {
        let peer = try stage.peers.start("append=lost")
        let client = try client(peer)
        let message = try send(client)
        #expect(names(peer) == ["check", "create", "append", "look", "lease"])
        #expect(try arrives(message, client))
    }

    @Test func `an upload that the server has forgotten is made anew from the same sealed file`() throws {
        let peer = try stage.peers.start("append=cut:400000,missing", "look=ok,missing")
        let client = try client(peer)
        let message = try send(client)
        #expect(names(peer) == ["check", "create", "append", "look", "append", "lease", "create", "append", "lease"])
        #expect(try arrives(message, client))
    }

    @Test(arguments: ["status:wrong-offset/409", "status:locked/423"])
    func `somebody else's offset is asked for again`(behaviour: String) throws {
        let peer = try stage.peers.start("append=\(behaviour)")
        let client = try client(peer)
        #expect(try arrives(try send(client), client))
        #expect(names(peer).prefix(6) == ["check", "create", "append", "look", "append", "lease"])
    }

    @Test func `where the quota is full at the last byte, the end is asked for again and nothing is sent twice`() throws
    {
        let peer = try stage.peers.start("append=full")
        let client = try client(peer)
        _ = try send(client)
        #expect(appends(peer).map(\.count) == [appends(peer)[0].count, 0])
    }

    @Test
    func `what was cut for good goes on in the next program from the acknowledged byte, under the same key and salt`()
        throws
    {
        let peer = try stage.peers.start("append=cut:700000,drop", "look=ok,drop,drop")
        let first = try client(peer)
        #expect(throws: MediaClientError.self) { try send(first) }
        let item = try #require(try first.outbox().first)
        #expect(item.progress.acknowledged == 700_000 && item.progress.failure != nil)
        let second = try client(peer)
        let dispatch = try second.resume(item.record.name, untilSent: false)
        let message = try #require(dispatch.messages.first)
        #expect(appends(peer).last?.offset == 700_000 && names(peer).filter { $0 == "create" }.count == 1)
        #expect(message.key == item.record.message.key && message.address == item.record.message.address)
        #expect(try arrives(message, second))
    }

    @Test(arguments: ["ticket-invalid/401", "quota/403", "not-sealed/415"])
    func `refused after its first byte, a file waits with its key until the person gives it up`(answer: String) throws {
        let peer = try stage.peers.start("append=cut:700000,status:\(answer)")
        let client = try client(peer)
        #expect(throws: MediaClientError.self) { try send(client) }
        let item = try #require(try client.outbox().first)
        #expect(item.progress.acknowledged == 700_000 && item.progress.failure != nil)
        #expect(!names(peer).contains("cancel"))
        let message = try #require(try client.resume(item.record.name, untilSent: false).messages.first)
        #expect(appends(peer).last?.offset == 700_000 && names(peer).filter { $0 == "create" }.count == 1)
        #expect(try arrives(message, client))
    }

    @Test func `an upload is continued and cancelled by its id alone, whatever has become of the ticket`() throws {
        let peer = try stage.peers.start("append=cut:700000")
        let ticket = stage.folder.path("ticket")
        try write(Array("a.b.c\n".utf8), toFile: ticket)
        let client = try client(peer, [.attempts: "1", .ticketFile: ticket])
        #expect(throws: MediaClientError.self) { try send(client) }
        let item = try #require(try client.outbox().first)
        try Folder.remove(ticket)
        _ = try client.resume(item.record.name, untilSent: false)
        #expect(
            peer.log.allSatisfy {
                $0.contains("authorization") == ["check", "create"].contains($0.split(separator: "\"")[3])
            })
    }

    @Test func `a ticket file is read for every request that shows it`() throws {
        let peer = try stage.peers.start("create=busy:1")
        let ticket = stage.folder.path("ticket")
        try write(Array("a.b.c\n".utf8), toFile: ticket)
        stage.whileWaiting = { try? write(Array("d.e.f\n".utf8), toFile: ticket) }
        _ = try send(try client(peer, [.ticketFile: ticket]))
        let shown = peer.log.filter { $0.contains("\"create\"") }
        #expect(shown.count == 2 && shown[0].contains("Bearer a.b.c") && shown[1].contains("Bearer d.e.f"))
    }

    @Test func `cancelled half-way the upload is gone from the server, and no ticket is shown for it`() throws {
        let peer = try stage.peers.start("append=cut:700000,drop", "look=drop")
        let client = try client(peer, [.attempts: "1", .ticket: "a.b.c"])
        #expect(throws: MediaClientError.self) { try send(client) }
        let item = try #require(try client.outbox().first)
        try client.cancel(item.record.name, onlyLocally: false)
        #expect(try client.outbox().isEmpty)
        let cancel = try #require(peer.log.first { $0.contains("\"cancel\"") })
        #expect(!cancel.contains("authorization"))
    }

    @Test(arguments: ["html", "redirect:/elsewhere"])
    func `answers that cannot be are errors`(behaviour: String) throws {
        let peer = try stage.peers.start("create=\(behaviour)")
        #expect(throws: MediaClientError.self) { try send(try client(peer)) }
        #expect(names(peer) == ["check", "create"])
    }
}
