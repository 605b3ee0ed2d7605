package import Telemetry

/// Where every answered request is counted and, if wanted, written down. Any thread may call it, an event loop too: it
/// costs a few relaxed additions, and with an access log one short lock.
package struct RequestWatch: Sendable {
    package let meters: Meters
    /// Nil if requests are not written down.
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

    /// An answer about a blob has ended. Who asked is looked at only where it is written down.
    func note(_ progress: AnswerProgress, on channel: any AnswerChannel) {
        meters.requests.count(
            route: .blob, status: progress.status, receivedBytes: 0, sentBytes: Int(progress.sentBytes),
            time: progress.time)
        if let refusal = progress.refusal { meters.refusals.add(for: refusal.rawValue) }
        if let accessLog { accessLog.append(progress.ended(on: channel)) }
    }
}

extension Meters {
    /// Meters with every route of this API and these problem codes.
    package convenience init(codes: [Problem.Code]) {
        self.init(routes: RouteClass.allCases.map(\.name), refusalCodes: codes.map(\.rawValue))
    }
}
