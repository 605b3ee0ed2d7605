import BlobHTTP
import Logging
import ServiceLifecycle
import Tickets
import UnixSignals

/// Something that can be reloaded; if that fails, what was loaded before stays in use.
struct Reloadable: Sendable {
    /// Its name in the log.
    let name: String
    let reload: @Sendable () async throws -> Void
}

/// Reloads on SIGHUP what an operator may have changed: keys, certificates, log files. Connections stay open.
struct Reloading: Service {
    /// May be empty: the signal is caught all the same, since it would end the process.
    let parts: [Reloadable]
    let logger: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            for part in parts { await reload(part) }
            if parts.isEmpty { logger.notice("Nothing to reload") }
        }
    }

    private func reload(_ part: Reloadable) async {
        do {
            try await part.reload()
            logger.notice("Reloaded", metadata: ["what": "\(part.name)"])
        } catch {
            logger.error(
                "Reloading failed; the old one stays in use", metadata: ["what": "\(part.name)", "error": "\(error)"])
        }
    }
}

/// What the settings say about tickets: who may upload.
enum TicketKeyring {
    /// Verifies tickets with the keys that the settings name; nil for anonymous mode.
    static func verifier(_ settings: ServerSettings) async throws -> TicketVerifier? {
        guard !settings.ticketKeyPaths.isEmpty else { return nil }
        do {
            let keys = try await TicketKeys.load(settings.ticketKeyPaths)
            return TicketVerifier(keys: keys, audience: settings.ticketAudience)
        } catch {
            throw ExitStatus.failure(error.description, .configuration)
        }
    }

    /// Reloads the keys. Uploads under way continue: their tickets were verified when they began. Nil in anonymous mode.
    static func reloading(_ settings: ServerSettings) -> Reloadable? {
        guard let verifier = settings.server.tickets else { return nil }
        let paths = settings.ticketKeyPaths
        return Reloadable(name: "ticket keys") { verifier.replace(try await TicketKeys.load(paths)) }
    }
}

/// What the settings say about TLS.
enum TLSFiles {
    /// The server's certificate and key; nil for plain HTTP.
    static func identity(_ settings: ServerSettings) throws -> TLSIdentity? {
        let (certificate, key) = (settings.tlsCertificatePath, settings.tlsKeyPath)
        if certificate.isEmpty && key.isEmpty { return nil }
        guard !certificate.isEmpty, !key.isEmpty else {
            throw ExitStatus.failure(
                "--tls-certificate and --tls-key go together: set both, or neither for plain HTTP.", .configuration)
        }
        do { return try TLSIdentity(certificatePath: certificate, keyPath: key) } catch {
            throw ExitStatus.failure(error.description, .configuration)
        }
    }

    /// Reloads both files: new connections get the new certificate.
    static func reloading(_ settings: ServerSettings) -> Reloadable? {
        settings.server.identity.map { identity in
            Reloadable(name: "TLS certificate") { try identity.reload() }
        }
    }
}
