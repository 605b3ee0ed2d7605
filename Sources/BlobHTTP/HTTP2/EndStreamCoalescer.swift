import NIOCore
import NIOHPACK
import NIOHTTP2

/// The first handler of a stream: it sets END_STREAM on the last frame of a response, where the handler above would
/// send an empty frame after it.
///
/// A client that has as many bytes as `Content-Length` says is done. libcurl then resets a stream that has not ended
/// yet, and a client that resets hundreds of streams looks like a flood (RFC 9113 §10.5).
final class EndStreamCoalescer: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private var isHead = false
    /// Bytes of the response to come, where it has announced how many.
    private var remaining: Int?
    /// The frame after which only the end is to come.
    private var held: (frame: HTTP2Frame.FramePayload, promise: EventLoopPromise<Void>?)?

    func handlerRemoved(context: ChannelHandlerContext) {
        held?.promise?.fail(ChannelError.eof)
        held = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .headers(let headers) = unwrapInboundIn(data), let method = headers.headers.first(name: ":method") {
            isHead = method == "HEAD"
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let frame = unwrapOutboundIn(data)
        if let (last, earlier) = held {
            held = nil
            if frame.isBareEnd {
                promise?.futureResult.cascade(to: earlier)
                return context.write(wrapOutboundOut(last.ending), promise: promise ?? earlier)
            }
            context.write(wrapOutboundOut(last), promise: earlier)
        }
        switch frame {
        case .headers(let headers): remaining = Self.bodyBytes(after: headers, isHead: isHead)
        case .data(let data): remaining = remaining.map { $0 - data.data.readableBytes }
        default: remaining = nil
        }
        if remaining == 0, !frame.endsStream {
            held = (frame, promise)
        } else {
            context.write(data, promise: promise)
        }
    }

    /// Bytes of the body that follows `headers`, where that is known (RFC 9110 §6.4.1 and §8.6).
    private static func bodyBytes(after headers: HTTP2Frame.FramePayload.Headers, isHead: Bool) -> Int? {
        guard let status = headers.headers.first(name: ":status"), !status.hasPrefix("1") else { return nil }
        if isHead || status == "204" || status == "304" { return 0 }
        return headers.headers.first(name: "content-length").flatMap { Int($0) }
    }
}

extension HTTP2Frame.FramePayload {
    fileprivate var endsStream: Bool {
        switch self {
        case .headers(let headers): headers.endStream
        case .data(let data): data.endStream
        default: true
        }
    }

    /// Whether the frame is empty but for END_STREAM.
    fileprivate var isBareEnd: Bool {
        if case .data(let data) = self { data.endStream && data.data.readableBytes == 0 } else { false }
    }

    /// The same frame with END_STREAM.
    fileprivate var ending: Self {
        switch self {
        case .headers(var headers):
            headers.endStream = true
            return .headers(headers)
        case .data(var data):
            data.endStream = true
            return .data(data)
        default: return self
        }
    }
}
