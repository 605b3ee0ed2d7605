package import NIOHTTP1

/// Why a request could not be read to its end.
package enum ConnectionFailure: Error, Hashable, Sendable {
    /// Not HTTP/1, or not one reading of it.
    case malformed(String)
    case headerTooLarge
    case slowHeader
    case slowBody
    /// The client went away in the middle of a body.
    case disconnected

    /// From what the decoder found.
    package init(_ error: HTTPParserError) {
        self = error == .headerOverflow ? .headerTooLarge : .malformed("It does not parse as HTTP/1.1.")
    }

    /// What the client is told, if it still listens.
    package var problem: Problem {
        switch self {
        case .malformed(let why): Problem(.badRequest, detail: why)
        case .headerTooLarge: Problem(.headerTooLarge)
        case .slowHeader, .slowBody: Problem(.timeout)
        case .disconnected: Problem(.badRequest, detail: "The body ended early.")
        }
    }
}
