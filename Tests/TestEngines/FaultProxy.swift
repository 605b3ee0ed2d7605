import Foundation
import Synchronization
import TestSupport

/// Stands between a client and an object store of the tests, and spoils answers as it is told (`fault_proxy.py`). It ends
/// with this object.
package final class FaultProxy: Sendable {
    package enum Operation: String, CaseIterable, Sendable { case put, get, size, list, remove, versioning }

    package enum Fault: Sendable {
        /// An answer that the store knows nothing of.
        case status(Int, code: String? = nil, retryAfterSeconds: Int? = nil)
        /// The same, after the store has done what it was asked.
        case statusAfter(Int, code: String? = nil)
        /// A document of an error behind 200; the store knows nothing of it.
        case error(code: String)
        /// An answer that comes so late.
        case late(seconds: Double)
        /// The store's clock is ahead by so much.
        case clock(aheadSeconds: Int)
        /// As `fault_proxy.py` says: cut, hang, drop, lose, absent, flip, bend, short, unlisted, endless.
        case named(String)

        fileprivate var facts: [String: Any] {
            switch self {
            case .status(let status, let code, let seconds):
                ["fault": "status", "status": status, "code": code ?? "", "retry": seconds ?? NSNull()]
            case .statusAfter(let status, let code): ["fault": "after", "status": status, "code": code ?? ""]
            case .error(let code): ["fault": "error", "code": code]
            case .late(let seconds): ["fault": "late", "seconds": seconds]
            case .clock(let seconds): ["fault": "clock", "seconds": seconds]
            case .named(let name): ["fault": name]
            }
        }
    }

    /// One request that came, and what it was answered with; no status where the connection was closed.
    package struct Request: Sendable {
        package let operation: Operation
        package let status: Int?
        package let fault: String
    }

    /// Where clients find it.
    package let endpoint: String
    private let process: PipedProcess
    private let turn = Mutex(())

    /// - Parameters:
    ///   - endpoint: Of the store behind it.
    ///   - certificate: Files of a certificate for 127.0.0.1 and its key, for a proxy over TLS.
    package init(to endpoint: String, certificate: (path: String, keyPath: String)? = nil) throws {
        let script = Engines.folder.appendingPathComponent("fault_proxy.py").path
        guard let port = endpoint.split(separator: ":").last else {
            throw Engine.Failure(description: "\(endpoint) has no port")
        }
        let files = certificate.map { [$0.path, $0.keyPath] } ?? []
        process = try PipedProcess(["/usr/bin/python3", "-B", script, String(port)] + files)
        self.endpoint = "\(certificate == nil ? "http" : "https")://127.0.0.1:\(try process.readLine())"
    }

    /// Spoils so many of the next requests for these operations.
    package func spoil(
        _ operations: [Operation] = Operation.allCases, with fault: Fault, times: Int = 1_000_000
    ) throws {
        let command = fault.facts.merging(["operations": operations.map(\.rawValue), "times": times]) { first, _ in
            first
        }
        _ = try tell(command)
    }

    /// Ends all faults, and lets go on what hangs.
    package func heal() throws { _ = try tell(["heal": true]) }

    /// The requests that were answered since this was last asked.
    package func requests() throws -> [Request] {
        let answer = try JSONSerialization.jsonObject(with: Data(tell(["requests": true]).utf8))
        return (answer as? [[Any]] ?? []).compactMap { facts in
            guard facts.count == 3, let name = facts[0] as? String, let operation = Operation(rawValue: name) else {
                return nil
            }
            return Request(operation: operation, status: facts[1] as? Int, fault: facts[2] as? String ?? "")
        }
    }

    private func tell(_ command: [String: Any]) throws -> String {
        let line = String(decoding: try JSONSerialization.data(withJSONObject: command), as: UTF8.self)
        return try turn.withLock { _ in
            try process.writeLine(line)
            return try process.readLine()
        }
    }
}
