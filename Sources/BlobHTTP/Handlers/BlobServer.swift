import Blobs
package import Logging
package import ServiceLifecycle
package import Store
package import Telemetry
package import Tickets

/// What a server listens at and how much it lets in.
package struct BlobServerSettings: Sendable {
    /// An IP address or a host's name, and a port; port 0 takes any that is free.
    package var listen: Authority
    /// Where health is told in detail; nil for nowhere.
    package var adminListen: Authority?
    /// Who the server is over TLS, which is then all that the public listener speaks; nil for plain HTTP.
    package var identity: TLSIdentity?
    /// How clients find this server; nil for the bound address.
    package var publicURL: PublicURL?
    package var allowsAnonymousUploads = false
    /// Judges tickets; nil for anonymous mode.
    package var tickets: TicketVerifier?
    package var proxies = TrustedProxies()
    /// Rates of each address and of each ticket's subject.
    package var addressRates = RateLimits()
    package var subjectRates = RateLimits()
    /// The longest that caches may keep an answer, in seconds.
    package var cacheSeconds: Int64 = 300
    /// Connections open at once; more wait to be accepted.
    package var connectionLimit = 10_000
    /// Connections that may wait to be accepted.
    package var backlog = 1024
    /// Files of blobs that each event loop keeps open, with two descriptors each.
    package var readyFiles = 1024
    package var connections = ConnectionLimits()

    package init(listen: Authority) {
        self.listen = listen
    }
}

/// The HTTP servers in front of a store, as services: the public one and, if wanted, the one for operators.
///
/// Graceful shutdown stops accepting, ends idle connections and lets answers under way be finished.
package struct BlobServer: Sendable {
    /// How clients find this server; true from the moment it listens.
    package let publicURL: PublicURLBox
    package let services: [any Service]

    /// Blobs are read from `reads`; everything that changes something goes to `writes`, which may be the same store.
    ///
    /// `onListening` is called once for each listener, when it accepts connections, with what it is bound to; `gcStatus`
    /// whenever an operator asks how garbage collection stands, `readings` whenever one asks for metrics.
    package init(
        reads: any BlobStore, writes: WriteAccess, settings: BlobServerSettings, logger: Logger, watch: RequestWatch,
        readings: @escaping @Sendable () async -> Readings,
        gcStatus: @escaping @Sendable () -> GCStatus,
        onListening: @escaping @Sendable (Listener, Authority) async -> Void
    ) {
        let identity = settings.identity
        let box = PublicURLBox(
            settings.publicURL
                ?? PublicURL(
                    listeningAt: settings.listen.host, port: settings.listen.port ?? 0,
                    scheme: identity == nil ? "http" : "https"))
        let gate = Gate(settings)
        let responder = BlobResponder(
            reads: reads, writes: writes, publicURL: box, gate: gate, watch: watch)
        let path = BlobReads(
            store: reads, gate: gate, cacheSeconds: settings.cacheSeconds, limits: .init(files: settings.readyFiles),
            watch: watch, logger: logger)
        let isDerived = settings.publicURL == nil
        let scheme = identity == nil ? "http" : "https"
        var services: [any Service] = [
            BlobListener(
                address: settings.listen, settings: settings, reads: path, identity: identity,
                requests: RoutedRequests(responder, logger: logger) { reads.now() }, logger: logger
            ) { bound in
                if isDerived { box.value = PublicURL(listeningAt: bound.host, port: bound.port ?? 0, scheme: scheme) }
                await onListening(.blobs, bound)
            }
        ]
        if let adminListen = settings.adminListen {
            let responder = AdminResponder(
                reads: reads, writes: writes, publicURL: box, gcStatus: gcStatus, meters: watch.meters,
                readings: readings)
            services.append(
                BlobListener(
                    address: adminListen, settings: settings, reads: nil, identity: nil,
                    requests: RoutedRequests(responder, logger: logger) { reads.now() }, logger: logger
                ) { bound in await onListening(.admin, bound) })
        }
        publicURL = box
        self.services = services
    }

    package enum Listener: Sendable {
        case blobs, admin
    }
}

extension Gate {
    init(_ settings: BlobServerSettings) {
        writers =
            settings.tickets.map { .ticketed($0) }
            ?? .anonymous(WriteAdmission(allowsAnyone: settings.allowsAnonymousUploads))
        proxies = settings.proxies
        limiter = RateLimiter(perAddress: settings.addressRates, perSubject: settings.subjectRates)
    }
}
