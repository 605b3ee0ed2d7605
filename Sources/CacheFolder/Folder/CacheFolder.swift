package import BlobFiles
package import Blobs
package import Files
package import Logging
import Synchronization

/// The folder of a cache, which belongs to this process alone for as long as this value lives.
///
///     EDGE, or NODE      what made it: format, origin, name, boot id of the machine
///     lock
///     blobs.v1/3f/3fa9…  verified blobs, read-only, modified at their Sunset
///     parts/3fa9…        blobs on their way
///     index              a snapshot of what is here, every minute
///
/// Every call blocks its thread. Nothing here has to last: what is lost is fetched again.
package final class CacheFolder: Sendable {
    /// Whose cache it is.
    package enum Kind: String, Sendable {
        /// Of an edge in front of an origin, by its URL.
        case edge
        /// Of a node of a shared store, by its identity.
        case node

        /// The file that says so.
        var label: String { rawValue.uppercased() }
        var format: String { "satchel \(rawValue) 1" }
    }

    package let path: String
    /// The cache's name in fields: a token.
    package let name: String
    /// The boot id of the machine.
    package let boot: String
    /// Whether the machine was restarted since a cache last ran here: then what was not synced may be anything.
    package let isAfterRestart: Bool
    package let files: BlobFiles
    private let lock: Mutex<OpenFile?>
    private let logger: Logger
    private let failures = Atomic(0)

    /// Opens the folder at `path`, or makes it. `origin` is what it caches; a cache of another origin is refused.
    ///
    /// - Parameter name: the name in fields; nil for the one that is kept there, at first a random one.
    package init(
        _ path: String, of kind: Kind = .edge, origin: String, name: String?, boot: String, logger: Logger
    ) throws(CacheFolderError) {
        self.path = path
        self.logger = logger
        do throws(FileError) {
            try Folder.makeAll(path)
            let file = try OpenFile("\(path)/lock", .openOrCreate(permissions: 0o600))
            try file.lockExclusively()
            lock = Mutex(consume file)
        } catch {
            throw error.isLocked ? .inUse(path) : .file(error)
        }
        let label = try Self.label(at: path, kind, origin: origin, name: name, boot: boot)
        self.name = label.name
        self.boot = boot
        isAfterRestart = label.boot != boot
        let folders = BlobFolders(blobs: "\(path)/blobs.v1", staging: "\(path)/parts", damaged: "\(path)/parts")
        files = try cacheErrors { () throws(FileError) in
            try Folder.make(folders.blobs)
            for shard in BlobFolders.shards { try Folder.make(folders.shard(shard)) }
            let files = try BlobFiles(folders, faults: .none)
            // What was on its way belongs to nobody any more.
            for part in try Folder.names(in: folders.staging) { try Folder.remove("\(folders.staging)/\(part)") }
            return files
        }
    }

    /// Lets another cache have the folder, of which this one uses nothing from now on.
    package func release() { lock.withLock { $0 = nil } }

    var partsFolder: String { files.folders.staging }

    package var indexPath: String { "\(path)/index" }

    package var controlSocket: String { "\(path)/control.sock" }

    /// Removes a blob's file, if there is one.
    package func remove(_ address: BlobAddress) {
        do throws(FileError) { try Folder.remove(files.folders.blob(address)) } catch { note(error) }
    }

    /// Bytes that may still be written; nil where the disk cannot say.
    package var freeBytes: Int64? {
        do throws(FileError) { return try files.freeBytes() } catch {
            note(error)
            return nil
        }
    }

    /// The disk failed, which costs readers nothing but time.
    package func note(_ error: FileError) {
        let count = failures.wrappingAdd(1, ordering: .relaxed).newValue
        // At 1, 2, 4, 8 …: a disk that is full fails thousands of times.
        guard count & (count - 1) == 0 else { return }
        logger.warning(
            "The cache's disk failed; readers are served past it",
            metadata: ["error": "\(error)", "failures": "\(count)"])
    }

    func noteSnapshot(_ why: String) {
        logger.warning("The saved index cannot be used; the cache is looked through", metadata: ["why": "\(why)"])
    }

    /// How often the disk has failed.
    package var failureCount: Int { failures.load(ordering: .relaxed) }

    // MARK: What made it

    private struct Label {
        var origin: String
        var name: String
        var boot: String
    }

    /// Reads the label, or writes the first one, and notes this boot.
    private static func label(
        at path: String, _ kind: Kind, origin: String, name: String?, boot: String
    ) throws(CacheFolderError) -> Label {
        let file = "\(path)/\(kind.label)"
        var label = Label(origin: origin, name: name ?? newName(of: kind), boot: boot)
        if let lines = try cacheErrors({ () throws(FileError) in try lines(ofFile: file) }) {
            guard lines.count == 4, lines[0] == kind.format, lines[1].hasPrefix("origin "), lines[2].hasPrefix("name "),
                lines[3].hasPrefix("boot ")
            else { throw .notACache(path) }
            let former = String(lines[1].dropFirst(7))
            guard former == origin else { throw .otherOrigin(path, kind, former) }
            label.name = name ?? String(lines[2].dropFirst(5))
            label.boot = String(lines[3].dropFirst(5))
        } else {
            let names = try cacheErrors { () throws(FileError) in try Folder.names(in: path) }
            guard Set(names).isSubset(of: ["lock", "lost+found", "\(kind.label).new"]) else { throw .notACache(path) }
        }
        let text = "\(kind.format)\norigin \(origin)\nname \(label.name)\nboot \(boot)\n"
        try cacheErrors { () throws(FileError) in
            // Durable before anything else is: without it the folder is not known for a cache.
            try Folder.remove(file + ".new")
            let new = try OpenFile(file + ".new", .create(permissions: 0o600))
            try new.write(Array(text.utf8))
            try new.synchronize()
            try Folder.rename(file + ".new", to: file)
            try Folder.synchronize(path)
        }
        return label
    }

    /// The lines of a small file; nil if there is none.
    private static func lines(ofFile path: String) throws(FileError) -> [String]? {
        guard try Folder.status(path) != nil else { return nil }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = try OpenFile(path, .read, followsLinks: false).read(into: &bytes)
        return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private static func newName(of kind: Kind) -> String {
        "\(kind.rawValue)-" + (0..<8).map { _ in String(Int.random(in: 0...9)) }.joined()
    }
}

/// Why a folder cannot be used as a cache.
package enum CacheFolderError: Error, Sendable, CustomStringConvertible {
    /// Another process has it.
    case inUse(String)
    /// It has something else in it.
    case notACache(String)
    /// It is the cache of another origin.
    case otherOrigin(String, CacheFolder.Kind, String)
    case file(FileError)

    package var description: String {
        switch self {
        case .inUse(let path): "the cache \(path) is in use by another process"
        case .notACache(let path): "\(path) has other files in it; give a folder that is empty or does not exist"
        case .otherOrigin(let path, .node, let store):
            "\(path) is a cache of the store \(store); give another folder"
        case .otherOrigin(let path, .edge, let origin):
            "\(path) is a cache of \(origin); give another folder, or the same --origin first"
        case .file(let error): error.description
        }
    }
}

/// Runs `body` on the files of a cache.
func cacheErrors<Value: ~Copyable>(_ body: () throws(FileError) -> Value) throws(CacheFolderError) -> Value {
    do { return try body() } catch { throw .file(error) }
}
