import Blobs
import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1
import Store
import Tickets

/// An upload of few bytes, of which the head has come.
struct SmallUpload {
    /// The largest body: as much as a store keeps in memory.
    static let limitBytes = 128 << 10

    /// `/upload`, or a slot below a door that is there.
    let route: Route
    let operation: Operation
    let request: HTTPRequest
    let bodyBytes: Int

    /// Nil for every head that a router has to look at: other targets and methods, uploads over several requests, and
    /// clients that wait for an interim response.
    init?(_ head: HTTPRequestHead, doors: SlotDoors?) {
        guard head.method == .PUT, head.version == .http1_1, let bodyBytes = Self.bodyBytes(head.headers),
            let route = Self.route(head.uri, doors), let operation = route.operation(of: .put)
        else { return nil }
        self.route = route
        self.operation = operation
        self.bodyBytes = bodyBytes
        request = HTTPRequest(
            method: .put, scheme: nil, authority: head.headers.first(name: "host"), path: head.uri,
            headerFields: HTTPFields(head.headers, splitCookie: true))
    }

    private static func route(_ target: String, _ doors: SlotDoors?) -> Route? {
        if target == "/upload" { return .upload }
        guard let doors, let slot = SlotPath.parse(target: target), doors.contains(slot.door) else { return nil }
        return .slot(door: slot.door, slot.path)
    }

    /// How many bytes the fields announce, if no other field says that there is more to it.
    private static func bodyBytes(_ fields: HTTPHeaders) -> Int? {
        var length: Int?
        for (name, value) in fields {
            switch name.utf8.count {
            case 14 where name.lowercased() == "content-length": length = Int(value)
            case 6 where name.lowercased() == "expect", 7 where name.lowercased() == "upgrade",
                13 where name.lowercased() == "content-range", 17 where name.lowercased() == "transfer-encoding":
                return nil
            case 4... where isOfDialects(name): return nil
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
}

/// Answers small uploads over HTTP/1.1 without the router: what all connections share.
///
/// It does what the router would, in the same order and with the same words: the gate and the store judge the head before
/// the body is waited for.
struct SmallUploads: Sendable {
    let store: any LeaseStore
    let gate: Gate
    let publicURL: PublicURLBox
    /// Where else clients find the blobs.
    let mirrors: [PublicURL]
    let observer: RequestObserver
    let logger: Logger
    /// Those under way.
    let tasks = UploadTasks()

    /// The upload that `head` begins; nil where it is not taken here.
    func upload(_ head: HTTPRequestHead) -> SmallUpload? { SmallUpload(head, doors: gate.slots?.doors) }

    /// The response to one upload; whatever goes wrong is a response too. It is counted as it is returned.
    ///
    /// - Parameters:
    ///   - payer: whom it counts against, as `Gate.payer` says.
    ///   - peer: the other end of the connection.
    func answer(
        _ upload: SmallUpload, payer: Gate.Payer, peer: ClientAddress, _ body: UploadBody
    ) async -> ShortAnswer {
        let start = ContinuousClock.now
        let (route, fields) = (upload.route, upload.request.headerFields)
        let client = payer.client ?? peer
        let (own, now) = (publicURL.value, store.now())
        var facts = AnsweredRequest(
            route: route.routeClass(of: .put), method: .put, status: 0, time: .zero, slot: route.slot, client: client)
        observer.noteShortcut(facts.route)
        var answer: ShortAnswer
        do {
            try gate.admit(route, from: payer.client)
            let authorized = try await gate.authorize(
                upload.operation, upload.request, from: client, counted: payer.client, own: own, now: now)
            let announcement = try gate.announcement(of: fields, authorized, now: now)
            let blob = try await take(body, announcement, authorized)
            answer =
                authorized.slot == nil
                ? ShortAnswer(created: blob, at: BlobPlaces(publicURL: own, mirrors: mirrors)) : .slotFilled
            facts.receivedBytes = blob.size
        } catch {
            answer = ShortAnswer(refusing: error, of: .put, from: client, logger: logger)
            // The client may still be sending, and none of it is wanted.
            answer.closes = true
            facts.refusal = answer.fields[.xReason].flatMap { Problem.Code(rawValue: $0) }
        }
        answer.fields.append(
            contentsOf: gate.crossOrigin(own: own).fields(for: route.purpose(of: .put), origin: fields[.origin]))
        facts.status = answer.status.code
        facts.sentBytes = Int64(answer.body.count)
        facts.time = ContinuousClock.now - start
        observer.note(facts)
        if case .slot(let door, _) = route { observer.note(uploadAt: door, refusal: facts.refusal) }
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

extension Gate {
    /// What an upload in one request announces, as far as whoever brings it may: a slot by its word, `/upload` by its
    /// fields.
    func announcement(
        of fields: HTTPFields, _ authorized: AuthorizedRequest, now: Timestamp
    ) throws(Problem) -> UploadAnnouncement {
        guard let slot = authorized.slot else {
            return try authorized.permit(
                UploadAnnouncement(put: fields, subject: authorized.subject), inOneRequest: true)
        }
        guard let slots else { throw Problem(.notFound) }
        return slot.announcement(slots, now: now)
    }
}
