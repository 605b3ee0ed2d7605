import Blobs
import Files
import Glibc
import Store
import StoreTestSupport
import TestSupport

/// What a node that may die at any moment was told, a line for each answer. The file outlives its process.
struct CrashLedger: Sendable {
    let path: String

    /// Adds one line, in one piece.
    func note(_ line: String) throws {
        let file = OpenFile(owning: unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600), path: path)
        try file.write(Array("\(line)\n".utf8))
    }

    var lines: [String] {
        get throws {
            guard try Folder.status(path) != nil else { return [] }
            return String(decoding: try bytes(ofFile: path), as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }
}

/// What the lines of a ledger come to.
struct CrashNews: Sendable {
    /// Names of blobs that were acknowledged as held, and that nobody was about to end.
    private(set) var held: Set<String> = []
    /// Names of blobs whose end was acknowledged, and why they ended.
    private(set) var ended: [String: EndReason] = [:]
    /// Uploads that outlive their requests.
    private(set) var uploads: [(name: String, id: UploadID)] = []
    /// Of each of them the last offset that was told.
    private(set) var told: [String: Int64] = [:]
    private(set) var lines: Set<String> = []

    init(_ ledger: CrashLedger) throws {
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
    func number(after words: String) -> Int64? {
        lines.first { $0.hasPrefix("\(words) ") }.flatMap { Int64($0.dropFirst(words.count + 1)) }
    }
}

/// The blobs of these tests, each called by a letter.
enum CrashBlob {
    /// Takes several objects.
    static let large = "L"
    static let largeBytes = 17 << 20

    static func bytes(_ name: String) -> [UInt8] {
        let seed = Int(name.utf8.first ?? 0)
        if name == large {
            // No object is like another.
            let piece = content(seed, count: 4097)
            var bytes: [UInt8] = []
            bytes.reserveCapacity(largeBytes + piece.count)
            while bytes.count < largeBytes { bytes += piece }
            return Array(bytes.prefix(largeBytes))
        }
        // What comes by spool files, and what does not.
        return content(seed, count: "brwx".contains(name) ? 300_000 : 1000)
    }

    static func address(_ name: String) -> BlobAddress { StoreTestSupport.address(of: bytes(name)) }
}
