package import Files
import Glibc
import Synchronization

/// A file in the making. It has no name if the file system supports that, so that nothing is left however the program
/// ends; otherwise it has a hidden name, which is removed with this value, or by the signal that ends the program.
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

    /// Makes the bytes durable and gives the file its name. An existing file is replaced if `replacing`, otherwise it
    /// is an error with `isExistence`.
    package borrowing func publish(as path: String, replacing: Bool) throws(FileError) {
        try file.synchronize()
        if let name {
            try Folder.rename(name, to: path, replacing: replacing)
        } else {
            do { if replacing { try replace(path) } else { try file.link(as: path) } } catch {
                guard error.isAboutNoLinks else { throw error }
                return try publishCopy(as: path, replacing: replacing)
            }
        }
        try Folder.synchronize(folder)
    }

    /// Where the file system has no hard links, an unnamed file gets no name: its bytes go to one that has.
    private borrowing func publishCopy(as path: String, replacing: Bool) throws(FileError) {
        let copy = try TemporaryFile(in: folder, allowsUnnamed: false)
        try file.seek(to: 0)
        try file.copy(to: copy.file)
        try copy.publish(as: path, replacing: replacing)
    }

    /// An unnamed file cannot be linked over an existing one: it gets a temporary name first.
    private borrowing func replace(_ path: String) throws(FileError) {
        let name = Self.freshName(in: folder)
        try file.link(as: name)
        do { try Folder.rename(name, to: path) } catch {
            _ = try? Folder.remove(name)
            throw error
        }
    }

    /// Nil if the file system has no unnamed files.
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
/// The names of temporary files that are removed when a signal ends the program.
///
/// From the first name on, a thread waits for SIGINT, SIGTERM and SIGHUP, removes the files, and lets the signal end
/// the program as it would have. No code runs inside a signal handler.
final class TemporaryNames: Sendable {
    static let shared = TemporaryNames()

    private struct State {
        var names: Set<String> = []
        var isWatching = false
    }

    private let state = Mutex(State())

    func add(_ name: String) {
        let isFirst = state.withLock { state in
            state.names.insert(name)
            defer { state.isWatching = true }
            return !state.isWatching
        }
        if isFirst { watch() }
    }

    func forget(_ name: String) {
        state.withLock { state in _ = state.names.remove(name) }
    }

    private func removeAll() {
        for name in state.withLock({ $0.names }) { _ = try? Folder.remove(name) }
    }

    /// Threads started later inherit the blocked signals.
    private func watch() {
        var signals = Self.endingSignals()
        _ = unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
        var thread = pthread_t()
        // Safe: the thread uses nothing but the shared object, which lives as long as the program.
        _ = unsafe pthread_create(&thread, nil, { _ in unsafe TemporaryNames.shared.awaitSignal() }, nil)
        _ = pthread_detach(thread)
    }

    private func awaitSignal() -> UnsafeMutableRawPointer? {
        var signals = Self.endingSignals()
        var received: Int32 = 0
        while unsafe sigwait(&signals, &received) != 0 {}
        removeAll()
        // Safe: these two only change what the signal does to this process.
        _ = signal(received, SIG_DFL)
        _ = unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        _ = kill(getpid(), received)
        return nil
    }

    private static func endingSignals() -> sigset_t {
        var signals = sigset_t()
        _ = unsafe sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { _ = unsafe sigaddset(&signals, number) }
        return signals
    }
}
