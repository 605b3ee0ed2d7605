import Blobs
import Testing
import Transfer

@testable import MediaClient

@Suite("The way of one upload, decided")
struct UploadCourseTests {
    private let id = UploadID(bytes: [UInt8](repeating: 7, count: 16))

    private func refused(_ status: Int, _ code: String? = nil) -> MediaClientError {
        let fields = code.map { [HTTPField("x-reason", $0)] } ?? []
        return .refused(Refusal(HTTPResponse(status: status, fields: fields), now: 0), host: "h")
    }

    private let cut = MediaClientError.transfer(.cut(host: "h", "reset"))

    @Test("Small blobs go by PUT, those from the boundary on by a resumable upload")
    func boundary() {
        #expect(UploadCourse(size: 99, resumableFrom: 100).next == .put)
        #expect(UploadCourse(size: 100, resumableFrom: 100).next == .create)
        #expect(UploadCourse(size: 100, resumableFrom: 100, knowsResumable: false).next == .put)
    }

    @Test("What a program before has begun is asked about first")
    func resumed() throws {
        let id = try #require(id)
        #expect(UploadCourse(size: 9, resumableFrom: 0, upload: id).next == .look(id))
        #expect(UploadCourse(size: 9, resumableFrom: 0, mayBeHeld: true).next == .askForLease)
    }

    @Test("A PUT that was cut is followed by a question, and then by a resumable upload")
    func cutPut() {
        var course = UploadCourse(size: 9, resumableFrom: 100)
        course.willPut()
        #expect(course.meet(cut, at: .put) == .waitIfPassing)
        #expect(course.next == .askForLease)
        course.leaseIsMissing()
        #expect(course.next == .create)
    }

    @Test("A server that was not even reached is asked for nothing else")
    func unreached() {
        var course = UploadCourse(size: 9, resumableFrom: 100)
        #expect(course.meet(cut, at: .put) == .waitIfPassing)
        #expect(course.next == .put)
    }

    @Test("An append is never tried again at full size where nothing of it arrived, and never below the smallest")
    func shrinking() {
        var size = AppendSize()
        size.succeed(with: size.bytes, afterSeconds: 1)
        #expect(size.bytes == 2 * AppendSize.firstBytes)
        size.succeed(with: size.bytes, afterSeconds: 60)
        #expect(size.bytes == 2 * AppendSize.firstBytes, "that one was large enough")
        #expect(size.shrink(below: 1_000_000) == true)
        size.succeed(with: size.bytes, afterSeconds: 0)
        #expect(size.bytes == 500_000)
        #expect(size.shrink(below: 100_000) == true)
        #expect(size.bytes == AppendSize.smallestBytes)
        #expect(size.shrink(below: AppendSize.smallestBytes) == false)
    }

    @Test("Appends grow up to a bound")
    func growing() {
        var size = AppendSize()
        for _ in 0..<20 { size.succeed(with: size.bytes, afterSeconds: 0) }
        #expect(size.bytes == AppendSize.largestBytes)
    }

    @Test("Offsets that cannot be are not believed")
    func offsets() throws {
        let id = try #require(id)
        var course = UploadCourse(size: 10, resumableFrom: 0, upload: id)
        #expect(course.looked(UploadStanding(offset: 11)) == false)
        #expect(course.looked(UploadStanding(offset: 4)) == true)
        #expect(course.next == .append(id, offset: 4, count: 6))
        #expect(course.appended(UploadStanding(offset: 9), to: 4, count: 6, afterSeconds: 0) == false)
        #expect(course.appended(UploadStanding(offset: 10), to: 4, count: 6, afterSeconds: 0) == true)
        #expect(course.next == .askForLease)
    }

    @Test("A whole that is not taken yet is offered again with no byte")
    func full() throws {
        let id = try #require(id)
        var course = UploadCourse(size: 10, resumableFrom: 0, upload: id)
        #expect(course.looked(UploadStanding(offset: 10)) == true)
        #expect(course.next == .append(id, offset: 10, count: 0))
    }

    @Test(
        "What an append that failed means",
        arguments: [
            (409, nil, UploadCourse.Reaction.wait), (404, "not-found", .wait), (410, "gone", .wait),
            (410, "lease-ended", .waitIfPassing), (413, nil, .again), (413, "too-large", .waitIfPassing),
            (422, "digest-mismatch", .waitIfPassing), (503, nil, .waitIfPassing),
        ] as [(Int, String?, UploadCourse.Reaction)])
    func appendFails(status: Int, code: String?, reaction: UploadCourse.Reaction) throws {
        let id = try #require(id)
        var course = UploadCourse(size: 1 << 20, resumableFrom: 0)
        course.created(id)
        let step = course.next
        #expect(course.meet(refused(status, code), at: step) == reaction)
    }
}
