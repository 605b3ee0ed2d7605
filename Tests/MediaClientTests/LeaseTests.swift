import Blobs
import Files
import MediaClient
import MediaMessage
import TestSupport
import Testing
import Transfer

@Suite(.enabled(if: Peer.isAvailable, "python3 plays the server"))
struct LeaseTests {
    private let stage: JourneyStage

    init() throws { stage = try JourneyStage() }

    private func send(to peer: Peer, _ text: String = "a few words") throws -> (MediaMessage, SentLease) {
        let client = try stage.client([.server: peer.url])
        let message = try #require(
            try client.send(try stage.file(Array(text.utf8)), options: SendOptions()).messages.first)
        return (message, try LeaseSelector.message(message).selectOne(from: try client.sentLeases()))
    }

    private func names(_ peer: Peer) -> [String] { peer.log.map { String($0.split(separator: "\"")[3]) } }

    private func look(_ peer: Peer, _ lease: SentLease) throws -> LeaseStatus {
        try #require(try stage.client([.server: peer.url, .ticket: "a.b.c"]).status(of: [lease]).first)
    }

    @Test func `the server tells who has received it; the ticket is not shown to it for that`() throws {
        let peer = try stage.peers.start()
        let (message, lease) = try send(to: peer)
        let opener = try stage.client([.server: peer.url])
        let opened = try opener.open(message, to: .folder(stage.folder.path("out")), replacing: true, named: [])
        if let receipt = opened.receipt { opener.report(receipt) }
        guard case .server(let told) = try look(peer, lease).source else {
            Issue.record("not told")
            return
        }
        #expect(told.state == .held && told.received.count == 1)
        #expect(!peer.log.joined().contains("a.b.c"))
        #expect(peer.log.last?.contains(lease.owner.base64url) == true)
    }

    @Test func `an end is remembered once it was heard, whatever the server says later`() throws {
        let peer = try stage.peers.start("lease=state:expired,missing,busy,busy,busy")
        let (_, lease) = try send(to: peer)
        let standing = try look(peer, lease)
        #expect(standing.end?.reason == .expired && standing.isFinal)
        let known = try #require(try stage.client().sentLeases().first)
        #expect(known.end?.reason == .expired)
        for _ in 0..<2 {
            guard case .log(let end) = try look(peer, known).source else {
                Issue.record("forgotten")
                continue
            }
            #expect(end.reason == .expired)
        }
    }

    @Test func `a server that knows nothing of it, and one that is away, are told apart`() throws {
        let peer = try stage.peers.start("lease=missing,gone:revoked,drop,drop,drop")
        let (_, lease) = try send(to: peer)
        guard case .unknown = try look(peer, lease).source else {
            Issue.record("known")
            return
        }
        #expect(try look(peer, lease).end?.reason == .revoked)
        guard case .unreachable = try look(peer, lease).source else {
            Issue.record("not unreachable")
            return
        }
    }

    @Test func `where others hold the same bytes, a server that has no such lease says so with 403`() throws {
        let peer = try stage.peers.start("lease=status:wrong-secret/403,state:revoked,status:wrong-secret/403")
        let (_, lease) = try send(to: peer)
        let standing = try look(peer, lease)
        guard case .unknown = standing.source else {
            Issue.record("\(standing.source)")
            return
        }
        #expect(standing.isFinal && standing.isWorthShowing)
        _ = try look(peer, lease)
        let known = try #require(try stage.client().sentLeases().first)
        #expect(try look(peer, known).end?.reason == .revoked, "an end that was heard stays")
    }

    @Test func `a server that is away is asked about one lease, not about each`() throws {
        let peer = try stage.peers.start("lease=drop,drop,drop")
        let leases = try (0..<5).map { try send(to: peer, "words \($0)").1 }
        let before = names(peer).count
        let standings = try stage.client([.server: peer.url]).status(of: leases)
        #expect(standings.count == 5)
        #expect(names(peer).count == before + 3, "three attempts at the first")
    }

    @Test func `renewing shows the owner secret and the ticket, and remembers the new end`() throws {
        let peer = try stage.peers.start()
        let (_, lease) = try send(to: peer)
        let renewed = try stage.client([.server: peer.url, .ticket: "a.b.c", .lifetime: "2h"]).renew(lease)
        #expect(renewed.expires.seconds == 1_700_007_200)
        let line = try #require(peer.log.last)
        #expect(line.contains("Bearer a.b.c") && line.contains("\"satchel-lifetime\": \"7200\""))
        #expect(line.contains(lease.owner.base64url))
        #expect(try stage.client().sentLeases().first?.expires == renewed.expires)
    }

    @Test func `the ticket of one server is not shown to another`() throws {
        let peer = try stage.peers.start()
        let (message, lease) = try send(to: peer)
        let other: [SettingKey: String] = [
            .server: "http://127.0.0.1:1", .servers: "127.0.0.1:\(peer.port)", .ticket: "a.b.c",
        ]
        _ = try stage.client(other).renew(lease)
        _ = try stage.client(other).forward(message, options: ForwardOptions())
        #expect(names(peer).suffix(2) == ["renew", "hold"])
        #expect(!peer.log.joined().contains("a.b.c"))
    }

    @Test func `revoking needs no ticket, can be done again, and is remembered`() throws {
        let peer = try stage.peers.start("revoke=ok,ok,gone:expired")
        let (_, lease) = try send(to: peer)
        let client = try stage.client([.server: peer.url, .ticket: "a.b.c"])
        for _ in 0..<2 { #expect(try client.revoke(lease) == .revoked) }
        #expect(!peer.log.joined().contains("a.b.c"))
        #expect(try client.sentLeases().first?.end?.reason == .revoked)
        #expect(try client.revoke(lease) == .expired, "the server had ended it before")
    }

    @Test(arguments: ["html", "other", "state:frozen", "redirect:/x", "garbage", "portal"])
    func `answers that are no leases are errors, not news`(behaviour: String) throws {
        let peer = try stage.peers.start("lease=\(behaviour)", "renew=\(behaviour)")
        let (_, lease) = try send(to: peer)
        guard case .unreachable = try look(peer, lease).source else {
            Issue.record("believed")
            return
        }
        #expect(throws: MediaClientError.self) { try stage.client([.server: peer.url]).renew(lease) }
        #expect(try stage.client().sentLeases().first?.end == nil)
    }

    @Test func `a lease is picked by its message, by its name, and by its blob while that is enough`() throws {
        let peer = try stage.peers.start()
        let (message, lease) = try send(to: peer)
        let client = try stage.client([.server: peer.url])
        let forwarded = try #require(try client.forward(message, options: ForwardOptions()).messages.first)
        let leases = try client.sentLeases()
        #expect(leases.count == 2 && leases[0].name != leases[1].name)
        #expect(try LeaseSelector.message(message).selectOne(from: leases).name == lease.name)
        #expect(try LeaseSelector.message(forwarded).selectOne(from: leases).name == leases[1].name)
        let name = try #require(LeasePattern(lease.name.description))
        #expect(try LeaseSelector.pattern(name).selectOne(from: leases).name == lease.name)
        let blob = try #require(LeasePattern(lease.address.abbreviated))
        #expect(LeaseSelector.pattern(blob).select(from: leases).count == 2)
        #expect(throws: MediaClientError.self) { try LeaseSelector.pattern(blob).selectOne(from: leases) }
        var link = message
        link.receipt = nil
        #expect(LeaseSelector.message(link).select(from: leases).count == 2)
        link.receipt = .random()
        #expect(throws: MediaClientError.self) { try LeaseSelector.message(link).selectOne(from: leases) }
    }

    @Test(arguments: [
        "", "3fa9c1d", "3fa9c1dX", "3FA9C1D2", "3fa9c1d2-", "3fa9c1d2-7b0", "3fa9c1d2-7b01a", "3fa9c1d2-7b01-7b01",
        "message.json", "-", String(repeating: "a", count: 65),
    ])
    func `what is no name of a lease`(text: String) {
        #expect(LeasePattern(text) == nil)
    }

    @Test func `only what has been over for long enough is forgotten`() throws {
        let peer = try stage.peers.start("lease=state:expired")
        let (_, over) = try send(to: peer, "over")
        _ = try send(to: peer, "alive")
        _ = try look(peer, over)
        let client = try stage.client([.server: peer.url])
        #expect(try client.pruneSent(overFor: .days(1)) == 0)
        let log = SentLog(path: stage.folder.path("state/sent.jsonl"))
        try log.record(
            .ended(.expired, received: 0), at: Timestamp(seconds: 1_700_000_000 - 86_400), server: over.server,
            address: over.address, owner: over.owner)
        #expect(try client.pruneSent(overFor: .days(1)) == 1)
        #expect(try client.sentLeases().map(\.end?.reason) == [nil])
    }

    @Test(arguments: [(nil, 30), ("2d", 2), ("90d", 90)] as [(String?, Int64)])
    func `a lease whose answer was lost may be alive until its longest lifetime is over`(
        lifetime: String?, days: Int64
    ) throws {
        let peer = try stage.peers.start("hold=lost,lost,lost")
        let (message, _) = try send(to: peer)
        let settings: [SettingKey: String] = [.server: peer.url, .lifetime: lifetime].compactMapValues { $0 }
        #expect(throws: MediaClientError.self) {
            try stage.client(settings).forward(message, options: ForwardOptions())
        }
        let began = stage.now
        let second = try #require(Lifetime("1s"))
        stage.now = began + days * 86_400
        #expect(try stage.client(settings).pruneSent(overFor: second) == 0)
        stage.now += 1
        #expect(try stage.client(settings).pruneSent(overFor: second) == 1)
        #expect(try stage.client(settings).sentLeases().map(\.isSent) == [true])
    }

    @Test func `the quota is asked for with the ticket, and read whole or not at all`() throws {
        let peer = try stage.peers.start("quota=ok,html,status:ticket-missing/401")
        let client = try stage.client([.server: peer.url, .ticket: "a.b.c"])
        let quota = try client.quota()
        #expect(quota.bytes.used == 5_000_000 && quota.bytes.reserved == 1000 && quota.bytes.limit == 20_000_000)
        #expect(quota.leases.limit == 10_000 && quota.uploads.limit == nil)
        #expect(quota.nextEnd?.seconds == 1_790_000_000)
        #expect(peer.log.allSatisfy { $0.contains("Bearer a.b.c") })
        for _ in 0..<2 { #expect(throws: MediaClientError.self) { try client.quota() } }
    }
}
