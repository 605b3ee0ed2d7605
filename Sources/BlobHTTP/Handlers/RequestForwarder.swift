package import Hummingbird
package import Store

/// What becomes of requests that change something, or that ask about leases, uploads and quotas.
package enum WriteAccess: Sendable {
    /// This store does what they ask.
    case store(any ResumableStore)
    /// Another server answers them.
    case forwarded(any RequestForwarder)
    /// They are refused: this server only reads.
    case refused

    /// Why the store that takes writes cannot do its work, or else the one that is read.
    func unreadiness(or reads: any BlobStore) async -> String? {
        if case .store(let store) = self { await store.unreadiness() } else { await reads.unreadiness() }
    }
}

/// Has requests answered by another server: what an edge does with all that it cannot answer from its cache.
package protocol RequestForwarder: Sendable {
    /// The other server's answer, status, fields and body as they are. The request's body is read at the pace at which it
    /// is passed on; interim answers go out by `scope`. Credentials have not been judged: that is for the other server.
    func forward(_ request: Request, from client: ClientAddress, in scope: RequestScope) async throws -> Response
}
