import BlobHTTP
import Files
import Logging
import NIOPosix
import ServiceLifecycle
import Synchronization

/// Writes the access log: a few times a second everything that was logged since, on a thread that may block.
struct AccessLogWriter: Service {
    let log: AccessLog
    let file: AccessLogFile
    let logger: Logger

    private static let interval = Duration.milliseconds(250)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await write()
                try? await Task.sleep(for: Self.interval)
            }
        }
        // The requests that were answered during shutdown.
        await write()
    }

    private func write() async {
        let (entries, dropped) = log.takeAll()
        guard !entries.isEmpty else { return }
        if dropped > 0 {
            logger.warning("Dropped lines of the access log", metadata: ["lines": "\(dropped)"])
        }
        do {
            try await NIOThreadPool.singleton.runIfActive { [file] in
                try file.write(entries.map { AccessLogLine.text($0) + "\n" }.joined())
            }
        } catch {
            logger.error("Cannot write the access log", metadata: ["error": "\(error)"])
        }
    }
}

/// The file of the access log, or stderr.
final class AccessLogFile: Sendable {
    private let path: String?
    private let open = Mutex<OpenFile?>(nil)

    /// Opens the file, creating it if it is missing.
    init(_ destination: AccessLogDestination) throws(FileError) {
        path = if case .file(let path) = destination { path } else { nil }
        try reopen()
    }

    /// Writes whole lines. Blocks.
    func write(_ text: String) throws(FileError) {
        guard path != nil else { return StandardError.writeText(text) }
        try open.withLock { file throws(FileError) in try file?.write(Array(text.utf8)) }
    }

    /// Opens the path again, after a log rotation has renamed the old file.
    func reopen() throws(FileError) {
        guard let path else { return }
        try open.withLock { file throws(FileError) in file = try OpenFile(path, .append(permissions: 0o640)) }
    }
}

/// Where the access log goes.
enum AccessLogDestination: Hashable, Sendable {
    case off
    case standardError
    case file(path: String)

    /// `off`, `stderr`, or the path of a file.
    init?(_ text: String) {
        switch text {
        case "": return nil
        case "off": self = .off
        case "stderr": self = .standardError
        default: self = .file(path: text)
        }
    }
}
