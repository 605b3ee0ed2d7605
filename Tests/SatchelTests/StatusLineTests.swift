import Blobs
import TestSupport
import Testing
import Transfer

@testable import MediaClient
@testable import satchel

@Suite
struct StatusLineTests {
    private let address = BlobAddress(bytes: [UInt8](repeating: 0xab, count: 32))
    private let owner = Secret(bytes: [UInt8](repeating: 7, count: 16))

    /// A lease of 1,234,567 bytes, made in 2026.
    private func lease(isSent: Bool = false) throws -> SentLease {
        let folder = try TemporaryFolder()
        let log = SentLog(path: folder.path("sent.jsonl"))
        let asked = LeaseRequest(
            at: Timestamp(seconds: 1_790_000_000), server: try #require(WebURL("https://media.example")),
            address: try #require(address), size: 1_234_567, owner: try #require(owner), receipts: [.random()])
        try log.record(asked)
        if isSent {
            try log.record(
                .sent(expires: nil), at: asked.at, server: asked.server, address: asked.address, owner: asked.owner)
        }
        return try #require(try log.leases().first)
    }

    private func told(
        _ state: Lease.State, recipients: Int? = nil, received count: Int = 0
    ) throws -> LeaseStatus.Source {
        let receipts = try (0..<count).map { index in
            Lease.Receipt(
                recipient: try #require(Recipient(bytes: [UInt8](repeating: UInt8(index), count: 16))),
                at: Timestamp(seconds: 1_790_000_000 + Int64(index) * 60))
        }
        return .server(
            Lease(
                address: try #require(address), size: 1_234_567, state: state, created: Timestamp(seconds: 0),
                expires: Timestamp(seconds: 1_800_000_000), recipients: recipients, received: receipts))
    }

    private func text(_ source: LeaseStatus.Source, isSent: Bool = false) throws -> String {
        StatusLine.text(LeaseStatus(lease: try lease(isSent: isSent), source: source))
    }

    @Test func `begins with when, which and how large, in columns`() throws {
        #expect(
            try text(told(.held))
                == "2026-09-21 14:13 UTC  abababab-\(tag)    1.2 MB  ✓ sent; expires 2027-01-15 08:00 UTC")
    }

    private var tag: String { owner.map { String(Hexadecimal.encode($0.hash.bytes).prefix(4)) } ?? "" }

    @Test func `says how many of how many have it, and since when`() throws {
        #expect(try text(told(.held, recipients: 5)).contains("✓ sent, received by none of 5; expires"))
        #expect(
            try text(told(.held, recipients: 5, received: 3))
                .contains("✓✓ received by 3 of 5, last 2026-09-21 14:15 UTC; expires"))
        #expect(try text(told(.held, received: 1)).contains("✓✓ received by 1, last"))
    }

    @Test(arguments: EndReason.allCases)
    func `says how it ended`(reason: EndReason) throws {
        let ended = try text(told(.ended(reason), recipients: 5, received: 5))
        #expect(ended.contains(reason.sentence) && ended.contains("5 of 5") && !ended.contains("expires"))
    }

    @Test func `tells a damaged blob, one that nobody knows, and a server that is away`() throws {
        #expect(try text(told(.damaged)).contains("--file"))
        #expect(try text(.unknown).contains("not known to the server, which never confirmed it"))
        #expect(try text(.unknown, isSent: true).contains("no longer known"))
        let unreachable = LeaseStatus.Source.unreachable(.transfer(.unresolved(host: "h", "")))
        #expect(try text(unreachable).hasSuffix("? was never confirmed"))
        #expect(try text(unreachable, isSent: true).hasSuffix("? was sent"))
    }

    @Test func `for a program is JSON that holds no secret`() throws {
        let lease = try lease()
        let line = StatusLine.json(
            LeaseStatus(lease: lease, source: try told(.held, recipients: 2, received: 1)))
        #expect(
            line == "{\"lease\":\"abababab-\(tag)\",\"sha256\":\"\(lease.address.hex)\","
                + "\"server\":\"https://media.example/\",\"size\":1234567,\"sent\":1790000000,\"state\":\"held\","
                + "\"expires\":1800000000,\"recipients\":2,"
                + "\"received\":[{\"recipient\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"at\":1790000000}]}")
        for secret in [lease.owner] + lease.receipts { #expect(!line.contains(secret.base64url)) }
        #expect(StatusLine.json(LeaseStatus(lease: lease, source: .unknown)).contains("\"state\":\"unknown\""))
    }
}
