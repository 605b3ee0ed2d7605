import Blobs
import HTTPTypes
import NIOCore
import Store
import Telemetry

/// Where the responses of one connection, or of one stream of HTTP/2, are written. Used on its event loop only.
protocol ResponseSink: AnyObject {
    var eventLoop: any EventLoop { get }
    /// Whether more can be written without piling up in memory.
    var isWritable: Bool { get }
    /// Whether a file can be sent without being read by us.
    var takesFiles: Bool { get }
    /// The other end of the connection.
    var peer: ClientAddress { get }
    var version: AnsweredRequest.Version { get }

    /// Writes the head of a response about a blob.
    func begin(_ blob: CachedBlob, _ decision: ReadDecision, now: Timestamp)
    /// Writes the whole response to a plain request for a blob in memory, head and end included; false where this sink
    /// has no shortcut for that.
    func writeWhole(_ blob: CachedBlob, now: Timestamp) -> Bool
    /// Writes a refusal, head and end included; returns the bytes of its body.
    func refuse(_ problem: Problem, isHead: Bool, now: Timestamp) -> Int
    /// Writes bytes of the body.
    func write(_ bytes: ByteBuffer)
    /// Writes bytes of the body; the promise is kept when they have left the process.
    func write(_ region: FileRegion, promise: EventLoopPromise<Void>)
    /// The response has been written to its end.
    func end()
    /// The response cannot be completed, and the client must notice.
    func abort()
    /// Sends what was written.
    func flush()
}

/// The progress of the response to one read, for metrics and the access log.
struct ReadProgress {
    let subject: ReadSubject
    let isHead: Bool
    /// Who asks, where a proxy may have said so or rates are counted.
    let client: ClientAddress?
    var begun = NIODeadline.now()
    var status = 0
    var refusal: Problem.Code?
    /// Bytes of the body written so far.
    var sentBytes: Int64 = 0

    /// From the end of the request until now.
    var time: Duration { .nanoseconds((NIODeadline.now() - begun).nanoseconds) }

    var route: RouteClass { subject.route }

    /// The record of the response, which has ended now.
    func ended(on sink: any ResponseSink) -> AnsweredRequest {
        AnsweredRequest(
            subject, isHead: isHead, status: status, refusal: refusal, sentBytes: sentBytes, time: time,
            client: client ?? sink.peer, version: sink.version)
    }
}
