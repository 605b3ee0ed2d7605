import Blobs
import MediaMessage
import Testing
import Transfer

@testable import MediaClient
@testable import satchel

@Suite
struct OutboxLineTests {
    private func item(busy: Bool = false, _ change: (inout OutboxProgress) -> Void = { _ in }) throws -> OutboxItem {
        let address = try #require(BlobAddress(bytes: [UInt8](repeating: 0xab, count: 32)))
        let owner = try #require(Secret(bytes: [UInt8](repeating: 7, count: 16)))
        let media = Media(type: "text/plain", size: 9, name: "notes\u{1b}.txt", caption: "Hello")
        let message = MediaMessage(
            url: BlobURL("https://media.example/\(address.hex)"), address: address, size: 1_234_567,
            key: [UInt8](repeating: 3, count: 32), media: media)
        let sending = LeaseRequest(
            at: Timestamp(seconds: 1_790_000_000), server: try #require(WebURL("https://media.example")),
            address: address, size: 1_234_567, owner: owner, receipts: [owner])
        var progress = OutboxProgress()
        change(&progress)
        let record = OutboxRecord(sending, message: message, format: .json)
        return OutboxItem(record: record, progress: progress, isBusy: busy)
    }

    @Test func `when, which, how large, what it is called, how it stands and why`() throws {
        let line = OutboxLine.text(
            try item {
                $0.acknowledged = 500_000
                $0.failure = "cannot reach media.example"
            })
        let name = try item().record.name
        #expect(line.hasPrefix("2026-09-21 14:13 UTC  \(name)    1.2 MB  notes"), "\(line)")
        #expect(line.hasSuffix(".txt: waiting, 40 % sent; cannot reach media.example"), "\(line)")
        #expect(!line.contains("\u{1b}") && !line.contains("Hello"))
    }

    @Test func `nobody is told a percentage of nothing, nor that all is sent before it is`() throws {
        #expect(OutboxLine.text(try item()).hasSuffix(".txt: waiting"))
        #expect(OutboxLine.text(try item(busy: true) { $0.acknowledged = 1_234_567 }).hasSuffix("sending, 99 % sent"))
    }

    @Test func `what is held and was not printed says how to print it`() throws {
        let held = try item { $0.url = BlobURL("https://media.example/\(String(repeating: "ab", count: 32))") }
        #expect(OutboxLine.text(held).hasSuffix("to print it: satchel outbox resume \(held.record.name)"))
        #expect(OutboxLine.json(held).contains("\"state\":\"sent\""))
    }

    @Test func `for programs there is neither key nor secret nor name in it`() throws {
        let line = OutboxLine.json(try item(busy: true) { $0.failure = "why" })
        #expect(line.contains("\"state\":\"sending\"") && line.contains("\"failure\":\"why\""))
        for secret in ["AwMDAw", "BwcHBw", "notes", "Hello"] { #expect(!line.contains(secret)) }
    }
}
