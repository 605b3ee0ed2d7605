import Blobs
import Testing
import Transfer

@testable import MediaClient

@Suite
struct UploadPlannerTests {
    private let id = UploadID(bytes: [UInt8](repeating: 7, count: 16))

    private func refused(_ status: Int, _ code: String? = nil) -> MediaClientError {
        let fields = code.map { [HTTPField("x-reason", $0)] } ?? []
        return .refused(ServerProblem(HTTPResponse(status: status, fields: fields), now: 0), host: "h")
    }

    private let cut = MediaClientError.transfer(.cut(host: "h", "reset"))

    @Test func `small blobs go by PUT, those from the boundary on by a resumable upload`() {
        #expect(UploadPlanner(size: 99, resumableFrom: 100).next == .put)
        #expect(UploadPlanner(size: 100, resumableFrom: 100).next == .create)
        #expect(
            UploadPlanner(size: 100, resumableFrom: 100, capabilities: ServerCapabilities(hasResumable: false)).next
                == .put)
    }

    @Test func `what a program before has begun is asked about first`() throws {
        let id = try #require(id)
        #expect(UploadPlanner(size: 9, resumableFrom: 0, upload: id).next == .status(id))
        #expect(UploadPlanner(size: 9, resumableFrom: 0, mayBeHeld: true).next == .findLease)
    }

    @Test func `a PUT that was cut is followed by a question, and then by a resumable upload`() {
        var planner = UploadPlanner(size: 9, resumableFrom: 100)
        planner.willPut()
        #expect(planner.handle(cut, at: .put) == .waitIfTransient)
        #expect(planner.next == .findLease)
        planner.leaseIsMissing()
        #expect(planner.next == .create)
    }

    @Test func `a server that was not even reached is asked for nothing else`() {
        var planner = UploadPlanner(size: 9, resumableFrom: 100)
        #expect(planner.handle(cut, at: .put) == .waitIfTransient)
        #expect(planner.next == .put)
    }

    @Test func `an append is never tried again at full size where nothing of it arrived, and never below the smallest`()
    {
        var size = AdaptiveChunkSize()
        size.succeed(with: size.bytes, afterSeconds: 1)
        #expect(size.bytes == 2 * AdaptiveChunkSize.firstBytes)
        size.succeed(with: size.bytes, afterSeconds: 60)
        #expect(size.bytes == 2 * AdaptiveChunkSize.firstBytes, "that one was large enough")
        #expect(size.shrink(below: 1_000_000) == true)
        size.succeed(with: size.bytes, afterSeconds: 0)
        #expect(size.bytes == 500_000)
        #expect(size.shrink(below: 100_000) == true)
        #expect(size.bytes == AdaptiveChunkSize.smallestBytes)
        #expect(size.shrink(below: AdaptiveChunkSize.smallestBytes) == false)
    }

    @Test func `appends grow up to a bound`() {
        var size = AdaptiveChunkSize()
        for _ in 0..<20 { size.succeed(with: size.bytes, afterSeconds: 0) }
        #expect(size.bytes == AdaptiveChunkSize.largestBytes)
    }

    @Test func `offsets that cannot be are not believed`() throws {
        let id = try #require(id)
        var planner = UploadPlanner(size: 10, resumableFrom: 0, upload: id)
        #expect(planner.received(UploadStatus(offset: 11)) == false)
        #expect(planner.received(UploadStatus(offset: 4)) == true)
        #expect(planner.next == .append(id, offset: 4, count: 6))
        #expect(planner.appended(UploadStatus(offset: 9), to: 4, count: 6, afterSeconds: 0) == false)
        #expect(planner.appended(UploadStatus(offset: 10), to: 4, count: 6, afterSeconds: 0) == true)
        #expect(planner.next == .findLease)
    }

    @Test func `a whole that is not taken yet is offered again with no byte`() throws {
        let id = try #require(id)
        var planner = UploadPlanner(size: 10, resumableFrom: 0, upload: id)
        #expect(planner.received(UploadStatus(offset: 10)) == true)
        #expect(planner.next == .append(id, offset: 10, count: 0))
    }

    @Test(
        arguments: [
            (409, nil, UploadPlanner.Reaction.wait), (404, "not-found", .wait), (410, "gone", .wait),
            (410, "lease-ended", .waitIfTransient), (413, nil, .again), (413, "too-large", .waitIfTransient),
            (422, "digest-mismatch", .waitIfTransient), (503, nil, .waitIfTransient),
        ] as [(Int, String?, UploadPlanner.Reaction)])
    func `what an append that failed means`(status: Int, code: String?, reaction: UploadPlanner.Reaction) throws {
        let id = try #require(id)
        var planner = UploadPlanner(size: 1 << 20, resumableFrom: 0)
        planner.created(id)
        let step = planner.next
        #expect(planner.handle(refused(status, code), at: step) == reaction)
    }
}
