import Blobs
package import Files
import Synchronization

/// What an edge shows to its origin: 32 random bytes, written as 43 base64url characters. Whoever has it may follow the
/// feed of changes and is not held to the rates of an address.
package struct EdgeKey: Sendable, CustomStringConvertible {
    package static let byteCount = 32

    private let bytes: [UInt8]

    /// A key from exactly 43 base64url characters.
    package init?(base64url text: some StringProtocol) {
        guard let bytes = Base64URL.decode(text), bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// A new key from the system's random generator.
    package static func random() -> EdgeKey {
        var generator = SystemRandomNumberGenerator()
        return EdgeKey((0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    /// The 43 characters, for its file and for the one request field that carries it.
    package var base64url: String { Base64URL.encode(bytes) }

    /// Whether both are one, found in a time that does not depend on where they differ.
    func equals(_ other: EdgeKey) -> Bool {
        var difference: UInt8 = 0
        for (left, right) in zip(bytes, other.bytes) { difference |= left ^ right }
        return difference == 0
    }

    /// Never the key itself: descriptions end up in logs.
    package var description: String { "edge key" }

    // MARK: The file

    /// The key in the file at `path`: its characters, and perhaps the end of a line. Only its owner may be able to write
    /// it, and not everybody to read it.
    package static func load(_ path: String) throws(EdgeKeyError) -> EdgeKey {
        let contents: (bytes: [UInt8], status: FileStatus)
        do { contents = try KeyFile(path: path).contents() } catch { throw .file(error) }
        if let exposure = contents.status.exposure(isSecret: true) { throw .key(path: path, why: exposure) }
        let bytes = contents.bytes.last == UInt8(ascii: "\n") ? contents.bytes.dropLast() : contents.bytes[...]
        guard let key = EdgeKey(base64url: String(decoding: bytes, as: UTF8.self)) else {
            throw .key(path: path, why: "it must hold 43 base64url characters, as satcheld edge-key makes them")
        }
        return key
    }

    /// Writes the key to a new file that only its owner can read.
    package func write(to path: String) throws(FileError) {
        let file = try OpenFile(path, .create(permissions: 0o600))
        do throws(FileError) {
            try file.write(Array("\(base64url)\n".utf8))
            try file.synchronize()
        } catch {
            // Half a key would only be in the way.
            _ = try? Folder.remove(path)
            throw error
        }
    }
}

/// The keys of the edges that an origin knows; they can be replaced at any time.
package final class EdgeKeys: Sendable {
    private let keys: Mutex<[EdgeKey]>

    package init(_ keys: [EdgeKey]) {
        self.keys = Mutex(keys)
    }

    /// Uses these keys from now on.
    package func replace(_ keys: [EdgeKey]) { self.keys.withLock { $0 = keys } }

    /// Whether `text` is one of the keys. All of them are compared.
    package func contain(_ text: String) -> Bool {
        guard let shown = EdgeKey(base64url: text) else { return false }
        return keys.withLock { keys in keys.reduce(false) { $1.equals(shown) || $0 } }
    }

    /// Reads every key in `paths`, each a file or a folder of files. Names that begin with a dot are skipped in a folder.
    /// Where keys `mayBeGone`, a path that leads nowhere has none, and there may be none at all.
    package static func load(_ paths: [String], mayBeGone: Bool = false) throws(EdgeKeyError) -> [EdgeKey] {
        let files: [KeyFile]
        do { files = try KeyFile.all(at: paths, mayBeGone: mayBeGone) } catch { throw .file(error) }
        let keys = try files.map { file throws(EdgeKeyError) in try EdgeKey.load(file.path) }
        if keys.isEmpty, !mayBeGone { throw .none(paths: paths) }
        return keys
    }
}

/// Why the keys of edges cannot be used.
package enum EdgeKeyError: Error, Sendable, CustomStringConvertible {
    case file(FileError)
    case key(path: String, why: String)
    case none(paths: [String])

    package var description: String {
        switch self {
        case .file(let error): error.description
        case .key(let path, let why): "\(path) is not a usable edge key: \(why)"
        case .none(let paths): "no edge keys found in \(paths.joined(separator: ", "))"
        }
    }
}
