import Files
import Synchronization

/// Where lines of the access log go: to a file that another program may rename to begin a new one, or to stderr.
final class AccessLogFile: Sendable {
    private let path: String?
    private let open = Mutex<OpenFile?>(nil)

    /// Opens the file, which is made where it is missing.
    init(_ place: AccessLogPlace) throws(FileError) {
        path = if case .file(let path) = place { path } else { nil }
        try reopen()
    }

    /// Writes whole lines. Blocks.
    func write(_ text: String) throws(FileError) {
        guard path != nil else { return StandardError.writeText(text) }
        try open.withLock { file throws(FileError) in try file?.write(Array(text.utf8)) }
    }

    /// Goes on in the file that bears the name now: the old one was renamed.
    func reopen() throws(FileError) {
        guard let path else { return }
        try open.withLock { file throws(FileError) in file = try OpenFile(path, .append(permissions: 0o640)) }
    }
}

/// Where the access log goes.
enum AccessLogPlace: Hashable, Sendable {
    case off
    case standardError
    case file(path: String)

    /// `off`, `stderr`, or the path of a file.
    init?(_ text: String) {
        switch text {
        case "": return nil
        case "off": self = .off
        case "stderr": self = .standardError
        default: self = .file(path: text)
        }
    }
}
