package import NIOHTTP1

/// Limits of a single connection, in bytes and time.
package struct ConnectionLimits: Sendable {
    /// Bytes of a request's target and fields together.
    package var headerBytes = 32 * 1024
    /// From the first byte of a request to the end of its fields.
    package var headerTimeout: Duration = .seconds(10)
    /// Between requests.
    package var idleTimeout: Duration = .seconds(75)
    /// The lowest speed of an upload, while the server is waiting for the client.
    package var uploadBytesPerSecond = 1024
    /// How long an upload may stay below its lowest speed.
    package var uploadPatience: Duration = .seconds(60)
    /// How long a response may make no progress because the client does not read.
    package var writeTimeout: Duration = .seconds(60)
    /// Bytes that are read and discarded after a response that ends the connection, so that a reset does not lose it.
    package var drainBytes = 1024 * 1024
    /// How long that may take.
    package var drainTimeout: Duration = .seconds(2)

    package init() {}
}

/// Why a request could not be read to its end.
package enum ConnectionFailure: Error, Hashable, Sendable {
    /// Not HTTP/1, or ambiguous.
    case malformed(String)
    case headerTooLarge
    case slowHeader
    case slowBody
    /// The client disconnected in the middle of a body.
    case disconnected

    /// From an error of the decoder.
    package init(_ error: HTTPParserError) {
        self = error == .headerOverflow ? .headerTooLarge : .malformed("It cannot be parsed as HTTP/1.1.")
    }

    /// The response, if the client is still there.
    package var problem: Problem {
        switch self {
        case .malformed(let why): Problem(.badRequest, detail: why)
        case .headerTooLarge: Problem(.headerTooLarge)
        case .slowHeader, .slowBody: Problem(.timeout)
        case .disconnected: Problem(.badRequest, detail: "The body ended early.")
        }
    }
}
