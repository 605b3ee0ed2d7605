import Blobs
import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Store

/// The handler of a stream's one request: one for a blob is answered right here, every other goes on to the router.
final class StreamRequests: ChannelDuplexHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let stream: StreamGuard
    private let room: StreamRoom
    private let desk: ReadingDesk?
    private let serve: @Sendable (RoutedChannel) -> Void
    private var reading: BlobAnswer?
    private var pending: (address: BlobAddress, question: BlobQuestion)?

    init(
        _ stream: StreamGuard, _ room: StreamRoom, desk: ReadingDesk?,
        serve: @escaping @Sendable (RoutedChannel) -> Void
    ) {
        self.stream = stream
        self.room = room
        self.desk = desk
        self.serve = serve
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        room.leave(self)
        reading?.abandon()
        // It knows this handler's context, which knows this handler: nobody else parts them.
        reading = nil
    }

    /// There is room again on the connection.
    func proceed() { reading?.proceed() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            pending = desk == nil ? nil : Self.blobRequest(head)
            pending?.question.asker = desk?.reads.gate.asker(peer: ClientAddress(context.channel.remoteAddress)) {
                head.headerFields[$0]
            }
            if pending == nil { route(data, context: context) }
        case .end:
            if let (address, question) = pending, let desk {
                let answer = BlobAnswer(desk: desk, channel: StreamAnswers(context, room))
                reading = answer
                room.join(self)
                answer.answer(question, for: address)
                context.flush()
            } else {
                context.fireChannelRead(data)
            }
        case .body: context.fireChannelRead(data)
        }
    }

    /// As `RequestFraming.blobRequest`, of a head that HTTP/2 has framed.
    private static func blobRequest(_ head: HTTPRequest) -> (address: BlobAddress, question: BlobQuestion)? {
        let fields = head.headerFields
        guard head.method == .get || head.method == .head, fields[.expect] == nil,
            fields[.contentLength] == nil || fields[.contentLength] == "0", let path = head.path,
            let address = Route.blob(inTarget: path)
        else { return nil }
        return (address, BlobQuestion(isHead: head.method == .head, fields: fields))
    }

    private func route(_ data: NIOAny, context: ChannelHandlerContext) {
        do {
            serve(try RoutedChannel(wrappingChannelSynchronously: context.channel))
            context.fireChannelRead(data)
        } catch {
            context.close(promise: nil)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(var head) = unwrapOutboundIn(data) else {
            context.write(data, promise: promise)
            return
        }
        // A field of connections that HTTP/1.1 has and HTTP/2 forbids (RFC 9113 §8.2.2).
        head.headerFields[.connection] = nil
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { reading?.proceed() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        reading?.abandon()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if reading == nil { context.fireErrorCaught(error) } else { context.close(promise: nil) }
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let interim = event as? InterimResponse else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        guard interim.status != .continue || stream.awaitsContinue else {
            promise?.succeed()
            return
        }
        let head = HTTPResponse(status: interim.status, headerFields: interim.fields)
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: promise)
    }
}

/// The answer about a blob on one stream of HTTP/2. Used on its event loop alone.
final class StreamAnswers: AnswerChannel {
    private let context: ChannelHandlerContext
    private let room: StreamRoom

    init(_ context: ChannelHandlerContext, _ room: StreamRoom) {
        self.context = context
        self.room = room
    }

    var eventLoop: any EventLoop { context.eventLoop }
    var isWritable: Bool { context.channel.isWritable && room.isOpen }
    var takesFiles: Bool { false }
    var client: ClientAddress { ClientAddress(context.channel.remoteAddress) }
    var version: AnsweredRequest.Version { .http2 }

    func begin(_ blob: ReadyBlob, _ verdict: BlobVerdict, now: Timestamp) {
        let heads = blob.heads(at: now)
        let reading = BlobReading(verdict, shared: heads.fields.shared(by: verdict.status), blob.facts)
        write(reading.status, reading.fields, now)
    }

    func writeWhole(_ blob: ReadyBlob, now: Timestamp) -> Bool { false }

    func refuse(_ problem: Problem, isHead: Bool, now: Timestamp) -> Int {
        let body = problem.body
        var fields = problem.answerFields
        fields.append(contentsOf: CrossOrigin.readFields)
        fields[.contentLength] = String(body.count)
        write(problem.status, fields, now)
        if !isHead { write(ByteBuffer(bytes: body)) }
        end()
        return isHead ? 0 : body.count
    }

    private func write(_ status: HTTPResponse.Status, _ fields: HTTPFields, _ now: Timestamp) {
        var fields = fields
        fields[.date] = HTTPDate.format(now)
        send(.head(HTTPResponse(status: status, headerFields: fields)))
    }

    func write(_ bytes: ByteBuffer) {
        context.write(NIOAny(HTTPResponsePart.body(bytes)), promise: room.count(bytes.readableBytes))
    }

    func write(_ region: FileRegion, promise: EventLoopPromise<Void>) {
        preconditionFailure("HTTP/2 frames bytes that were read")
    }

    func end() { send(.end(nil)) }

    func cut() { context.close(promise: nil) }

    func flush() { context.flush() }

    private func send(_ part: HTTPResponsePart) { context.write(NIOAny(part), promise: nil) }
}
