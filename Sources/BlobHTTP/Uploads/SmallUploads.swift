import Blobs
import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import Store

/// Answers plain uploads of few bytes over HTTP/1.1 without the router: what all connections share.
///
/// It does what the router would, in the same order and with the same words: the gate and the store judge the head before
/// the body is waited for.
struct SmallUploads: Sendable {
    /// The largest body that is taken: as much as a store keeps in memory.
    static let limitBytes = 128 << 10

    let store: any LeaseStore
    let gate: Gate
    let publicURL: PublicURLBox
    /// Where else clients find the blobs.
    let mirrors: [PublicURL]
    let observer: RequestObserver
    let logger: Logger
    /// Those under way.
    let tasks = UploadTasks()

    /// How many bytes `head` announces, if they are an upload that is taken here; nil for everything that a router has to
    /// look at: other targets and methods, uploads over several requests, and clients that wait for an interim response.
    static func bodyBytes(of head: HTTPRequestHead) -> Int? {
        guard head.method == .PUT, head.uri == "/upload", head.version == .http1_1 else { return nil }
        var length: Int?
        for (name, value) in head.headers {
            switch name.utf8.count {
            case 14 where name.lowercased() == "content-length": length = Int(value)
            case 6 where name.lowercased() == "expect", 7 where name.lowercased() == "upgrade",
                13 where name.lowercased() == "content-range", 17 where name.lowercased() == "transfer-encoding":
                return nil
            case 4... where Self.isOfDialects(name): return nil
            default: break
            }
        }
        guard let length, (1...limitBytes).contains(length) else { return nil }
        return length
    }

    /// Whether a field of this name may belong to a resumable upload.
    private static func isOfDialects(_ name: String) -> Bool {
        switch name.utf8.first.map({ $0 | 0x20 }) {
        case UInt8(ascii: "u"): name.lowercased().hasPrefix("upload-")
        case UInt8(ascii: "t"): name.lowercased().hasPrefix("tus-")
        default: false
        }
    }

    /// The response to one upload; whatever goes wrong is a response too. It is counted as it is returned.
    ///
    /// - Parameters:
    ///   - payer: whom it counts against, as `Gate.payer` says.
    ///   - peer: the other end of the connection.
    func answer(
        _ request: HTTPRequest, payer: Gate.Payer, peer: ClientAddress, _ body: UploadBody
    ) async -> ShortAnswer {
        let start = ContinuousClock.now
        observer.noteShortcut(.upload)
        let client = payer.client ?? peer
        let own = publicURL.value
        var facts = AnsweredRequest(route: .upload, method: .put, status: 0, time: .zero, client: client)
        var answer: ShortAnswer
        do {
            try gate.admit(.upload, from: payer.client)
            let authorized = try await gate.authorize(
                .upload, request, from: client, counted: payer.client, own: own, now: store.now())
            let blob = try await take(body, UploadAnnouncement(put: request.headerFields, authorized), authorized)
            answer = ShortAnswer(created: blob, at: BlobPlaces(publicURL: own, mirrors: mirrors))
            facts.receivedBytes = blob.size
        } catch {
            answer = ShortAnswer(refusing: error, of: .put, from: client, logger: logger)
            // The client may still be sending, and none of it is wanted.
            answer.closes = true
            facts.refusal = answer.fields[.xReason].flatMap { Problem.Code(rawValue: $0) }
        }
        answer.fields.append(
            contentsOf: gate.crossOrigin(own: own).fields(for: .write, origin: request.headerFields[.origin]))
        facts.status = answer.status.code
        facts.sentBytes = Int64(answer.body.count)
        facts.time = ContinuousClock.now - start
        observer.note(facts)
        return answer
    }

    private func take(
        _ body: UploadBody, _ announcement: UploadAnnouncement, _ authorized: AuthorizedRequest
    ) async throws -> StoredBlob {
        let session = try await store.begin(announcement)
        gate.count(announcement.size ?? 0, from: authorized)
        do {
            let (bytes, failure) = await body.whole()
            // What has come of a body that breaks off may be a reason of its own.
            if !bytes.isEmpty { try await session.append(bytes) }
            if let failure { throw failure }
            return try await session.commit()
        } catch {
            await session.abandon()
            throw error
        }
    }
}

extension UploadAnnouncement {
    /// What the fields of `PUT /upload` announce, as far as whoever brings it may.
    init(put fields: HTTPFields, _ authorized: AuthorizedRequest) throws(Problem) {
        self = try authorized.permit(
            UploadAnnouncement(put: fields, subject: authorized.subject), inOneRequest: true)
    }
}
