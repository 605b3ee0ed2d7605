package import Files
import Foundation
package import StoreTestSupport

/// What a process does: a line of JSON on its standard input.
package struct NodeOrder: Codable, Sendable {
    package enum Script: String, Codable, Sendable {
        /// All that a node does (`NodeScript`); it is killed at the point.
        case all
        /// A few things (`StopScript`); it stops itself at the point.
        case stop
    }

    let script: Script
    let directions: NodeDirections
    let ledger: String
    let point: String
    let number: Int
    let searches: Bool

    /// - Parameters:
    ///   - number: of `all`: which time of coming by the point that is, from 1.
    ///   - searches: whether a sweep looks for objects that no row names.
    package init(
        _ script: Script, at point: FaultPoint, number: Int = 1, searches: Bool = false, directions: NodeDirections,
        ledger: CrashLedger
    ) {
        self.script = script
        self.directions = directions
        self.ledger = ledger.path
        self.point = point.rawValue
        self.number = number
        self.searches = searches
    }

    /// The order as it is written to the process.
    package var line: String {
        get throws { String(decoding: try JSONEncoder().encode(self), as: UTF8.self) }
    }

    func run() async throws {
        let ledger = CrashLedger(path: ledger)
        guard let point = FaultPoint(rawValue: point) else { return }
        switch script {
        case .all:
            try await NodeScript(directions: directions, ledger: ledger, searches: searches)
                .run(.killing(at: point, number))
        case .stop: try await StopScript(directions: directions, ledger: ledger, point: point).run()
        }
    }
}

/// A process that is a node of a test's shared store.
@main struct ScriptedNode {
    static func main() async throws {
        guard let line = readLine() else { return }
        let order = try JSONDecoder().decode(NodeOrder.self, from: Data(line.utf8))
        do { try await order.run() } catch {
            try CrashLedger(path: order.ledger).note("failed \(error)")
            exit(1)
        }
    }
}
