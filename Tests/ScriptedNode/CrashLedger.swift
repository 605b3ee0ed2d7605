package import Blobs
import Files
import Glibc
import Store
import TestSupport

/// What a node that may die at any moment was told, a line for each answer. The file outlives its process.
package struct CrashLedger: Sendable {
    package let path: String

    package init(path: String) {
        self.path = path
    }

    /// Adds one line, in one piece.
    func note(_ line: String) throws {
        let file = OpenFile(owning: unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600), path: path)
        try file.write(Array("\(line)\n".utf8))
    }

    package var lines: [String] {
        get throws {
            guard try Folder.status(path) != nil else { return [] }
            return String(decoding: try bytes(ofFile: path), as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }
}

/// What the lines of a ledger come to.
package struct CrashNews: Sendable {
    /// Names of blobs that were acknowledged as held, and that nobody was about to end.
    package private(set) var held: Set<String> = []
    /// Names of blobs whose end was acknowledged, and why they ended.
    package private(set) var ended: [String: EndReason] = [:]
    /// Uploads that outlive their requests.
    package private(set) var uploads: [(name: String, id: UploadID)] = []
    /// Of each of them the last offset that was told.
    package private(set) var told: [String: Int64] = [:]
    package private(set) var lines: Set<String> = []

    package init(_ ledger: CrashLedger) throws {
        for line in try ledger.lines {
            lines.insert(line)
            let words = line.split(separator: " ").map(String.init)
            switch words[0] {
            case "held": held.insert(words[1])
            case "ending": held.remove(words[1])
            case "revoked": ended[words[1]] = .revoked
            case "removed", "banned": ended[words[1]] = .removed
            case "made":
                if let id = UploadID(hex: words[2]) { uploads.append((words[1], id)) }
                told[words[1]] = 0
            case "told": told[words[1]] = Int64(words[2])
            default: break
            }
        }
    }

    /// The number behind these words.
    package func number(after words: String) -> Int64? {
        lines.first { $0.hasPrefix("\(words) ") }.flatMap { Int64($0.dropFirst(words.count + 1)) }
    }
}
