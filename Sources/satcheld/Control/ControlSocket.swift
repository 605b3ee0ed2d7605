import Files
import Glibc

/// The door through which other processes of the same user ask the owner of a store.
enum ControlSocket {
    /// A path to `socket` that fits the 107 bytes of a socket's address: of a longer one, through a descriptor of its
    /// folder, which stays open as long as `body` runs.
    static func withShortPath<Result>(
        _ socket: String, _ body: (String) async throws -> Result
    ) async throws -> Result {
        if socket.utf8.count <= 107 { return try await body(socket) }
        let parts = socket.split(separator: "/", omittingEmptySubsequences: false)
        let folder = try OpenFile(parts.dropLast().joined(separator: "/"), .read)
        return try await body("/proc/self/fd/\(folder.descriptor)/\(parts.last ?? "")")
    }

    /// Leaves the socket to its owner alone.
    static func restrict(_ path: String) throws(FileError) {
        // Safe: the call reads the path and keeps nothing.
        guard unsafe chmod(path, 0o600) == 0 else { throw FileError(operation: "chmod", path: path, code: errno) }
    }
}
