import Synchronization
import TestSupport

/// Asks a database by hand, past the store that is kept in it: psql, for as long as this object lives.
package final class SQLConsole: Sendable {
    private static let end = "-- end of the answer"

    private let process: PipedProcess
    private let turn = Mutex(())

    /// - Parameter connection: as libpq reads it.
    package init(_ connection: String) throws {
        process = try PipedProcess(["/usr/bin/psql", "-X", "-q", "-A", "-t", "-F", "\t", "-d", connection])
        try process.writeLine("SET client_min_messages = warning;")
    }

    /// The rows that a statement gives, each as its columns.
    @discardableResult
    package func ask(_ statement: String) throws -> [[String]] {
        try turn.withLock { _ in
            try process.writeLine(statement.split(separator: "\n").joined(separator: " ") + ";")
            try process.writeLine("\\echo '\(Self.end)' :ERROR :LAST_ERROR_MESSAGE")
            var rows: [[String]] = []
            while true {
                let line = try process.readLine()
                guard line.hasPrefix(Self.end) else {
                    if line.isEmpty { continue }
                    rows.append(line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init))
                    continue
                }
                let words = line.dropFirst(Self.end.count + 1)
                guard words.hasPrefix("false") else { throw Engine.Failure(description: "\(statement): \(words)") }
                return rows
            }
        }
    }
}
