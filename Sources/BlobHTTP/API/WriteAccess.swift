package import HummingbirdCore
package import Store

/// What happens to requests that change something, or that ask about leases, uploads and quotas.
package enum WriteAccess: Sendable {
    /// This store handles them.
    case store(any ResumableStore)
    /// Another server handles them.
    case forwarded(any RequestForwarder)
    /// They are refused: this server is read-only.
    case refused

    /// Why the store that takes writes, or else the one that is read, cannot do its work.
    func unreadiness(or reads: any BlobStore) async -> String? {
        if case .store(let store) = self { await store.unreadiness() } else { await reads.unreadiness() }
    }
}

/// Hands requests on to another server: what an edge does with everything that it cannot answer from its cache.
package protocol RequestForwarder: Sendable {
    /// The response of the other server, with status, fields and body as they are. The body of the request is read at
    /// the pace at which it is sent on; interim responses are sent through `scope`. Credentials have not been checked:
    /// that is for the other server to do.
    func forward(_ request: Request, from client: ClientAddress, in scope: RequestScope) async throws -> Response
}
