import Foundation
import Synchronization
import TestSupport

/// Does something to objects by hand, past the store that keeps them there, for as long as this object lives.
package final class ObjectHand: Sendable {
    private let process: PipedProcess
    /// Where bytes are handed over.
    private let folder: TemporaryFolder
    private let turn = Mutex(())

    package init(_ engine: ObjectEngine) throws {
        folder = try TemporaryFolder.inMemory()
        let script = Engines.folder.appendingPathComponent("object_hand.py").path
        process = try PipedProcess([
            "/usr/bin/python3", "-B", script, engine.endpoint, engine.bucket, engine.region, engine.accessKey,
            engine.secretKey,
        ])
    }

    /// The bytes of an object; nil where there is none. The name is all of it, with what the store puts before it.
    package func bytes(of name: String) throws -> [UInt8]? {
        try turn.withLock { _ in
            let file = folder.path("bytes")
            let answer = try ask("get \(name) \(file)")
            if answer == "none" { return nil }
            guard answer == "ok" else { throw Engine.Failure(description: "\(name): \(answer)") }
            return try TestSupport.bytes(ofFile: file)
        }
    }

    /// Makes the bytes of an object others; nil for nothing there.
    package func set(_ bytes: [UInt8]?, as name: String) throws {
        try turn.withLock { _ in
            let file = folder.path("bytes")
            if let bytes { try write(bytes, toFile: file) }
            let answer = try ask(bytes == nil ? "delete \(name)" : "put \(name) \(file)")
            if answer != "ok" { throw Engine.Failure(description: "\(name): \(answer)") }
        }
    }

    private func ask(_ line: String) throws -> String {
        try process.writeLine(line)
        return try process.readLine()
    }
}
