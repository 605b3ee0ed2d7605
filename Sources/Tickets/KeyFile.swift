package import Files

/// One file that holds one key. The name up to its first dot is the key's name, its `kid`: `2026-a.pem` is `2026-a`.
struct KeyFile: Sendable {
    let path: String

    /// The key's name; throws where the file's name does not give one.
    func name() throws(KeyFault) -> String {
        let file = path.split(separator: "/").last ?? ""
        let name = file.prefix { $0 != "." }
        let isPlain = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        }
        guard (1...64).contains(name.utf8.count), isPlain else {
            throw KeyFault("its file name must start with 1 to 64 letters, digits, - or _, up to the first dot")
        }
        return String(name)
    }

    /// The files at `paths`, or those in the folders there, in order. Names that begin with a dot are skipped in a folder:
    /// editors and container secrets leave them there. Where keys `mayBeGone`, a path that leads nowhere has none.
    static func all(in paths: [String], mayBeGone: Bool = false) throws(FileError) -> [KeyFile] {
        var files: [KeyFile] = []
        for path in paths {
            let kind = try Folder.status(path, followsLinks: true)?.kind
            if kind == nil, mayBeGone { continue }
            let names = kind == .folder ? try Folder.names(in: path).filter { !$0.hasPrefix(".") }.sorted() : nil
            files += names?.map { KeyFile(path: "\(path)/\($0)") } ?? [KeyFile(path: path)]
        }
        return files
    }

    /// Its first bytes, one more than a key can have, and what it is.
    func contents() throws(FileError) -> (bytes: [UInt8], status: FileStatus) {
        let file = try OpenFile(path, .read)
        let status = try file.status()
        var buffer = [UInt8](repeating: 0, count: KeyMaterial.limitBytes + 1)
        let count = try file.read(into: &buffer)
        return (Array(buffer.prefix(count)), status)
    }

    /// Its bytes without the end of their last line, and who could read or change what is to be a secret; nil if nobody
    /// else can.
    func secretLine() throws(FileError) -> (bytes: ArraySlice<UInt8>, exposure: String?) {
        let (bytes, status) = try contents()
        return (
            bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...], status.exposure(isSecret: true)
        )
    }

    /// The key in it, provided that only its owner can write to it and, where it is secret, others cannot read it.
    func material() throws(TicketKeyError) -> KeyMaterial {
        let (bytes, status): ([UInt8], FileStatus)
        do { (bytes, status) = try contents() } catch { throw .file(error) }
        do throws(KeyFault) {
            guard bytes.count <= KeyMaterial.limitBytes else { throw KeyFault("it is too large to be a key") }
            let material = try KeyMaterial(bytes)
            // Anyone who can write a key can issue tickets, and so can anyone who can read a secret.
            let isSecret = if case .publicKey = material { false } else { true }
            if let exposure = status.exposure(isSecret: isSecret) { throw KeyFault(exposure) }
            return material
        } catch {
            throw .key(path: path, why: error.phrase)
        }
    }
}

/// Why the keys cannot be used.
package enum TicketKeyError: Error, Sendable, CustomStringConvertible {
    case file(FileError)
    case key(path: String, why: String)
    /// Two files give the same name.
    case sameName(String)
    /// There are no keys, so nobody could write.
    case none(paths: [String])

    package var description: String {
        switch self {
        case .file(let error): error.description
        case .key(let path, let why): "\(path) is not a usable ticket key: \(why)"
        case .sameName(let name): "two key files have the name \(name); every key needs a unique name (kid)"
        case .none(let paths): "no keys found in \(paths.joined(separator: ", "))"
        }
    }
}
