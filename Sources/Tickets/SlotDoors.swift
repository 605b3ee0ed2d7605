import Crypto
package import Files
import Synchronization

/// A secret that a chat server signs slots with: the text of a file as it stands there, since that is what chat servers
/// are configured with.
package struct SlotSecret: Sendable, CustomStringConvertible {
    /// Bytes that a secret may have.
    package static let byteCounts = 32...256

    private let key: SymmetricKey

    /// A secret of so many bytes; nil for fewer or more.
    package init?(bytes: some Collection<UInt8>) {
        guard Self.byteCounts.contains(bytes.count) else { return nil }
        self.init(ofAnyLength: bytes)
    }

    init(ofAnyLength bytes: some Collection<UInt8>) { key = SymmetricKey(data: Array(bytes)) }

    /// Whether `code` is the HMAC-SHA-256 of `message`, found in a time that does not depend on where it differs.
    package func signs(_ message: [UInt8], as code: [UInt8]) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: message, using: key)
    }

    /// Never the secret itself: descriptions end up in logs.
    package var description: String { "slot secret" }

    /// The secret in the file at `path`: its bytes without the end of its last line. Only its owner may be able to write
    /// it, and not everybody to read it.
    fileprivate static func load(_ file: KeyFile) throws(SlotSecretError) -> SlotSecret {
        let line: (bytes: ArraySlice<UInt8>, exposure: String?)
        do { line = try file.secretLine() } catch { throw .file(error) }
        if let exposure = line.exposure { throw .secret(path: file.path, why: exposure) }
        guard let secret = SlotSecret(bytes: line.bytes) else {
            let limits = "\(byteCounts.lowerBound) to \(byteCounts.upperBound)"
            throw .secret(path: file.path, why: "it must hold \(limits) bytes, as openssl rand -hex 32 makes them")
        }
        return secret
    }
}

/// The doors through which chat servers let their people upload, each with its secrets; they can be replaced at any time.
package final class SlotDoors: Sendable {
    private let doors: Mutex<[String: [SlotSecret]]>
    private let replacements = Atomic(0)

    package init(_ doors: [String: [SlotSecret]]) {
        self.doors = Mutex(doors)
    }

    /// Uses these from now on.
    package func replace(_ doors: [String: [SlotSecret]]) {
        self.doors.withLock {
            $0 = doors
            replacements.add(1, ordering: .releasing)
        }
    }

    /// How often they have been replaced: for as long as this is the same, so are the doors.
    package var replacementCount: Int { replacements.load(ordering: .acquiring) }

    /// Whether there is a door of this name.
    package func contains(_ door: String) -> Bool { doors.withLock { $0[door] != nil } }

    /// The secrets of a door; none where there is no such door.
    package func secrets(of door: String) -> [SlotSecret] { doors.withLock { $0[door] ?? [] } }

    /// Reads every secret in `paths`, each a file or a folder of files; the name of a file up to its first dot is that of
    /// its door, which may have several. Names that begin with a dot are skipped in a folder. Where secrets `mayBeGone`, a
    /// path that leads nowhere has none, and there may be none at all.
    package static func load(
        _ paths: [String], mayBeGone: Bool = false
    ) throws(SlotSecretError) -> [String: [SlotSecret]] {
        let files: [KeyFile]
        do { files = try KeyFile.all(in: paths, mayBeGone: mayBeGone) } catch { throw .file(error) }
        var doors: [String: [SlotSecret]] = [:]
        for file in files {
            let door: String
            do throws(KeyFault) { door = try file.name() } catch {
                throw .secret(path: file.path, why: error.phrase)
            }
            doors[door, default: []].append(try SlotSecret.load(file))
        }
        if doors.isEmpty, !mayBeGone { throw .none(paths: paths) }
        return doors
    }
}

/// Why the secrets of doors cannot be used.
package enum SlotSecretError: Error, Sendable, CustomStringConvertible {
    case file(FileError)
    case secret(path: String, why: String)
    case none(paths: [String])

    package var description: String {
        switch self {
        case .file(let error): error.description
        case .secret(let path, let why): "\(path) is not a usable slot secret: \(why)"
        case .none(let paths): "no slot secrets found in \(paths.joined(separator: ", "))"
        }
    }
}
