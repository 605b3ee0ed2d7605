import Files
import Foundation
import TestSupport

/// What a finished command left behind.
struct CommandResult: Sendable {
    let status: Int32
    let outputBytes: [UInt8]
    let errors: String
    /// The largest resident memory seen while it ran, in bytes.
    let peakResidentBytes: Int

    var output: String { String(decoding: outputBytes, as: UTF8.self) }
    /// The lines of the output, without their ends.
    var lines: [String] { output.split(separator: "\n").map(String.init) }
}

/// A command under way, its output going to files of its own.
final class RunningCommand: Sendable {
    private let process: Process
    private let folder: TemporaryFolder
    private let exit: Task<Int32, Never>

    var processIdentifier: Int32 { process.processIdentifier }

    /// Starts `program` with `arguments`, `environment` on top of a bare one, and `input` as its standard input.
    init(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], input: [UInt8] = [],
        in workingFolder: String? = nil
    ) throws {
        folder = try TemporaryFolder()
        try write(input, toFile: folder.path("in"))
        process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        var all = environment
        for name in ["PATH", "TMPDIR", "LANG"] where all[name] == nil {
            all[name] = ProcessInfo.processInfo.environment[name]
        }
        process.environment = all
        if let workingFolder { process.currentDirectoryURL = URL(fileURLWithPath: workingFolder) }
        var handles = [try FileHandle(forReadingFrom: URL(fileURLWithPath: folder.path("in")))]
        process.standardInput = handles[0]
        for (name, isError) in [("out", false), ("err", true)] {
            try write([], toFile: folder.path(name))
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.path(name)))
            handles.append(handle)
            if isError { process.standardError = handle } else { process.standardOutput = handle }
        }
        let (ends, continuation) = AsyncStream.makeStream(of: Int32.self)
        process.terminationHandler = { process in
            continuation.yield(
                process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus)
            continuation.finish()
        }
        try process.run()
        // The command has its own by now, and a process that is over keeps what it was given.
        for handle in handles { try handle.close() }
        exit = Task {
            for await status in ends { return status }
            return .min
        }
    }

    /// Everything written to standard output so far.
    var outputSoFar: [UInt8] { (try? bytes(ofFile: folder.path("out"))) ?? [] }
    /// Everything written to standard error so far.
    var errorsSoFar: String { String(decoding: (try? bytes(ofFile: folder.path("err"))) ?? [], as: UTF8.self) }
    /// True until it has ended.
    var isRunning: Bool { process.isRunning }

    /// The status once it has ended; the negative signal number if a signal ended it.
    func status() async -> Int32 { await exit.value }

    /// Waits for the end.
    func result() async -> CommandResult {
        let watch = Task {
            var peak = 0
            while !Task.isCancelled {
                peak = max(peak, residentPeak(of: processIdentifier) ?? 0)
                try? await Task.sleep(for: .milliseconds(5))
            }
            return peak
        }
        let status = await status()
        watch.cancel()
        return CommandResult(
            status: status, outputBytes: outputSoFar, errors: errorsSoFar, peakResidentBytes: await watch.value)
    }

    func send(signal: Int32) { kill(processIdentifier, signal) }
}

/// The most memory the process has ever had resident, in bytes (`VmHWM` of proc(5)); nil once it is gone.
func residentPeak(of process: Int32) -> Int? {
    guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
        let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
        let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return nil }
    return kilobytes * 1024
}

/// Connections that a process has open, and the sockets it listens at.
func openSockets(of process: Int32) throws -> Int {
    let folder = "/proc/\(process)/fd"
    // A file that is closed meanwhile leads nowhere.
    return try FileManager.default.contentsOfDirectory(atPath: folder).count { file in
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(file)")
        return target?.hasPrefix("socket:") ?? false
    }
}

/// Runs a command to its end.
func run(
    _ program: String, _ arguments: [String], environment: [String: String] = [:], input: [UInt8] = [],
    in folder: String? = nil
) async throws -> CommandResult {
    try await RunningCommand(program, arguments, environment: environment, input: input, in: folder).result()
}
