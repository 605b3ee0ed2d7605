import Foundation
import Synchronization
import TestSupport

/// A database or an object store that runs for tests, on loopback or a host of their own. It ends with this object, and at
/// the latest with the process, however that ends; nothing of it is left.
package final class Engine: Sendable {
    package enum Kind: String, CaseIterable, Sendable { case postgres, ceph, seaweedfs }

    /// Why it did not start, or what it did not do.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// What it says about itself.
    private let facts: [String: String]
    private let process: PipedProcess
    private let turn = Mutex(())

    /// Starts one of a test's own, which it may stop and pause.
    ///
    /// - Parameters:
    ///   - settings: For PostgreSQL, settings of the server (`fsync=off`).
    ///   - prefix: What stands before a command that runs on the host where it shall be; none for this one.
    ///   - address: Where it is reached, of that host.
    package init(
        _ kind: Kind, settings: [String] = [], behind prefix: [String] = [], at address: String? = nil
    ) throws {
        let script = Engines.folder.appendingPathComponent("engines.py").path
        let settings = settings + (address.map { ["address=\($0)"] } ?? [])
        let all = settings + (kind == .seaweedfs ? Engines.weed.map { ["program=\($0)"] } ?? [] : [])
        process = try PipedProcess(
            prefix + ["/usr/bin/python3", "-B", script, kind.rawValue] + all, patienceSeconds: 60)
        let line = try process.readLine()
        guard let facts = try? JSONDecoder().decode([String: String].self, from: Data(line.utf8)) else {
            throw Failure(description: "\(kind.rawValue) said: \(line)")
        }
        if let failure = facts["failure"] { throw Failure(description: "\(kind.rawValue): \(failure)") }
        self.facts = facts
    }

    /// What it says about itself under this name (`engines.py`).
    package func fact(_ name: String) throws -> String {
        guard let fact = facts[name] else { throw Failure(description: "it says nothing of its \(name)") }
        return fact
    }

    /// Starts a synchronous standby beside the database.
    package func addReplica() throws { try tell("replica") }

    /// Ends the database at once, and lets its standby write.
    package func promoteReplica() throws { try tell("promote") }

    /// Ends it at once, as a crash does.
    package func halt() throws { try tell("halt") }

    /// Starts it once more, on the same files and ports.
    package func again() throws { try tell("again") }

    /// Stops its processes where they are: it takes connections and says nothing.
    package func pause() throws { try tell("pause") }

    /// Lets its processes go on.
    package func resume() throws { try tell("resume") }

    /// The user of the object store may hold so many bytes, or as many as there is room for. Only Ceph can.
    package func limit(toBytes count: Int64?) throws { try tell("quota \(count.map { "\($0)" } ?? "off")") }

    private func tell(_ command: String) throws {
        try turn.withLock { _ in
            try process.writeLine(command)
            let answer = try process.readLine()
            if answer != "ok" { throw Failure(description: "\(command): \(answer)") }
        }
    }
}
