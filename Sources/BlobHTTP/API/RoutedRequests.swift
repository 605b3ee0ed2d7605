import Blobs
import EventLoops
package import HTTPTypes
import HummingbirdCore
package import Logging
package import NIOCore
import Store

/// Answers the requests of a connection or stream, one after another, in a task.
struct RoutedRequests: HTTPChannelHandler {
    typealias Value = RoutedChannel

    let responder: Responder
    /// Dates the responses.
    let now: @Sendable () -> Timestamp

    init(
        _ respond: @escaping @Sendable (Request, RequestScope) async throws -> Response, logger: Logger,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.now = now
        responder = { request, writer, channel in
            let scope = RequestScope(channel: channel, logger: logger)
            var response = try await respond(request, scope)
            response.headers[.date] = HTTPDate.format(now())
            try await writer.write(response: response.head, body: response.body)
        }
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            try RoutedChannel(wrappingChannelSynchronously: channel, configuration: LazyRouterPipeline.configuration)
        }
    }

    /// Serves the channel until it ends; a cancelled task closes it, even while a client is still reading. All of it
    /// runs on the channel's own event loop, so that a request changes threads only for work that blocks.
    func handle(value: Value, logger: Logger) async {
        await withTaskCancellationHandler {
            await withTaskExecutorPreference(LoopExecutor(value.channel.eventLoop)) {
                await handleHTTP(asyncChannel: value, logger: logger)
            }
        } onCancel: {
            value.channel.close(promise: nil)
        }
    }
}

/// The context of one request: its connection and its logger.
package struct RequestScope: Sendable {
    package let channel: any Channel
    package let logger: Logger

    /// The other end of the connection: a client, or a proxy.
    var peer: ClientAddress { ClientAddress(channel.remoteAddress) }

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
