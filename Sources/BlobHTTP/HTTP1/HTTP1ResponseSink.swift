import Blobs
import HTTPTypes
import NIOCore
import NIOHTTP1
import Store

/// Writes the responses about blobs on one connection of HTTP/1.1 as bytes, past NIO's codec. The connection's state
/// says whether each is the last. Used on its event loop only.
final class HTTP1ResponseSink: ResponseSink {
    let eventLoop: any EventLoop
    /// Whether files can be sent by `sendfile`: not where they have to be encrypted.
    let takesFiles: Bool
    private let connection: ConnectionGuard
    private let dates = DateText()

    init(_ connection: ConnectionGuard, on eventLoop: any EventLoop, takesFiles: Bool) {
        self.connection = connection
        self.eventLoop = eventLoop
        self.takesFiles = takesFiles
    }

    var isWritable: Bool { connection.isWritable }
    var peer: ClientAddress { connection.peer }
    var version: AnsweredRequest.Version { .http1 }

    func writeWhole(_ blob: CachedBlob, now: Timestamp) -> Bool {
        let isMade = writeHead(blob, ReadDecision(status: .ok, body: .whole), now: now)
        if !isMade, let body = blob.body { write(body) }
        end()
        return true
    }

    func begin(_ blob: CachedBlob, _ decision: ReadDecision, now: Timestamp) {
        _ = writeHead(blob, decision, now: now)
    }

    /// Writes the head that was made beforehand, with the body where that is in memory: true. Or, where the response
    /// has lines of its own, a head for this response only: false.
    private func writeHead(_ blob: CachedBlob, _ decision: ReadDecision, now: Timestamp) -> Bool {
        let persistence = connection.state.beginAnswer(asksToClose: false, now: .now())
        let heads = blob.heads(at: now)
        if persistence == .keepAlive(isHTTP10: false), let made = heads.whole(decision) {
            write(made)
            return true
        }
        var head = ByteBufferAllocator().buffer(capacity: 1024)
        head.writeImmutableBuffer(heads.beginning(decision.status))
        HTTP1Head.end(&head, decision, blob.metadata, persistence)
        write(head)
        return false
    }

    func refuse(_ problem: Problem, isHead: Bool, now: Timestamp) -> Int {
        let persistence = connection.state.beginAnswer(asksToClose: false, now: .now())
        let body = problem.body
        var head = HTTP1Head.statusLine(problem.status) + "Date: \(HTTPDate.format(now))\r\n"
        head += HTTP1Head.lines(problem.answerFields) + HTTP1Head.lines(CrossOrigin.readFields)
        head += "Content-Length: \(body.count)\r\n" + HTTP1Head.line(persistence) + "\r\n"
        var answer = ByteBuffer(string: head)
        if !isHead { answer.writeBytes(body) }
        write(answer)
        end()
        return isHead ? 0 : body.count
    }

    /// Writes a response that is not about reading a blob, head and end included; false where it is the last one.
    func write(_ answer: ShortAnswer, now: Timestamp) -> Bool {
        let persistence = connection.state.beginAnswer(asksToClose: answer.closes, now: .now())
        var bytes = ByteBufferAllocator().buffer(capacity: 1024 + answer.body.count)
        // In the words of NIO's encoder, which writes those of the router.
        let status = HTTPResponseStatus(statusCode: answer.status.code, reasonPhrase: answer.status.reasonPhrase)
        bytes.writeString("HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n")
        for field in answer.fields { HTTP1Head.write(field.name.rawName, field.value, to: &bytes) }
        HTTP1Head.write("Date", dates.text(at: now), to: &bytes)
        bytes.writeString(HTTP1Head.line(persistence))
        bytes.writeStaticString("\r\n")
        bytes.writeBytes(answer.body)
        write(bytes)
        end()
        return persistence != .close && persistence != .none
    }

    func write(_ bytes: ByteBuffer) {
        if connection.state.isAnswering { connection.send(.byteBuffer(bytes)) }
    }

    func write(_ region: FileRegion, promise: EventLoopPromise<Void>) {
        if connection.state.isAnswering {
            connection.send(.fileRegion(region), promise: promise)
        } else {
            promise.fail(ChannelError.ioOnClosedChannel)
        }
    }

    func end() {
        let after = connection.state.endAnswer(now: .now())
        if after != .keepOpen { connection.closeWhenSent(lingering: after == .linger) }
    }

    func abort() { connection.close() }

    func flush() { connection.flush() }
}
