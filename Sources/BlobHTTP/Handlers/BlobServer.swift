package import Blobs
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
package import ServiceLifecycle
package import Tickets

/// What a server listens at and how much it lets in.
package struct BlobServerSettings: Sendable {
    /// An IP address or a host's name, and a port; port 0 takes any that is free.
    package var listen: Authority
    /// Where health is told in detail; nil for nowhere.
    package var adminListen: Authority?
    /// How clients find this server; nil for the bound address.
    package var publicURL: PublicURL?
    package var allowsAnonymousUploads = false
    /// Judges tickets; nil for anonymous mode.
    package var tickets: TicketVerifier?
    /// The longest that caches may keep an answer, in seconds.
    package var cacheSeconds: Int64 = 300
    /// Connections open at once; more wait to be accepted.
    package var connectionLimit = 10_000
    /// Connections that may wait to be accepted.
    package var backlog = 1024
    package var connections = ConnectionLimits()

    package init(listen: Authority) {
        self.listen = listen
    }
}

/// The HTTP servers of one store, as services: the public one and, if wanted, the one for operators.
///
/// Graceful shutdown stops accepting, ends idle connections and lets answers under way be finished.
package struct BlobServer: Sendable {
    /// How clients find this server; true from the moment it listens.
    package let publicURL: PublicURLBox
    package let services: [any Service]

    /// `onListening` is called once for each listener, when it accepts connections, with what it is bound to;
    /// `upkeep` whenever an operator asks how garbage collection stands.
    package init(
        store: any LeaseStore, settings: BlobServerSettings, logger: Logger,
        upkeep: @escaping @Sendable () -> Upkeep,
        onListening: @escaping @Sendable (Listener, Authority) async -> Void
    ) {
        let box = PublicURLBox(
            settings.publicURL
                ?? PublicURL(listeningAt: settings.listen.host, port: settings.listen.port ?? 0))
        let responder = BlobResponder(
            store: store, publicURL: box, gate: Gate(settings), cacheSeconds: settings.cacheSeconds)
        let isDerived = settings.publicURL == nil
        var services: [any Service] = [
            Self.application(responder, at: settings.listen, settings, logger) { bound in
                if isDerived { box.value = PublicURL(listeningAt: bound.host, port: bound.port ?? 0) }
                await onListening(.blobs, bound)
            }
        ]
        if let adminListen = settings.adminListen {
            let responder = AdminResponder(store: store, publicURL: box, upkeep: upkeep)
            services.append(
                Self.application(responder, at: adminListen, settings, logger) { bound in
                    await onListening(.admin, bound)
                })
        }
        publicURL = box
        self.services = services
    }

    package enum Listener: Sendable {
        case blobs, admin
    }

    private static func application<Responder: HTTPResponder>(
        _ responder: Responder, at authority: Authority, _ settings: BlobServerSettings, _ logger: Logger,
        onRunning: @escaping @Sendable (Authority) async -> Void
    ) -> Application<Responder> where Responder.Context == RequestScope {
        let limits = settings.connections
        var configuration = ApplicationConfiguration(
            address: .hostname(authority.host, port: authority.port ?? 0), backlog: settings.backlog)
        configuration.availableConnectionsDelegate = MaximumAvailableConnections(
            settings.connectionLimit, logger: logger)
        return Application(
            responder: responder, server: HTTPServerBuilder { HTTP1Connection(responder: $0, limits: limits) },
            configuration: configuration,
            onServerRunning: { channel in
                await onRunning(Authority(host: authority.host, port: channel.localAddress?.port ?? authority.port))
            },
            logger: logger)
    }
}

extension Gate {
    init(_ settings: BlobServerSettings) {
        writers =
            settings.tickets.map { .ticketed($0) }
            ?? .anonymous(WriteAdmission(allowsAnyone: settings.allowsAnonymousUploads))
    }
}
