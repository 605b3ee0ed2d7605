import Blobs
import EventLoops
package import HTTPTypes
import HummingbirdCore
package import Logging
package import NIOCore
import NIOHTTPTypes
import Store

/// A connection, or a stream of HTTP/2, on which the router answers.
struct RoutedChannel: Sendable {
    typealias Parts = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    let parts: Parts
    /// The other end of the connection. The channel forgets it when it is closed, which may be before it is asked.
    let peer: ClientAddress
}

/// Answers the requests of a connection or stream, one after another, in a task.
struct RoutedRequests: Sendable {
    private let respond: @Sendable (Request, RequestScope) async throws -> Response
    private let logger: Logger
    /// Dates the responses.
    let now: @Sendable () -> Timestamp

    init(
        _ respond: @escaping @Sendable (Request, RequestScope) async throws -> Response, logger: Logger,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.respond = respond
        self.logger = logger
        self.now = now
    }

    /// Serves the channel until it ends; a cancelled task closes it, even while a client is still reading. All of it
    /// runs on the channel's own event loop, so that a request changes threads only for work that blocks.
    func serve(_ routed: RoutedChannel) async {
        let channel = routed.parts.channel
        let requests = ChannelRequests { [respond, logger, now] request, writer, channel in
            let scope = RequestScope(channel: channel, peer: routed.peer, logger: logger)
            var response = try await respond(request, scope)
            response.headers[.date] = HTTPDate.format(now())
            try await writer.write(response: response.head, body: response.body)
        }
        await withTaskCancellationHandler {
            await withTaskExecutorPreference(LoopExecutor(channel.eventLoop)) {
                await requests.handle(value: routed.parts, logger: logger)
            }
        } onCancel: {
            channel.close(promise: nil)
        }
    }
}

/// The loop over the requests of one channel, which is Hummingbird's.
private struct ChannelRequests: HTTPChannelHandler {
    let responder: Responder

    init(_ responder: @escaping Responder) {
        self.responder = responder
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<RoutedChannel.Parts> {
        channel.eventLoop.makeCompletedFuture { try RoutedChannel.Parts(wrappingChannelSynchronously: channel) }
    }

    func handle(value: RoutedChannel.Parts, logger: Logger) async {
        await handleHTTP(asyncChannel: value, logger: logger)
    }
}

/// The context of one request: its connection and its logger.
package struct RequestScope: Sendable {
    package let channel: any Channel
    /// The other end of the connection: a client, or a proxy.
    let peer: ClientAddress
    package let logger: Logger

    /// The connection does not count for the share of its client any more.
    func releaseShare() { channel.triggerUserOutboundEvent(EdgeShownEvent(), promise: nil) }

    /// Asks the client for a body that it may be holding back (RFC 9110 §10.1.1). Called before the body is read.
    package func sendContinue() {
        channel.triggerUserOutboundEvent(InterimResponse(status: .continue, fields: [:]), promise: nil)
    }

    /// Sends an interim response before the final one (RFC 9110 §15.2).
    package func sendInterim(_ status: HTTPResponse.Status, _ fields: HTTPFields) {
        channel.triggerUserOutboundEvent(InterimResponse(status: status, fields: fields), promise: nil)
    }
}

/// An outbound event that sends an interim response. Clients of HTTP/1.0 do not get any, and clients that do not wait
/// for `100 Continue` do not get that.
struct InterimResponse: Sendable {
    let status: HTTPResponse.Status
    let fields: HTTPFields
}
