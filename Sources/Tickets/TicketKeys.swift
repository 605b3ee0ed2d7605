import Files

/// The keys that are accepted at one time: several, so that a new one can be added before the old one is removed.
package struct TicketKeys: Sendable {
    private let keys: [String: TicketKey]

    /// The names of the keys, in order.
    package var names: [String] { keys.keys.sorted() }

    subscript(name: String) -> TicketKey? { keys[name] }

    /// Reads every key in `paths`, each a key file or a folder of key files. Names that begin with a dot are skipped in
    /// a folder: editors and container secrets leave them there.
    package static func load(_ paths: [String]) async throws(TicketKeyError) -> TicketKeys {
        var keys: [String: TicketKey] = [:]
        for path in paths {
            for file in try files(at: path) {
                let key = try await key(in: file)
                guard keys[key.name] == nil else { throw .sameName(key.name) }
                keys[key.name] = key
            }
        }
        if keys.isEmpty { throw .none(paths: paths) }
        return TicketKeys(keys: keys)
    }

    private static func files(at path: String) throws(TicketKeyError) -> [KeyFile] {
        do throws(FileError) {
            guard try Folder.status(path, followsLinks: true)?.kind == .folder else { return [KeyFile(path: path)] }
            return try Folder.names(in: path).filter { !$0.hasPrefix(".") }.sorted().map { name in
                KeyFile(path: "\(path)/\(name)")
            }
        } catch {
            throw .file(error)
        }
    }

    private static func key(in file: KeyFile) async throws(TicketKeyError) -> TicketKey {
        let name: String
        do throws(KeyFault) { name = try file.name() } catch { throw .key(path: file.path, why: error.phrase) }
        let material = try file.material()
        if case .privateKey = material {
            throw .key(
                path: file.path,
                why: "it is a private key; the server needs only the public one: openssl pkey -in … -pubout")
        }
        return await TicketKey(name: name, material)
    }
}
