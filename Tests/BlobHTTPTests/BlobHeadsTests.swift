import Blobs
import HTTPTypes
import NIOCore
import Store
import Testing

@testable import BlobHTTP

@Suite struct BlobHeadsTests {
    private let metadata = BlobMetadata(
        address: TestServer.address(of: Array("heads".utf8)), size: 3, sunset: Timestamp(seconds: 1_000_000))
    private let dates = DateText()

    private func heads(at seconds: Int64) -> BlobHeads {
        let now = Timestamp(seconds: seconds)
        return BlobHeads(metadata, body: ByteBuffer(string: "abc"), cacheSeconds: 300, now: now, dates.text(at: now))
    }

    private func move(_ heads: BlobHeads, to seconds: Int64) -> Bool {
        let now = Timestamp(seconds: seconds)
        return heads.move(to: now, dates.text(at: now))
    }

    private static let decisions = [
        ReadDecision(status: .ok, body: .whole), ReadDecision(status: .ok, body: .none),
        ReadDecision(status: .notModified, body: .none),
    ]

    private func texts(_ heads: BlobHeads) -> [String?] {
        [HTTPResponse.Status.ok, .partialContent, .notModified].map { String(buffer: heads.beginning($0)) }
            + Self.decisions.map { heads.whole($0).map { String(buffer: $0) } }
    }

    @Test func `moved to another second, heads are those that would be made in it`() {
        let moved = heads(at: 1000)
        for second in [1001, 1002, 90_000, 999_700] as [Int64] {
            #expect(move(moved, to: second))
            #expect(texts(moved) == texts(heads(at: second)))
        }
        #expect(texts(moved)[3]?.contains("\r\nDate: Mon, 12 Jan 1970 13:41:40 GMT\r\n") == true)
        #expect(texts(moved)[3]?.hasSuffix("\r\n\r\nabc") == true)
        #expect(texts(moved)[4] == nil, "HEAD has no body, and is not made beforehand")
    }

    @Test func `what was sent and has not left does not change`() {
        let heads = heads(at: 1000)
        let sent = heads.whole(Self.decisions[0])
        let before = sent.map { String(buffer: $0) }
        #expect(move(heads, to: 1001))
        #expect(sent.map { String(buffer: $0) } == before)
    }

    @Test func `where a cache may keep them for less long, heads have to be made anew`() {
        let heads = heads(at: 1000)
        #expect(!move(heads, to: 999_701))
        #expect(self.heads(at: 999_701).fields.maximumAge == 299)
    }
}
