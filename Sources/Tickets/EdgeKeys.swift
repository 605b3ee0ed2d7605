import Blobs
package import Files
import Synchronization

/// What an edge shows to its origin: 32 random bytes, written as 43 base64url characters. Whoever has it may follow the
/// feed of changes and is not held to the rates of an address.
package struct EdgeKey: Base64URLBytes, CustomStringConvertible {
    package static let byteCount = 32
    package let bytes: [UInt8]

    package init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// Never the key itself: descriptions end up in logs.
    package var description: String { "edge key" }

    // MARK: The file

    /// The key in the file at `path`: its characters, and perhaps the end of a line. Only its owner may be able to write
    /// it, and not everybody to read it.
    package static func load(_ path: String) throws(EdgeKeyError) -> EdgeKey { try load(KeyFile(path: path)) }

    fileprivate static func load(_ file: KeyFile) throws(EdgeKeyError) -> EdgeKey {
        let line: (bytes: ArraySlice<UInt8>, exposure: String?)
        do { line = try file.secretLine() } catch { throw .file(error) }
        if let exposure = line.exposure { throw .key(path: file.path, why: exposure) }
        guard let key = EdgeKey(base64url: String(decoding: line.bytes, as: UTF8.self)) else {
            throw .key(path: file.path, why: "it must hold 43 base64url characters, as satcheld edge-key makes them")
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
        return keys.withLock { keys in keys.reduce(false) { $1.isEqual(to: shown) || $0 } }
    }

    /// Reads every key in `paths`, each a file or a folder of files. Names that begin with a dot are skipped in a folder.
    /// Where keys `mayBeGone`, a path that leads nowhere has none, and there may be none at all.
    package static func load(_ paths: [String], mayBeGone: Bool = false) throws(EdgeKeyError) -> [EdgeKey] {
        let files: [KeyFile]
        do { files = try KeyFile.all(in: paths, mayBeGone: mayBeGone) } catch { throw .file(error) }
        var keys: [EdgeKey] = []
        for file in files { keys.append(try EdgeKey.load(file)) }
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
