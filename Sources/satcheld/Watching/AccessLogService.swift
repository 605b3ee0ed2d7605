import BlobHTTP
import Logging
import NIOPosix
import ServiceLifecycle

/// Writes the access log: a few times a second everything that was put in line since, on a thread that may block.
struct AccessLogService: Service {
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
        // What was answered while the server was ending.
        await write()
    }

    private func write() async {
        let (entries, dropped) = log.takeAll()
        guard !entries.isEmpty else { return }
        if dropped > 0 {
            logger.warning("Lines of the access log were lost", metadata: ["lines": "\(dropped)"])
        }
        do {
            try await NIOThreadPool.singleton.runIfActive { [file] in
                try file.write(entries.map { AccessLogLine.text($0) + "\n" }.joined())
            }
        } catch {
            logger.error("The access log could not be written", metadata: ["error": "\(error)"])
        }
    }
}
