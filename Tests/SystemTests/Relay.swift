import Foundation
import TestSupport

/// Stands between a client and a server, counts what goes through, and breaks connections as it is told (`relay.py`).
final class Relay: Sendable {
    let url: URL
    private let command: RunningCommand
    private let log: String

    /// What has gone through so far.
    struct Count {
        /// Bytes from clients, heads of requests among them.
        let sent: Int
        /// Bytes from servers.
        let received: Int
        let cuts: Int
    }

    /// `target` is a port of this machine, or the path of a socket.
    init(to target: String, in journey: Journey, _ options: String...) async throws {
        log = journey.path("relay-\(UInt32.random(in: .min ... .max)).log")
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Peer/relay.py")
        command = try RunningCommand("/usr/bin/env", ["python3", "-u", script.path, target, log] + options)
        let command = command
        url = try await eventually {
            let line = String(decoding: command.outputSoFar, as: UTF8.self)
            return line.hasSuffix("\n") ? URL(string: "http://127.0.0.1:\(line.dropLast())") : nil
        }
    }

    deinit { command.send(signal: SIGKILL) }

    var count: Count {
        let numbers = ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").split(whereSeparator: \.isWhitespace)
            .compactMap { Int($0) }
        return numbers.count == 3
            ? Count(sent: numbers[0], received: numbers[1], cuts: numbers[2])
            : Count(sent: 0, received: 0, cuts: 0)
    }

    /// Waits until clients have sent, and servers, so many bytes.
    func hasPassed(sentBytes: Int = 0, receivedBytes: Int = 0) async throws {
        try await eventually { count.sent >= sentBytes && count.received >= receivedBytes }
    }
}

extension Journey {
    /// Runs `satchel` as the person of this journey, whose server is at `url`.
    func satchel(_ arguments: String..., at url: URL, input: [UInt8] = []) async throws -> CommandResult {
        try await run(
            Programs.path("satchel"), arguments, environment: environment(server: url), input: input, in: folder.path)
    }
}
