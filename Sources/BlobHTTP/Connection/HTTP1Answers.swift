import Blobs
import HTTPTypes
import NIOCore
import Store

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
        let isMade = writeHead(blob, BlobVerdict(status: .ok, body: .whole), now: now)
        if !isMade, let body = blob.body { write(body) }
        end()
        return true
    }

    func begin(_ blob: ReadyBlob, _ verdict: BlobVerdict, now: Timestamp) {
        _ = writeHead(blob, verdict, now: now)
    }

    /// Writes the head as it was made beforehand, if the answer has nothing of its own in it, and then the body
    /// with it where that is in memory: true. Or a head for this answer alone: false.
    private func writeHead(_ blob: ReadyBlob, _ verdict: BlobVerdict, now: Timestamp) -> Bool {
        let persistence = connection.state.beginAnswer(asksToClose: false, now: .now())
        let heads = blob.heads(at: now)
        if persistence == .keepAlive(isHTTP10: false), let made = heads.whole(verdict) {
            write(made)
            return true
        }
        var head = ByteBufferAllocator().buffer(capacity: 1024)
        head.writeImmutableBuffer(heads.beginning(verdict.status))
        HTTP1Head.end(&head, verdict, blob.facts, persistence)
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
