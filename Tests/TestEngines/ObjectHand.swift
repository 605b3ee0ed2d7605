import Foundation
import Synchronization
import TestSupport

/// Does something to objects by hand, past the store that keeps them there, for as long as this object lives.
package final class ObjectHand: Sendable {
    private let process: PipedProcess
    private let turn = Mutex(())

    package init(_ engine: ObjectEngine) throws {
        let script = Engines.folder.appendingPathComponent("object_hand.py").path
        process = try PipedProcess([
            "/usr/bin/python3", "-B", script, engine.endpoint, engine.bucket, engine.region, engine.accessKey,
            engine.secretKey,
        ])
    }

    /// The bytes of an object; nil where there is none. The name is all of it, with what the store puts before it.
    package func bytes(of name: String) throws -> [UInt8]? {
        let answer = try ask("get \(name)")
        if answer == "none" { return nil }
        guard let data = Data(base64Encoded: answer) else { throw Engine.Failure(description: "\(name): \(answer)") }
        return Array(data)
    }

    /// Makes the bytes of an object others; nil for nothing there.
    package func set(_ bytes: [UInt8]?, as name: String) throws {
        let answer =
            if let bytes { try ask("put \(name) \(Data(bytes).base64EncodedString())") } else {
                try ask("delete \(name)")
            }
        if answer != "ok" { throw Engine.Failure(description: "\(name): \(answer)") }
    }

    private func ask(_ line: String) throws -> String {
        try turn.withLock { _ in
            try process.writeLine(line)
            return try process.readLine()
        }
    }
}
