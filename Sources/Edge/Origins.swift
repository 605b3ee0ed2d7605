import BlobHTTP
import Blobs
import CacheFolder
import HTTPTypes
import NIOCore
import OriginLink
import Store
import Synchronization

/// The origin as an edge asks it: one store under one or more addresses, which are tried in turn.
///
/// Every request is made anew: nothing that a reader sent goes on.
final class Origins: BlobSource {
    private let clients: [OriginClient]
    /// The edge's name, for Via and CDN-Loop.
    private let name: String
    /// The edge key, where the origin gave one.
    private let shownKey: Mutex<String?>
    /// This machine's clock.
    private let wall: @Sendable () -> Timestamp
    /// Which address is asked first.
    private let first = Atomic(0)
    /// How far the origin's clock is ahead of ours, in seconds.
    private let lead = Atomic<Int64>(0)
    private let onFailure: @Sendable (OriginFailure) -> Void

    init(
        _ clients: [OriginClient], name: String, key: String?, wall: @escaping @Sendable () -> Timestamp,
        onFailure: @escaping @Sendable (OriginFailure) -> Void
    ) {
        precondition(!clients.isEmpty, "an edge has an origin")
        self.clients = clients
        self.name = name
        shownKey = Mutex(key)
        self.wall = wall
        self.onFailure = onFailure
    }

    /// The edge key that is shown with each request; feeds that began with another end.
    var key: String? {
        get { shownKey.withLock { $0 } }
        set { shownKey.withLock { $0 = newValue } }
    }

    /// Seconds to add to this machine's clock: only where the two are far apart.
    var clockOffset: Int64 {
        let lead = lead.load(ordering: .relaxed)
        return abs(lead) > Self.toleratedLead ? lead : 0
    }

    private static let toleratedLead: Int64 = 60

    // MARK: Questions

    /// Asks how a blob stands: with its bytes, or some of them, or by HEAD, or whether it is still as it was.
    func ask(_ address: BlobAddress, _ question: Question) async -> OriginAnswer {
        await ask(address, question, isFollowUp: false)
    }

    private func ask(_ address: BlobAddress, _ question: Question, isFollowUp: Bool) async -> OriginAnswer {
        var request = OriginRequest(
            method: question == .head ? .head : .get, target: "/\(address.hex)", fields: fields)
        switch question {
        case .bytes, .head: break
        case .range(let range): request.fields[.range] = Self.field(range)
        case .change: request.fields[.ifNoneMatch] = "\"\(address.hex)\""
        }
        do throws(OriginError) {
            let (exchange, head) = try await send(request)
            // One question may lead to another, and that to no third.
            if !isFollowUp, let next = Self.followUp(of: question, after: head.status.code) {
                exchange.cancel()
                return await ask(address, next, isFollowUp: true)
            }
            return await answer(exchange, head, to: question, about: address)
        } catch {
            return Self.failure(error)
        }
    }

    enum Question: Hashable, Sendable {
        case bytes, head, change
        /// With the bytes of a range, which may reach beyond the end of the blob.
        case range(Range<Int64>)
    }

    /// What else is asked where an answer is not enough.
    private static func followUp(of question: Question, after status: Int) -> Question? {
        switch (question, status) {
        // The reason is in the body of the refusal.
        case (.head, 410): .bytes
        // It ends before the range begins.
        case (.range, 416): .head
        default: nil
        }
    }

    private func answer(
        _ exchange: OriginExchange, _ head: OriginHead, to question: Question, about address: BlobAddress
    ) async -> OriginAnswer {
        switch head.status.code {
        case 304 where question == .change:
            exchange.cancel()
            return OriginHeads.unchanged(head, of: address) ?? wrong("a 304 without Sunset, or of another blob")
        case 200:
            switch OriginHeads.held(head, of: address) {
            case .failure(let fault):
                exchange.cancel()
                return wrong(fault.text)
            case .success(let held):
                if question == .bytes {
                    return .held(held, body: OriginBody(stream: stream(exchange), range: 0..<held.size))
                }
                exchange.cancel()
                return question == .change
                    ? .unchanged(sunset: held.sunset, age: held.age) : .held(held, body: nil)
            }
        case 206:
            guard case .range(let range) = question else { return await refused(exchange, head) }
            switch OriginHeads.held(head, of: address, range: range) {
            case .failure(let fault):
                exchange.cancel()
                return wrong(fault.text)
            case .success(let held):
                return .held(
                    held, body: OriginBody(stream: stream(exchange), range: range.clamped(to: 0..<held.size)))
            }
        default: return await refused(exchange, head)
        }
    }

    private func refused(_ exchange: OriginExchange, _ head: OriginHead) async -> OriginAnswer {
        let body = await Self.body(of: exchange)
        if let absence = OriginHeads.absence(head, body: body) { return .absent(absence) }
        onFailure(head.status.code >= 500 ? .refused : .wrong)
        let isBusy = head.status.code == 503 || head.status.code == 429
        // An edge on the way says so of its own origin.
        let fault: UpstreamFault = isBusy ? .busy : head.status == .gatewayTimeout ? .unreachable : .failed
        return .failed(fault, "it answered \(head.status.code)")
    }

    /// The Range field for `range`: open where it has no end (RFC 9110 §14.1.2).
    private static func field(_ range: Range<Int64>) -> String {
        "bytes=\(range.lowerBound)-" + (range.upperBound == .max ? "" : "\(range.upperBound - 1)")
    }

    private func wrong(_ text: String) -> OriginAnswer {
        onFailure(.wrong)
        return .failed(.failed, text)
    }

    private static func failure(_ error: OriginError) -> OriginAnswer {
        switch error {
        case .busy: .failed(.busy, error.description)
        case .malformed: .failed(.failed, error.description)
        case .unreachable, .silent, .broken, .closed: .failed(.unreachable, error.description)
        }
    }

    /// The body of a refusal, of which a few KiB in a few pieces are enough.
    private static func body(of exchange: OriginExchange) async -> [UInt8] {
        var body: [UInt8] = []
        for _ in 0..<16 {
            guard body.count < 16 << 10, let bytes = try? await exchange.next(atMost: 16 << 10) else { break }
            body += bytes.readableBytesView
        }
        exchange.cancel()
        return body
    }

    // MARK: Bytes

    func bytes(
        of address: BlobAddress, from start: Int64, to end: Int64, size: Int64
    ) async throws(SourceError) -> any ByteStream {
        var request = OriginRequest(target: "/\(address.hex)", fields: fields)
        let isWhole = start == 0 && end == size
        if !isWhole {
            request.fields[.range] = Self.field(start..<end)
            request.fields[.ifMatch] = "\"\(address.hex)\""
        }
        let (exchange, head): (OriginExchange, OriginHead)
        do throws(OriginError) { (exchange, head) = try await send(request) } catch { throw SourceError(error) }
        guard head.status.code == (isWhole ? 200 : 206) else {
            exchange.cancel()
            switch head.status.code {
            case 404, 410, 412: throw .gone
            case 429, 500...599:
                onFailure(.refused)
                throw .broken("it answered \(head.status.code)")
            default:
                onFailure(.wrong)
                throw .wrong("it answered \(head.status.code) to a request for bytes")
            }
        }
        switch OriginHeads.held(head, of: address, range: start..<end) {
        case .success(let held) where held.size == size: return stream(exchange)
        case .success:
            exchange.cancel()
            onFailure(.wrong)
            throw .wrong("the size has changed")
        case .failure(let fault):
            exchange.cancel()
            onFailure(.wrong)
            throw .wrong(fault.text)
        }
    }

    /// A body. Where it breaks off, the next address is asked for the rest.
    private func stream(_ exchange: OriginExchange) -> OriginStream {
        let index = first.load(ordering: .relaxed)
        return OriginStream(exchange) { [self] error in
            // Ended from this side.
            if case .closed = error { return }
            onFailure(OriginFailure(error))
            moveOn(from: index)
        }
    }

    // MARK: Requests

    /// What every request has.
    private var fields: HTTPFields {
        var fields: HTTPFields = [.via: "1.1 \(name)", .cdnLoop: name]
        if let key { fields[.authorization] = "Bearer \(key)" }
        return fields
    }

    /// Sends a request without a body, to the next address where one does not answer.
    private func send(_ request: OriginRequest) async throws(OriginError) -> (OriginExchange, OriginHead) {
        let start = first.load(ordering: .relaxed)
        var failure = OriginError.closed
        for step in clients.indices {
            let index = (start + step) % clients.count
            do throws(OriginError) {
                let exchange = try await clients[index].open(request)
                let head = try await exchange.head()
                noteDate(head)
                if head.status.code >= 500, step < clients.count - 1 {
                    exchange.cancel()
                    onFailure(.refused)
                    continue
                }
                if step > 0 { first.store(index, ordering: .relaxed) }
                return (exchange, head)
            } catch {
                failure = error
                onFailure(OriginFailure(error))
            }
        }
        throw failure
    }

    /// Learns how the origin's clock stands.
    private func noteDate(_ head: OriginHead) {
        guard let date = head.fields[.date].flatMap({ HTTPDate.parse($0) }) else { return }
        lead.store(date.seconds - wall().seconds, ordering: .relaxed)
    }

    /// Begins to follow the change feed behind `position`; gives what comes of it, and its head. Where it cannot, the next
    /// address is asked first.
    func openFeed(
        after position: ChangePosition?
    ) async throws(OriginError) -> (exchange: OriginExchange, head: OriginHead) {
        let index = first.load(ordering: .relaxed)
        do throws(OriginError) {
            let exchange = try await clients[index].open(
                OriginRequest(target: "/changes" + (position.map { "?after=\($0)" } ?? ""), fields: fields))
            return (exchange, try await exchange.head())
        } catch {
            moveOn(from: index)
            throw error
        }
    }

    /// From now on the address behind this one is asked first.
    private func moveOn(from index: Int) {
        _ = first.compareExchange(expected: index, desired: (index + 1) % clients.count, ordering: .relaxed)
    }

    /// Passes a request on to the address that is asked first. It is never repeated.
    func open(_ request: OriginRequest) async throws(OriginError) -> OriginExchange {
        try await clients[first.load(ordering: .relaxed)].open(request)
    }

    func close() async { for client in clients { await client.close() } }
}

/// How the origin failed; a label of metrics.
package enum OriginFailure: String, CaseIterable, Sendable {
    case unreachable, silent, broken, wrong, refused, busy

    init(_ error: OriginError) {
        switch error {
        case .unreachable: self = .unreachable
        case .silent: self = .silent
        case .broken, .closed: self = .broken
        case .malformed: self = .wrong
        case .busy: self = .busy
        }
    }
}
