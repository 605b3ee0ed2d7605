import Blobs
import HTTPTypes
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Store
import Synchronization
import Telemetry
import Testing

@testable import BlobHTTP

/// Reads on a stream of HTTP/2 that are refused before a store is asked.
@Suite(.timeLimit(.minutes(15))) struct StreamRequestTests {
    private static let blob = "/" + String(repeating: "ab", count: 32)

    private struct Outcome {
        var status: Int?
        var reason: String?
        var hasEnded = false
        /// Whether the request went on to the router.
        var isRouted = false
    }

    /// What a stream answers to `parts`, without any turn of another thread.
    private func outcome(of parts: [HTTPRequestPart], store: any BlobStore) throws -> Outcome {
        let meters = Meters(codes: Problem.Code.allCases)
        let channel = EmbeddedChannel()
        let path = ReadPath(
            store: store, gate: Gate(BlobServerSettings(listen: Authority(host: "127.0.0.1", port: 0))),
            cacheSeconds: 300, limits: .init(), observer: RequestObserver(meters: meters),
            logger: Logger(label: "test"))
        let isRouted = Mutex(false)
        try channel.pipeline.syncOperations.addHandler(
            StreamRequests(
                StreamGuard(limits: ConnectionLimits()), HTTP2WriteBudget(on: channel.eventLoop),
                of: ClientAddress(channel.remoteAddress), cache: path.cache(on: channel.eventLoop)
            ) { _ in isRouted.withLock { $0 = true } })
        for part in parts { try channel.writeInbound(part) }
        channel.embeddedEventLoop.run()
        var outcome = Outcome(isRouted: isRouted.withLock { $0 })
        while let part = try channel.readOutbound(as: HTTPResponsePart.self) {
            switch part {
            case .head(let head): (outcome.status, outcome.reason) = (head.status.code, head.headerFields[.xReason])
            case .body: break
            case .end: outcome.hasEnded = true
            }
        }
        _ = try channel.finish(acceptAlreadyClosed: true)
        return outcome
    }

    private func head(_ method: HTTPRequest.Method, _ path: String, _ fields: HTTPFields = [:]) -> HTTPRequestPart {
        .head(HTTPRequest(method: method, scheme: "https", authority: "x", path: path, headerFields: fields))
    }

    @Test func `a read with a body is refused as soon as that is known`() async throws {
        try await TestServer.run { server in
            for method in [HTTPRequest.Method.get, .head] {
                let announced = try outcome(
                    of: [head(method, Self.blob, [.contentLength: "3"])], store: server.vault)
                #expect(announced.status == 400 && announced.reason == "bad-request" && announced.hasEnded)
                let unannounced = try outcome(
                    of: [
                        head(method, Self.blob), .body(ByteBuffer(string: "abc")), .body(ByteBuffer(string: "def")),
                        .end(nil),
                    ], store: server.vault)
                #expect(unannounced.status == 400 && unannounced.hasEnded && !unannounced.isRouted)
            }
        }
    }

    @Test func `an expectation that cannot be met refuses a read`() async throws {
        try await TestServer.run { server in
            let refused = try outcome(of: [head(.get, Self.blob, [.expect: "x"]), .end(nil)], store: server.vault)
            #expect(refused.status == 417 && refused.reason == "bad-expectation" && !refused.isRouted)
        }
    }

    @Test func `no read goes to the router, and every other request does`() async throws {
        try await TestServer.run { server in
            for fields in [[:], [.expect: "100-continue"], [.contentLength: "0"], [.range: "bytes=0-"]] as [HTTPFields]
            {
                let read = try outcome(of: [head(.get, Self.blob + ".jpg?x", fields)], store: server.vault)
                #expect(!read.isRouted && read.status == nil, "it waits for its end")
            }
            for (method, path) in [(.delete, Self.blob), (.get, Self.blob + "/lease"), (.get, "http://x" + Self.blob)]
                as [(HTTPRequest.Method, String)]
            {
                #expect(try outcome(of: [head(method, path)], store: server.vault).isRouted, "\(method) \(path)")
            }
        }
    }
}
