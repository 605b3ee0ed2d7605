package import Blobs
package import HummingbirdCore
package import Logging
package import NIOCore
import NIOPosix
package import ServiceLifecycle
package import Store
import Synchronization
package import Telemetry
package import Tickets

/// Where a server listens, and its limits.
package struct BlobServerSettings: Sendable {
    /// An IP address or host name, and a port; port 0 is any free one.
    package var listen: Authority
    /// The listener for operators; nil for none.
    package var adminListen: Authority?
    /// Certificate and key for TLS, which the public listener then requires; nil for plain HTTP.
    package var identity: TLSIdentity?
    /// How clients find this server; nil for the bound address.
    package var publicURL: PublicURL?
    /// Where else they find its blobs; uploads are answered with these.
    package var mirrors: [PublicURL] = []
    /// Verifies tickets; nil to let anybody upload.
    package var tickets: TicketVerifier?
    /// The keys of edges, which may then follow changes; nil for no edges.
    package var edgeKeys: EdgeKeys?
    /// What is allowed at the doors of chat servers; nil for no doors.
    package var slots: SlotSettings?
    /// What there is for browsers.
    package var pages = PageOffer.openAndSend
    package var proxies = TrustedProxies()
    /// Whether resumable uploads are named in an interim response (104), which not every proxy passes on.
    package var sends104 = true
    /// Rate limits for each address and each ticket subject.
    package var addressRates = RateLimits()
    package var subjectRates = RateLimits()
    /// What those rates go by.
    package var rateClock: @Sendable () -> NIODeadline = { .now() }
    /// How long caches may keep a blob at most, in seconds.
    package var cacheSeconds: Int64 = 300
    /// Connections that are open at once; more wait to be accepted.
    package var connectionLimit = 10_000
    /// Bytes that may wait on all of them together: requests for their turn, responses for their clients.
    package var connectionBytes = 256 << 20
    /// Connections that may wait to be accepted.
    package var backlog = 1024
    /// Files of blobs that each event loop keeps open, which takes two descriptors each.
    package var readyFiles = 1024
    package var connections = ConnectionLimits()
    /// Blobs that another store is asked for at once, which clients share; nil where there is none.
    package var fetchLimit: Int?

    package init(listen: Authority) {
        self.listen = listen
    }
}

/// The HTTP servers in front of a store, as services: the public one and, if wanted, the one for operators.
///
/// Graceful shutdown stops accepting, closes idle connections and lets responses in progress finish.
package struct BlobServer: Sendable {
    /// How clients find this server; correct from the moment it listens.
    package let publicURL: PublicURLBox
    package let services: [any Service]

    /// Blobs are read from `reads`; everything that changes something goes to `writes`, which may be the same store.
    /// Edges follow `changes`; nil for no feed. `drained` takes requests to the server that this one takes over from, for
    /// what its own store knows nothing of; nil where there is none.
    ///
    /// `onListening` is called once for each listener, when it accepts connections, with the IP address and the port that
    /// it is bound to; where it throws, the server ends. `gcStatus` is called whenever an operator asks about garbage
    /// collection, `readings` whenever one asks for metrics.
    package init(
        reads: any BlobStore, writes: WriteAccess, changes: (any ChangeFeed)? = nil,
        drained: (any RequestForwarder)? = nil, settings: BlobServerSettings, logger: Logger,
        observer: RequestObserver,
        readings: @escaping @Sendable () async -> Readings,
        gcStatus: @escaping @Sendable () -> GCStatus,
        onListening: @escaping @Sendable (Listener, Authority) async throws -> Void
    ) {
        let identity = settings.identity
        let scheme = identity == nil ? HTTPOrigin.Scheme.http : .https
        let box = PublicURLBox(
            settings.publicURL
                ?? PublicURL(listeningAt: settings.listen, scheme: scheme))
        var gate = Gate(settings)
        if settings.slots != nil { gate.refusedWords = RefusedWords(logger: logger) }
        let responder = BlobResponder(
            reads: reads, writes: writes, drained: drained, publicURL: box, mirrors: settings.mirrors, gate: gate,
            changes: changes, pages: PageShelf(settings, canSend: writes.areTaken), sends104: settings.sends104,
            observer: observer)
        let path = ReadPath(
            store: reads, slots: SlotReads(settings.slots, writes), gate: gate, cacheSeconds: settings.cacheSeconds,
            limits: .init(files: settings.readyFiles),
            fetches: settings.fetchLimit.map { ClientShares(limit: $0) }, observer: observer, logger: logger)
        var uploads: SmallUploads?
        if case .store(let store) = writes {
            uploads = SmallUploads(
                store: store, gate: gate, publicURL: box, mirrors: settings.mirrors, observer: observer, logger: logger)
        }
        let isDerived = settings.publicURL == nil
        var services: [any Service] = [
            BlobListener(
                address: settings.listen, settings: settings, reads: path, uploads: uploads, identity: identity,
                requests: RoutedRequests(responder.respond, logger: logger) { reads.now() }
            ) { bound in
                if isDerived {
                    box.value = PublicURL(
                        listeningAt: Authority(host: settings.listen.host, port: bound.port), scheme: scheme)
                }
                try await onListening(.blobs, bound)
            }
        ]
        if let adminListen = settings.adminListen {
            let responder = AdminResponder(
                listening: adminListen, reads: reads, writes: writes, isDraining: drained != nil, publicURL: box,
                gcStatus: gcStatus, meters: observer.meters, readings: readings)
            services.append(
                BlobListener(
                    address: adminListen, settings: settings, reads: nil, uploads: nil, identity: nil,
                    requests: RoutedRequests(responder.respond, logger: logger) { reads.now() }
                ) { bound in try await onListening(.admin, bound) })
        }
        publicURL = box
        self.services = services
    }

    package enum Listener: Sendable {
        case blobs, admin
    }

    /// Throws where a server with these settings could not listen now; nobody is served. It costs less than to find out
    /// when the store is open.
    package static func tryListening(_ settings: BlobServerSettings) throws(ListenError) {
        let addresses = [settings.listen, settings.adminListen].compactMap(\.self)
        var acceptors: [Acceptor] = []
        defer { for acceptor in acceptors { acceptor.end() } }
        for address in addresses { acceptors.append(try Acceptor(address, backlog: 1)) }
    }
}

extension PageShelf {
    /// A page may be asked for under another of the server's names than the one that its uploads are answered with.
    init(_ settings: BlobServerSettings, canSend: Bool) {
        self.init(
            settings.pages, canSend: canSend,
            connectingTo: ([settings.publicURL].compactMap(\.self) + settings.mirrors).map(\.origin))
    }
}

extension Gate {
    init(_ settings: BlobServerSettings) {
        writers =
            settings.tickets.map { .ticketed($0) } ?? .anonymous(AnonymousWritePolicy(listening: settings.listen))
        edges = settings.edgeKeys
        slots = settings.slots
        proxies = settings.proxies
        sharesFetches = settings.fetchLimit != nil
        limiter = RateLimiter(
            perAddress: settings.addressRates, perSubject: settings.subjectRates, clock: settings.rateClock)
    }
}

/// The URL of this server. Without a setting it is the bound address, which is known only once there is a socket.
package final class PublicURLBox: Sendable {
    private let url: Mutex<PublicURL>

    package init(_ url: PublicURL) {
        self.url = Mutex(url)
    }

    package var value: PublicURL {
        get { url.withLock { $0 } }
        set { url.withLock { $0 = newValue } }
    }
}

/// What happens to requests that change something, or that ask about leases, uploads and quotas.
package enum WriteAccess: Sendable {
    /// This store handles them.
    case store(any LeaseStore)
    /// Another server handles them.
    case forwarded(any RequestForwarder)
    /// They are refused: this server is read-only.
    case refused

    /// Whether anybody takes them.
    var areTaken: Bool { if case .refused = self { false } else { true } }

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

/// Where this server is found: scheme, host and port, and perhaps a path before every name. Absolute URLs are made
/// from this only, never from what a request claims.
package struct PublicURL: Hashable, Sendable, CustomStringConvertible {
    /// `scheme://host[:port]`, in lower case, as an Origin field names it (RFC 6454 §6.2).
    package let origin: String
    /// The host without the brackets of an IPv6 literal.
    package let host: String
    /// Empty, or a path that begins with a slash and does not end with one.
    package let path: String

    /// Reads `http://host[:port][/path]` or the same with `https`; nil for anything else, a query or a user included.
    package init?(_ text: String) {
        guard let (scheme, rest) = HTTPOrigin.splitScheme(text) else { return nil }
        let isPlain = rest.utf8.allSatisfy { (0x21...0x7e).contains($0) && !"?#@\\\"<>".utf8.contains($0) }
        let authority = rest.prefix { $0 != "/" }
        guard isPlain, let parsed = Authority(authority), !parsed.host.isEmpty else { return nil }
        var path = String(rest.dropFirst(authority.count))
        while path.hasSuffix("/") { path.removeLast() }
        self.init(HTTPOrigin(scheme: scheme, host: parsed.host, port: parsed.port ?? scheme.defaultPort), path: path)
    }

    /// The URL of a server that listens at an IP address or a host's name.
    package init(listeningAt address: Authority, scheme: HTTPOrigin.Scheme = .http) {
        let port = address.port ?? scheme.defaultPort
        self.init(HTTPOrigin(scheme: scheme, host: address.host.lowercased(), port: port), path: "")
    }

    private init(_ origin: HTTPOrigin, path: String) {
        self.origin = origin.description
        host = origin.host
        self.path = path
    }

    package var description: String { origin + path }

    /// Whether a Host field has its host, with its port or none, as they stand in the URL; else it may still have them.
    func isCalled(_ text: String) -> Bool {
        if text == host { return !host.utf8.contains(UInt8(ascii: ":")) }
        let (own, other) = (origin.utf8, text.utf8)
        return own.count > other.count + 3 && own.suffix(other.count).elementsEqual(other)
            && own.dropLast(other.count).suffix(3).elementsEqual("://".utf8)
    }
}
