package import Files
import Glibc

/// A file in the making. It has no name where the file system can do that, so that nothing is left however the program
/// ends; elsewhere it has a hidden one, which goes with this value or with the signal that ends the program.
package struct TemporaryFile: ~Copyable {
    package let file: OpenFile
    private let folder: String
    /// Nil for a file without a name.
    private let name: String?

    package init(in folder: String, allowsUnnamed: Bool = true) throws(FileError) {
        self.folder = folder
        if allowsUnnamed, let file = try Self.unnamed(in: folder) {
            self.file = file
            name = nil
        } else {
            let name = Self.freshName(in: folder)
            TemporaryNames.shared.add(name)
            file = try OpenFile(name, .create(permissions: 0o600))
            self.name = name
        }
    }

    deinit {
        guard let name else { return }
        _ = try? Folder.remove(name)
        TemporaryNames.shared.forget(name)
    }

    /// Makes the bytes durable and gives the file its name. What bore that name is replaced only if `replacing`;
    /// else that is an error with `isExistence`.
    package borrowing func publish(as path: String, replacing: Bool) throws(FileError) {
        try file.synchronize()
        if let name {
            try Self.rename(name, to: path, replacing: replacing)
        } else if replacing {
            try replace(path)
        } else {
            try file.link(as: path)
        }
        try Folder.synchronize(folder)
    }

    /// An unnamed file cannot take a name that is taken: it gets one of its own first.
    private borrowing func replace(_ path: String) throws(FileError) {
        let name = Self.freshName(in: folder)
        try file.link(as: name)
        do { try Folder.rename(name, to: path) } catch {
            _ = try? Folder.remove(name)
            throw error
        }
    }

    private static func rename(_ name: String, to path: String, replacing: Bool) throws(FileError) {
        do { try Folder.rename(name, to: path, replacing: replacing) } catch {
            // Not every file system can rename without replacing: there the name is taken first.
            guard !replacing, error.code == EINVAL || error.code == ENOSYS else { throw error }
            _ = try OpenFile(path, .create(permissions: 0o600))
            try Folder.rename(name, to: path)
        }
    }

    /// Nil where the file system has no unnamed files.
    private static func unnamed(in folder: String) throws(FileError) -> OpenFile? {
        do { return try OpenFile.unnamed(in: folder) } catch {
            guard [EOPNOTSUPP, EISDIR, EINVAL, ENOSYS].contains(error.code) else { throw error }
            return nil
        }
    }

    private static func freshName(in folder: String) -> String {
        "\(folder)/.satchel-\(String(UInt64.random(in: .min ... .max), radix: 16)).part"
    }
}
