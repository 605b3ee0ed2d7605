import BlobHTTP
import Files
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
    /// Verifies tickets with the keys that the settings name, or the local one; nil if anybody may upload.
    static func verifier(_ settings: ServerSettings) async throws -> TicketVerifier? {
        if let local = settings.localTicket { return TicketVerifier(local) }
        guard !settings.ticketKeyPaths.isEmpty else { return nil }
        do {
            let keys = try await TicketKeys.load(settings.ticketKeyPaths)
            return TicketVerifier(keys: keys, audience: settings.ticketAudience)
        } catch {
            throw ExitStatus.failure(error.description, .configuration)
        }
    }

    /// Reloads the keys. Uploads under way continue: their tickets were verified when they began. Nil without keys.
    static func reloading(_ settings: ServerSettings) -> Reloadable? {
        let paths = settings.ticketKeyPaths
        guard let verifier = settings.server.tickets, !paths.isEmpty else { return nil }
        return Reloadable(name: "ticket keys") { verifier.replace(try await TicketKeys.load(paths)) }
    }
}

/// What the settings say about edges.
enum EdgeKeyring {
    /// The keys of edges; nil where none are configured.
    static func keys(_ settings: ServerSettings) throws -> EdgeKeys? {
        if settings.edgeKeyPaths.isEmpty { return nil }
        do { return EdgeKeys(try EdgeKeys.load(settings.edgeKeyPaths)) } catch {
            throw ExitStatus.failure(error.description, .configuration)
        }
    }

    /// Reloads the keys. An edge whose key is gone hears of no more changes. Nil without keys.
    static func reloading(_ settings: ServerSettings) -> Reloadable? {
        let paths = settings.edgeKeyPaths
        return settings.server.edgeKeys.map { keys in
            Reloadable(name: "edge keys") { keys.replace(try EdgeKeys.load(paths)) }
        }
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
        do {
            try validate(settings)
            return try TLSIdentity(certificatePath: certificate, keyPath: key)
        } catch {
            throw ExitStatus.failure("\(error)", .configuration)
        }
    }

    /// Whoever can read the key can pose as this server; so can whoever can write it, after the next reload.
    private static func validate(_ settings: ServerSettings) throws {
        let (certificate, key) = (settings.tlsCertificatePath, settings.tlsKeyPath)
        _ = try status("--tls-certificate", certificate)
        if let exposure = try status("--tls-key", key).exposure(isSecret: true) {
            throw SettingsError("\(key) is not usable as a key: \(exposure) \(key)")
        }
    }

    private static func status(_ flag: String, _ path: String) throws -> FileStatus {
        guard let status = try Folder.status(path, followsLinks: true) else {
            throw SettingsError("\(flag): there is no file \(path)")
        }
        return status
    }

    /// Reloads both files: new connections get the new certificate.
    static func reloading(_ settings: ServerSettings) -> Reloadable? {
        settings.server.identity.map { identity in
            Reloadable(name: "TLS certificate") {
                try validate(settings)
                try identity.reload()
            }
        }
    }
}
