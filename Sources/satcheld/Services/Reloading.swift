import BlobHTTP
import Blobs
import Edge
import Files
import Logging
import OriginLink
import ServiceLifecycle
import StoreRules
import Tickets
import UnixSignals
import Vault

/// Something that can be reloaded; if that fails, what was loaded before stays in use.
struct Reloadable: Sendable {
    /// Its name in the log.
    let name: String
    let reload: @Sendable () async throws -> Void
}

/// Reloads on SIGHUP every file that a setting names: keys, certificates, log files. Connections stay open.
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
    /// Verifies tickets with the keys that the settings name, or the local one; nil if anybody may upload. Where neither
    /// is, no ticket is good.
    static func verifier(_ settings: ServerSettings) async throws(SettingsError) -> TicketVerifier? {
        if let local = settings.localTicket { return TicketVerifier(local) }
        if settings.allowsAnonymousUploads { return nil }
        let keys = settings.ticketKeyPaths.isEmpty ? .none : try await keys(settings)
        return TicketVerifier(keys: keys, audience: settings.ticketAudience)
    }

    private static func keys(_ settings: ServerSettings) async throws(SettingsError) -> TicketKeys {
        do { return try await TicketKeys.load(settings.ticketKeyPaths) } catch {
            throw settings.error("ticket-keys", error.description)
        }
    }

    /// Reloads the keys. Uploads under way continue: their tickets were verified when they began. Nil without keys.
    static func reloading(_ settings: ServerSettings) -> Reloadable? {
        guard let verifier = settings.server.tickets, !settings.ticketKeyPaths.isEmpty else { return nil }
        return Reloadable(name: "ticket keys") { verifier.replace(try await keys(settings)) }
    }
}

/// What the settings say about edges.
enum EdgeKeyring {
    /// The keys of edges; nil where none are configured.
    static func keys(_ settings: ServerSettings) throws(SettingsError) -> EdgeKeys? {
        if settings.edgeKeyPaths.isEmpty { return nil }
        do { return EdgeKeys(try EdgeKeys.load(settings.edgeKeyPaths)) } catch {
            throw settings.error("edge-keys", error.description)
        }
    }

    /// Reloads the keys. An edge whose key is gone hears of no more changes, be it the last. Nil without keys.
    static func reloading(_ settings: ServerSettings, logger: Logger) -> Reloadable? {
        settings.server.edgeKeys.map { keys in
            Reloadable(name: "edge keys") {
                let left: [EdgeKey]
                do throws(EdgeKeyError) { left = try EdgeKeys.load(settings.edgeKeyPaths, mayBeGone: true) } catch {
                    throw settings.error("edge-keys", error.description)
                }
                keys.replace(left)
                if left.isEmpty { logger.warning("No edge key is left: no edge is accepted") }
            }
        }
    }

    /// The key by which the origin knows this edge; nil without one.
    static func own(_ settings: ServerSettings) throws(SettingsError) -> String? {
        if settings.cache.edgeKeyPath.isEmpty { return nil }
        do { return try EdgeKey.load(settings.cache.edgeKeyPath).base64url } catch {
            throw settings.error("edge-key", error.description)
        }
    }

    /// Reloads that key. Nil without one.
    static func reloadingOwn(_ settings: ServerSettings, of store: EdgeStore) -> Reloadable? {
        if settings.cache.edgeKeyPath.isEmpty { return nil }
        return Reloadable(name: "edge key") { if let key = try own(settings) { store.use(key: key) } }
    }
}

/// What the settings say about the doors of chat servers.
enum SlotKeyring {
    /// What is allowed there; nil where no secret is configured.
    static func slots(_ settings: ServerSettings) throws(SettingsError) -> SlotSettings? {
        if settings.slotSecretPaths.isEmpty { return nil }
        do throws(SlotSecretError) {
            return SlotSettings(
                doors: SlotDoors(try SlotDoors.load(settings.slotSecretPaths)), lifetime: settings.slotLifetime,
                longestLifetime: settings.vault.maximumLifetime, refusesPlaintext: settings.refusesPlaintextInSlots)
        } catch { throw settings.error("slot-secrets", error.description) }
    }

    /// Reloads the secrets: new uploads go by them, and what is below a door that is gone is not found. Nil without any.
    static func reloading(_ settings: ServerSettings, logger: Logger) -> Reloadable? {
        settings.server.slots.map { slots in
            Reloadable(name: "slot secrets") {
                let left: [String: [SlotSecret]]
                do throws(SlotSecretError) {
                    left = try SlotDoors.load(settings.slotSecretPaths, mayBeGone: true)
                } catch { throw settings.error("slot-secrets", error.description) }
                slots.doors.replace(left)
                if left.isEmpty { logger.warning("No slot secret is left: there is no door") }
            }
        }
    }
}

/// What the settings say about who vouches for the origin.
enum OriginRoots {
    /// Nil where nothing goes over TLS and no file is named.
    static func trust(_ settings: ServerSettings) throws(SettingsError) -> OriginTrust? {
        let path = settings.cache.originRootsPath
        if path.isEmpty, !settings.cache.origins.contains(where: { $0.origin.scheme == .https }) { return nil }
        return try checked(settings) { () throws(OriginTrustError) in
            try OriginTrust(rootsPath: path.isEmpty ? nil : path)
        }
    }

    /// Reloads the certificates, or those of the system: new connections go by them. Nil without TLS.
    static func reloading(_ settings: ServerSettings) -> Reloadable? {
        settings.cache.link.trust.map { trust in
            Reloadable(name: "origin certificates") {
                try checked(settings) { () throws(OriginTrustError) in try trust.reload() }
            }
        }
    }

    private static func checked<Value>(
        _ settings: ServerSettings, _ read: () throws(OriginTrustError) -> Value
    ) throws(SettingsError) -> Value {
        let path = settings.cache.originRootsPath
        if !path.isEmpty { _ = try settings.status("origin-ca", path) }
        do throws(OriginTrustError) { return try read() } catch { throw settings.error("origin-ca", error.description) }
    }
}

/// What the settings say about TLS.
enum TLSFiles {
    /// The server's certificate and key; nil for plain HTTP.
    static func identity(_ settings: ServerSettings) throws(SettingsError) -> TLSIdentity? {
        let (certificate, key) = (settings.tlsCertificatePath, settings.tlsKeyPath)
        if certificate.isEmpty && key.isEmpty { return nil }
        guard !certificate.isEmpty, !key.isEmpty else {
            throw SettingsError("--tls-certificate and --tls-key go together: set both, or neither for plain HTTP.")
        }
        return try checked(settings) { () throws(TLSIdentityError) in
            try TLSIdentity(certificatePath: certificate, keyPath: key)
        }
    }

    /// Reloads both files: new connections get the new certificate.
    static func reloading(_ settings: ServerSettings) -> Reloadable? {
        settings.server.identity.map { identity in
            Reloadable(name: "TLS certificate") {
                try checked(settings) { () throws(TLSIdentityError) in try identity.reload() }
            }
        }
    }

    /// Whoever can read the key can pose as this server; so can whoever can write it, after the next reload.
    private static func checked<Value>(
        _ settings: ServerSettings, _ read: () throws(TLSIdentityError) -> Value
    ) throws(SettingsError) -> Value {
        let (certificate, key) = (settings.tlsCertificatePath, settings.tlsKeyPath)
        _ = try settings.status("tls-certificate", certificate)
        if let exposure = try settings.status("tls-key", key).exposure(isSecret: true) {
            throw settings.error("tls-key", "\(key) is not usable as a key: \(exposure) \(key)")
        }
        do throws(TLSIdentityError) { return try read() } catch {
            throw settings.error(error.isAboutKey ? "tls-key" : "tls-certificate", error.description)
        }
    }
}

extension ServerSettings {
    /// What the file at `path` is, which the setting `name` names; throws where it cannot be read.
    func status(_ name: String, _ path: String) throws(SettingsError) -> FileStatus {
        do throws(FileError) {
            let file = try OpenFile(path, .read)
            // A folder opens like a file.
            var byte: [UInt8] = [0]
            _ = try file.read(into: &byte)
            return try file.status()
        } catch {
            throw self.error(name, error.isAbsence ? "there is no file \(path)" : error.description)
        }
    }
}
