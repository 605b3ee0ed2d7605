import Files
import Glibc

/// A small server in Python that misbehaves as it is told: of blobs (see peer.py) or slots (slots.py). It ends with this
/// object.
package final class Peer {
    package let port: UInt16
    private let folder: TemporaryFolder
    private let process: PipedProcess

    /// False where there is no python3, and tests that need the peer must be skipped.
    package static var isAvailable: Bool { unsafe access("/usr/bin/python3", X_OK) == 0 }

    package init(_ behaviours: [String] = [], script name: String = "peer.py") throws {
        folder = try TemporaryFolder()
        let script = "\(#filePath)".split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/\(name)"
        process = try PipedProcess(["/usr/bin/python3", script, folder.path("log")] + behaviours)
        guard let port = UInt16(try process.readLine()) else {
            throw FileError(operation: "start", path: script, code: EIO)
        }
        self.port = port
    }

    package var processIdentifier: Int32 { process.processIdentifier }

    package var url: String { "http://127.0.0.1:\(port)" }

    /// The requests so far, one line of JSON each.
    package var log: [String] {
        let text = (try? bytes(ofFile: folder.path("log"))).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    /// The bytes that `size=` makes the peer hold.
    package static func pattern(_ size: Int) -> [UInt8] {
        makeBytes(size) { UInt8(truncatingIfNeeded: $0 &* 7 &+ ($0 >> 8)) }
    }
}

/// The peers of one test, which live as long as the test's suite does rather than until their last mention.
package final class Peers {
    private var running: [Peer] = []

    package init() {}

    package func start(_ behaviours: String...) throws -> Peer {
        let peer = try Peer(behaviours)
        running.append(peer)
        return peer
    }
}
