import ArgumentParser
import BlobHTTP
import Blobs
import Files
import Glibc
import Logging
import NIOCore
import ServiceLifecycle
import StoreParts
import Telemetry
import UnixSignals
import Vault

/// What every kind of server does with its settings.
enum Running {
    static func run(_ services: [any Service], _ settings: ServerSettings, logger: Logger) async throws {
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = settings.shutdownTimeout
        try await ServiceGroup(configuration: configuration).run()
    }

    /// The access log, its writer, and what reopens its file; nil if it is off.
    static func accessLog(
        _ settings: ServerSettings, meters: Meters, logger: Logger
    ) throws(SettingsError) -> (log: AccessLog, writer: AccessLogWriter, reopening: Reloadable)? {
        guard settings.accessLog != .off else { return nil }
        let clock = SystemClock()
        let log = AccessLog(meters: meters, now: { clock.wall })
        let file: AccessLogFile
        do throws(FileError) { file = try AccessLogFile(settings.accessLog) } catch {
            throw settings.error("access-log", error.description)
        }
        return (
            log, AccessLogWriter(log: log, file: file, logger: logger),
            Reloadable(name: "access log") { try file.reopen() }
        )
    }

    /// The URL of a server that is bound to an address.
    static func url(at bound: Authority, _ settings: ServerSettings) -> PublicURL {
        PublicURL(
            listeningAt: Authority(host: settings.server.listen.host, port: bound.port),
            scheme: settings.server.identity == nil ? .http : .https)
    }

    /// Reports why a server failed, and returns what to throw.
    static func failure(_ error: any Error, _ settings: ServerSettings) -> ExitCode {
        if let error = error as? SettingsError { return ExitStatus.failure(error.description, .configuration) }
        return ExitStatus.failure(describe(error, settings), .inputOutput)
    }

    /// Fails, and says why, where the server could not listen: before anything is made for it.
    static func requireFreeAddresses(_ settings: ServerSettings) async throws {
        do { try BlobServer.tryListening(settings.server) } catch { throw failure(error, settings) }
    }

    /// The likely mistake is an address that cannot be bound; its description says what to do.
    static func describe(_ error: any Error, _ settings: ServerSettings) -> String {
        guard let error = error as? ListenError else { return "the server failed: \(error)" }
        let name = error.address == settings.server.listen ? "listen" : "admin-listen"
        let flag = settings.written[name] ?? "--\(name)"
        let sentence =
            switch error.reason {
            case .system(code: EADDRINUSE):
                "another program listens there already; stop it, or choose another port with \(flag)"
            case .system(code: EADDRNOTAVAIL):
                "this machine has no such address; with \(flag) choose 127.0.0.1 for this machine alone, 0.0.0.0 for all"
                    + " that reach it, or an address of its own"
            case .system(code: EACCES):
                "this user may not listen at ports below 1024; give the program CAP_NET_BIND_SERVICE, or choose another"
                    + " port with \(flag)"
            case .system(let code):
                "\(Self.lowered(FileError.reason(code))); choose another address with \(flag)"
            case .unknownHost: "there is no such host; choose another with \(flag)"
            case .other(let why): "\(Self.lowered(why)); choose another address with \(flag)"
            }
        return "cannot listen at \(error.address): \(sentence)."
    }

    private static func lowered(_ text: String) -> String { text.prefix(1).lowercased() + text.dropFirst() }
}
