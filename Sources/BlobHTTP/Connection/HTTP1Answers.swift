import Blobs
import HTTPTypes
import NIOCore

/// The answers about blobs on one connection of HTTP/1.1, written as bytes, past NIO's codec. The connection's state
/// says whether each is the last. Used on its event loop alone.
final class HTTP1Answers: AnswerChannel {
    let eventLoop: any EventLoop
    /// Whether files can leave by `sendfile`: not where they have to be encrypted.
    let takesFiles: Bool
    private let connection: ConnectionGuard

    init(_ connection: ConnectionGuard, on eventLoop: any EventLoop, takesFiles: Bool) {
        self.connection = connection
        self.eventLoop = eventLoop
        self.takesFiles = takesFiles
    }

    var isWritable: Bool { connection.isWritable }
    var client: ClientAddress { ClientAddress(connection.remoteAddress) }
    var version: AnsweredRequest.Version { .http1 }

    func writeWhole(_ blob: ReadyBlob, now: Timestamp) -> Bool {
        let persistence = connection.state.beginAnswer(asksToClose: false, now: .now())
        if persistence == .keepAlive(isHTTP10: false) {
            connection.send(.byteBuffer(blob.heads(at: now).whole))
        } else {
            writeHead(blob, BlobVerdict(status: .ok, body: .whole), persistence, now)
            if let body = blob.body { connection.send(.byteBuffer(body)) }
        }
        end()
        return true
    }

    func begin(_ blob: ReadyBlob, _ verdict: BlobVerdict, now: Timestamp) {
        writeHead(blob, verdict, connection.state.beginAnswer(asksToClose: false, now: .now()), now)
    }

    private func writeHead(
        _ blob: ReadyBlob, _ verdict: BlobVerdict, _ persistence: ConnectionState.Persistence, _ now: Timestamp
    ) {
        var head = ByteBufferAllocator().buffer(capacity: 1024)
        head.writeImmutableBuffer(blob.heads(at: now).beginning(verdict.status))
        HTTP1Head.end(&head, verdict, blob.facts, persistence)
        write(head)
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

    func cut() { connection.close() }

    func flush() { connection.flush() }
}
