import ArgumentParser
import BlobHTTP
import DiskStore
import Glibc
import Logging
import NIOCore
import ServiceLifecycle
import StoreRules
import Tickets
import Vault

/// `satcheld serve`: serves one store until SIGTERM or SIGINT.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serves a store over HTTP.", discussion: SettingsOptions.help)

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        var settings = try options.load(for: Self.self)
        if let refusal = Self.refusal(settings) { throw ExitStatus.failure(refusal, .configuration) }
        if Self.needsLocalTicket(settings) { settings.localTicket = LocalTicket() }
        do throws(SettingsError) {
            settings.server.tickets = try await TicketKeyring.verifier(settings)
            settings.server.edgeKeys = try EdgeKeyring.keys(settings)
            settings.server.slots = try SlotKeyring.slots(settings)
            settings.server.identity = try TLSFiles.identity(settings)
            if settings.isShared { settings.shared.accessKeys = try ObjectKeyring.keys(settings) }
            settings.drain = try DrainedServer.prepared(settings)
        } catch {
            throw ExitStatus.failure(error.description, .configuration)
        }
        let (fitted, logger) = Self.begin(settings)
        if Self.takesSlotsAlone(settings) {
            logger.notice("Uploads come through slots alone, since there are no ticket keys")
        }
        try await Origin.serve(fitted, logger: logger)
    }

    /// Begins the log, raises the limit of open files, and fits the settings to it.
    static func begin(_ settings: ServerSettings) -> (fitted: ServerSettings, logger: Logger) {
        LoggingSystem.bootstrap { _ in LogLines(level: settings.logLevel) }
        let logger = Logger(label: "satcheld")
        let openFiles = OpenFilesLimit.raise()
        logger.info("Starting", metadata: ["open_files_limit": "\(openFiles)"])
        return (fit(settings, openFiles: openFiles, logger: logger), logger)
    }

    /// Why the settings do not say clearly who may upload; nil if they do.
    static func refusal(_ settings: ServerSettings) -> String? {
        let hasKeys = !settings.ticketKeyPaths.isEmpty
        if hasKeys == settings.ticketAudience.isEmpty {
            return "--ticket-keys and --ticket-audience go together: set both, or neither for a local ticket."
        }
        if hasKeys && settings.allowsAnonymousUploads {
            return "--ticket-keys and --allow-anonymous-uploads contradict each other: set only one of them."
        }
        if let refusal = settings.storageRefusal ?? settings.drainRefusal { return refusal }
        if settings.isShared && settings.shared.cachePath.isEmpty {
            return "a node of a shared store needs --cache, a folder for uploads under way and blobs that were read."
        }
        guard needsLocalTicket(settings) else { return nil }
        if settings.isShared {
            return
                "a shared store needs --ticket-keys and --ticket-audience: a local ticket is good for one node alone."
        }
        return LocalTicketMode.refusal(listening: settings.server.listen, publicURL: settings.server.publicURL)
    }

    static func needsLocalTicket(_ settings: ServerSettings) -> Bool {
        settings.ticketKeyPaths.isEmpty && !settings.allowsAnonymousUploads && !takesSlotsAlone(settings)
    }

    /// Whether there are doors and nothing else: a server that others reach has no local ticket.
    static func takesSlotsAlone(_ settings: ServerSettings) -> Bool {
        !settings.slotSecretPaths.isEmpty && settings.ticketKeyPaths.isEmpty && !settings.allowsAnonymousUploads
            && LocalTicketMode.refusal(listening: settings.server.listen, publicURL: settings.server.publicURL) != nil
    }

    /// Divides up the files that may be open: 256 for the store, one for each upload under way, at most a quarter of the
    /// rest for cached blobs; the remainder is for connections.
    private static func fit(_ settings: ServerSettings, openFiles: UInt64, logger: Logger) -> ServerSettings {
        let files = Int(clamping: max(openFiles, 512) - 256)
        let ready = min(settings.server.readyFiles * System.coreCount * 2, files / 4)
        var fitted = settings
        fitted.server.readyFiles = ready / (System.coreCount * 2)
        fitted.vault.openUploads = min(settings.vault.openUploads, files / 4)
        // Of slots a quarter as many are cached.
        let slots = settings.server.slots == nil ? 0 : ready / 4
        let most = files - ready - slots - fitted.vault.openUploads
        guard settings.server.connectionLimit > most else { return fitted }
        logger.info("Lowered the connection limit to fit the limit of open files", metadata: ["connections": "\(most)"])
        fitted.server.connectionLimit = most
        return fitted
    }
}

/// `satcheld health`: asks the server that runs on a store. What supervises a server need not know where it listens.
struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Asks the running server whether it can store and serve.",
        discussion: "Exits with 0 if it can, with 1 if it cannot, and with 75 if no server answers. Asks through the "
            + "store's folder, whatever address the server listens at, and has to run as the server's own user. Takes the "
            + "settings of serve, such as --storage.")

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let settings = try options.load(for: Self.self)
        let socket = settings.controlSocket
        let reply: ControlReply
        do { reply = try await ControlClient.ask(ControlRequest(health: true), at: socket) { _ in } } catch {
            let isAbsent = (error as? IOError).map { [ENOENT, ECONNREFUSED].contains($0.errnoCode) } ?? false
            let why = isAbsent ? StoreAdvice.unserved(settings.storagePath) : "\(error)"
            throw ExitStatus.failure("no server answers at \(socket): \(why)", .temporary)
        }
        guard let health = reply.health else {
            throw ExitStatus.failure("the server failed: \(reply.error ?? "it sent no report")", .inputOutput)
        }
        if let why = health.unreadiness { throw ExitStatus.failure("not ready: \(why)", .problemsFound) }
        StandardOutput.write("ready")
    }
}
