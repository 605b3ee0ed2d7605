import ArgumentParser
import BlobHTTP
import Blobs
import Files
import Glibc
import Logging
import NIOCore
import ServiceLifecycle
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

    /// The likely mistake is an address that cannot be bound; its description says what to do.
    private static func describe(_ error: any Error, _ settings: ServerSettings) -> String {
        guard let error = error as? ListenError else { return "the server failed: \(error)" }
        let name = error.address == settings.server.listen ? "listen" : "admin-listen"
        let flag = settings.written[name] ?? "--\(name)"
        let (why, isForbidden) =
            switch error.reason {
            case .system(let code): (FileError.reason(code), code == EACCES)
            case .unknownHost: ("there is no such host", false)
            case .other(let why): (why, false)
            }
        let remedy =
            isForbidden
            ? "ports below 1024 take CAP_NET_BIND_SERVICE; give it to the program, or choose another with \(flag)."
            : "choose another with \(flag)."
        return "cannot listen at \(error.address): \(why.prefix(1).lowercased() + why.dropFirst()); \(remedy)"
    }
}
