import Files
import Glibc

/// A result in the making. Nothing is seen of it before all of it is there.
struct OutputFile: ~Copyable {
    /// Where it goes.
    let place: OutputPlace
    /// What to write to until then.
    let temporary: TemporaryFile
    private let replacing: Bool

    /// `spool` makes the temporary file of a stream; that of a file is in its own folder, so that it can be renamed.
    init(
        _ place: OutputPlace, replacing: Bool, spool: () throws(MediaClientError) -> TemporaryFile
    ) throws(MediaClientError) {
        self.place = place
        self.replacing = replacing
        temporary = try place.temporaryFile(spool)
    }

    /// Gives the file its name, or writes it to the stream. Returns the path of a file.
    @discardableResult
    borrowing func publish() throws(MediaClientError) -> String? {
        do throws(FileError) {
            switch place {
            case .file(let path):
                try temporary.publish(as: path, replacing: replacing)
                return path
            case .free(let name): return try publish(as: name)
            case .device(let path): try copy(to: OpenFile(path, .write))
            case .descriptor(let number): try copy(to: OpenFile.duplicating(number))
            }
            return nil
        } catch {
            throw error.isExistence ? .exists(path: error.path) : .output(error)
        }
    }

    /// Takes the first name that is free. A name is made, or it is not: whoever else makes one meanwhile keeps it.
    private borrowing func publish(as name: FreeName) throws(FileError) -> String {
        for path in name.paths where try Folder.status(path) == nil {
            do throws(FileError) {
                try temporary.publish(as: path, replacing: false)
                return path
            } catch {
                if !error.isExistence { throw error }
            }
        }
        throw FileError(operation: "link", path: "\(name.folder)/\(name.name)", code: EEXIST)
    }

    private borrowing func copy(to stream: borrowing OpenFile) throws(FileError) {
        try temporary.file.seek(to: 0)
        try temporary.file.copy(to: stream)
    }
}

/// Where the path of a result leads, found out before anything is made there.
enum OutputPlace {
    /// A file that is made or replaced under this name, which is no symbolic link.
    case file(String)
    /// A new file in a folder, under a name that is free by then.
    case free(FreeName)
    /// A pipe, a terminal or another character device: it is written to, never replaced.
    case device(String)
    /// A descriptor of this process.
    case descriptor(Int32)

    /// Throws `.exists` for a file, unless it may be replaced, and `.notWritable` for what is neither file nor stream.
    /// Links are followed if the person wrote the path, not if a message suggested it.
    init(_ path: String, replacing: Bool, followsLinks: Bool = true) throws(MediaClientError) {
        let (place, number, kind) = try onFile(MediaClientError.output) { () throws(FileError) in
            let place = followsLinks ? try Self.end(of: path) : path
            return (place, try Self.descriptor(place), try Folder.status(place)?.kind)
        }
        if let number {
            self = .descriptor(number)
            return
        }
        switch kind {
        case nil: self = .file(place)
        case .regular:
            guard replacing else { throw .exists(path: path) }
            self = .file(place)
        case .stream where followsLinks: self = .device(place)
        case .stream: throw .notWritable(path: path, "a pipe or a device")
        case .folder: throw .notWritable(path: path, "a folder")
        case .link: throw .notWritable(path: path, "a symbolic link")
        case .other: throw .notWritable(path: path, "a block device or a socket")
        }
    }

    /// A temporary file on the disk of the result, or one of `spool` for a stream.
    func temporaryFile(
        _ spool: () throws(MediaClientError) -> TemporaryFile
    ) throws(MediaClientError) -> TemporaryFile {
        let folder: String
        switch self {
        case .file(let path): folder = parentFolder(of: path)
        case .free(let name): folder = name.folder
        case .device, .descriptor: return try spool()
        }
        return try onFile(MediaClientError.output) { () throws(FileError) in try TemporaryFile(in: folder) }
    }

    /// The most symbolic links in a row, as in the kernel (path_resolution(7)).
    private static let linkLimit = 40

    /// The path with the links of its last part followed, except to a descriptor.
    private static func end(of path: String) throws(FileError) -> String {
        var place = path
        for _ in 0...linkLimit {
            guard try descriptor(place) == nil, try Folder.status(place)?.kind == .link else { return place }
            place = try Folder.target(ofLink: place)
        }
        throw FileError(operation: "open", path: path, code: ELOOP)
    }

    /// N of `/proc/self/fd/N`, which is also `/dev/fd/N`, and where `/dev/stdout` leads (proc(5)).
    private static func descriptor(_ path: String) throws(FileError) -> Int32? {
        let folder = parentFolder(of: path)
        guard let name = path.split(separator: "/").last, let number = Int32(name), number >= 0,
            try Folder.status(folder, followsLinks: true) != nil,
            try Folder.status("/proc/self/fd", followsLinks: true) != nil
        else { return nil }
        return try Folder.resolved(folder) == Folder.resolved("/proc/self/fd") ? number : nil
    }
}

/// Writes a small result to `path`; for a stream by way of a file in `temporaryFolder`.
package func writeResult(
    _ bytes: [UInt8], to path: String, replacing: Bool, temporaryFolder: String
) throws(MediaClientError) {
    let output = try OutputFile(OutputPlace(path, replacing: replacing), replacing: replacing) {
        () throws(MediaClientError) in
        try onFile(MediaClientError.state) { () throws(FileError) in try TemporaryFile(in: temporaryFolder) }
    }
    try onFile(MediaClientError.output) { () throws(FileError) in try output.temporary.file.write(bytes[...]) }
    try output.publish()
}
