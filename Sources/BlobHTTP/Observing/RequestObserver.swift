package import Blobs
package import HTTPTypes
import NIOCore
import Store
package import Telemetry

/// Counts every answered request and, if wanted, logs it. Any thread may call it, event loops included: it costs a few
/// relaxed atomic additions, and one short lock where there is an access log.
package struct RequestObserver: Sendable {
    package let meters: Meters
    /// Nil if requests are not logged.
    package let accessLog: AccessLog?

    package init(meters: Meters, accessLog: AccessLog? = nil) {
        self.meters = meters
        self.accessLog = accessLog
    }

    /// One request has been answered to its end.
    package func note(_ request: AnsweredRequest) {
        meters.requests.count(
            route: request.route, status: request.status, receivedBytes: Int(request.receivedBytes),
            sentBytes: Int(request.sentBytes), time: request.time)
        if let refusal = request.refusal { meters.refusals.add(for: refusal.rawValue) }
        accessLog?.append(request)
    }

    /// A request is about to be answered by a shortcut: past the decoder, or without the router.
    func noteShortcut(_ route: RouteClass) { meters.requests.countShortcut(route: route) }

    /// An upload at a door has been answered. A door has the operator's name.
    func note(uploadAt door: String, refusal: Problem.Code?) {
        switch refusal {
        case nil: meters.slotsFilled.add(for: door)
        case .slotWordMissing, .slotWord, .slotExpired: meters.slotWordsRefused.add(for: door)
        default: break
        }
    }

    /// A read has been answered to its end. The client's address is looked up only where it is logged.
    func note(_ progress: ReadProgress, on sink: any ResponseSink) {
        meters.requests.count(
            route: progress.route, status: progress.status, receivedBytes: 0, sentBytes: Int(progress.sentBytes),
            time: progress.time)
        if let refusal = progress.refusal { meters.refusals.add(for: refusal.rawValue) }
        if let accessLog { accessLog.append(progress.ended(on: sink)) }
    }

    /// A plain read has been answered. What was read is looked up only where it is logged.
    func note(
        _ route: RouteClass, _ subject: @autoclosure () -> ReadSubject, isHead: Bool, status: Int, sentBytes: Int64,
        time: TimeAmount, from client: ClientAddress
    ) {
        let time = Duration.nanoseconds(time.nanoseconds)
        meters.requests.count(route: route, status: status, receivedBytes: 0, sentBytes: Int(sentBytes), time: time)
        guard let accessLog else { return }
        accessLog.append(
            AnsweredRequest(subject(), isHead: isHead, status: status, sentBytes: sentBytes, time: time, client: client)
        )
    }
}

extension Meters {
    /// Instruments with a counter for every problem code.
    package convenience init(codes: [Problem.Code], edge: EdgeMeters? = nil, node: NodeMeters? = nil) {
        self.init(routes: RouteClass.allCases.map(\.name), refusalCodes: codes.map(\.rawValue), edge: edge, node: node)
    }
}

/// What is known about a request once its response has ended: enough to count and log it, and no secret.
package struct AnsweredRequest: Sendable {
    /// The version of HTTP.
    package enum Version: String, Sendable {
        case http1 = "HTTP/1.1"
        case http2 = "HTTP/2"
    }

    package var route: RouteClass
    /// Nil if it could not be read.
    package var method: HTTPRequest.Method?
    package var status: Int
    /// Why it was refused; nil if it was not.
    package var refusal: Problem.Code?
    /// Bytes of an accepted upload.
    package var receivedBytes: Int64
    /// Bytes of the response's body that were written.
    package var sentBytes: Int64
    /// From the head of the request to the end of the response.
    package var time: Duration
    package var blob: BlobAddress?
    /// The slot, where it is below a door that is there.
    package var slot: SlotPath?
    package var client: ClientAddress
    package var version: Version

    package init(
        route: RouteClass, method: HTTPRequest.Method?, status: Int, refusal: Problem.Code? = nil,
        receivedBytes: Int64 = 0, sentBytes: Int64 = 0, time: Duration, blob: BlobAddress? = nil,
        slot: SlotPath? = nil, client: ClientAddress, version: Version = .http1
    ) {
        self.route = route
        self.method = method
        self.status = status
        self.refusal = refusal
        self.receivedBytes = receivedBytes
        self.sentBytes = sentBytes
        self.time = time
        self.blob = blob
        self.slot = slot
        self.client = client
        self.version = version
    }
}

extension AnsweredRequest {
    /// A read that was answered to its end.
    init(
        _ subject: ReadSubject, isHead: Bool, status: Int, refusal: Problem.Code? = nil, sentBytes: Int64,
        time: Duration, client: ClientAddress, version: Version = .http1
    ) {
        self.init(
            route: subject.route, method: isHead ? .head : .get, status: status, refusal: refusal,
            sentBytes: sentBytes, time: time, client: client, version: version)
        switch subject {
        case .blob(let address): blob = address
        case .slot(let path): slot = path
        }
    }
}

extension ReadSubject {
    /// The class under which reads of it are counted.
    var route: RouteClass { if case .slot = self { .slot } else { .blob } }
}
