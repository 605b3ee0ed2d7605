import Blobs
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Store

/// Answers the requests of a channel with a responder, one after another, in a task.
struct RoutedRequests: HTTPChannelHandler {
    typealias Value = RoutedChannel

    let responder: Responder

    /// `now` dates the answers.
    init<Answering: HTTPResponder>(_ answering: Answering, logger: Logger, now: @escaping @Sendable () -> Timestamp)
    where Answering.Context == RequestScope {
        responder = { request, writer, channel in
            let scope = RequestScope(channel: channel, logger: logger)
            var response = try await answering.respond(to: request, context: scope)
            response.headers[.date] = HTTPDate.format(now())
            try await writer.write(response: response.head, body: response.body)
        }
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            try RoutedChannel(wrappingChannelSynchronously: channel, configuration: RouterPart.configuration)
        }
    }

    /// Serves the channel until it ends; a cancelled task closes it, whoever still reads. All of it runs on the channel's
    /// own event loop, so that no request changes threads but for work that blocks.
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
