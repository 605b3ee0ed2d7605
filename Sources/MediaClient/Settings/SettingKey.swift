package import Blobs

/// The name of a setting: the same as a flag, in the environment, and in the configuration file.
package enum SettingKey: String, CaseIterable, Sendable {
    case server
    case servers
    case edges
    case ticket
    case ticketFile = "ticket-file"
    case quality
    case padding
    case lifetime
    case recipients
    case format
    case page
    case preview
    case name
    case receipt
    case allowHTTP = "allow-http"
    case resumableFrom = "resumable-from"
    case connectTimeout = "connect-timeout"
    case stallTimeout = "stall-timeout"
    case attempts
    case downloadRate = "download-rate"
    case downloadLimit = "download-limit"
    case certificateFile = "ca-file"

    /// The environment variable: `SATCHEL_TICKET_FILE`.
    package var variable: String {
        SettingVariable.name(prefix: "SATCHEL_", setting: rawValue)
    }

    /// One line of help.
    package var meaning: String {
        switch self {
        case .server: "server to send to: https://host[:port][/path]"
        case .servers: "hosts to download from, separated by commas; default: the host of the server"
        case .edges: "caches to download from first: https://host[:port][/path], separated by commas"
        case .ticket: "ticket that permits uploads"
        case .ticketFile: "file that contains the ticket"
        case .quality: "picture quality: standard (long edge 1600 pixels), high (4096) or original (every pixel)"
        case .padding: "how much the blob's size hides the file's: none, sixteenths, eighths or power-of-two"
        case .lifetime: "how long the server keeps the file: 45s, 90m, 12h, 30d, 2w, 1y; default: the server's"
        case .recipients:
            "number of expected recipients, 1 to 1024; the server deletes the file once all have confirmed"
        case .format: "message format: json or link"
        case .page: "URL that links begin with, for pages at another host than the server; default: the server's"
        case .preview: "include a tiny preview in the message: yes or no"
        case .name: "include the file name in the message: yes, no or neutral (names that cameras give are left out)"
        case .receipt: "confirm delivery when a file has arrived: yes or no"
        case .allowHTTP: "permit plain http to other machines: yes or no"
        case .resumableFrom: "sealed size from which uploads are resumable: 1048576, 512KiB, 1MiB"
        case .connectTimeout: "seconds to wait for a connection"
        case .stallTimeout: "give up after this many seconds without progress"
        case .attempts: "attempts for each request when the network or the server fails"
        case .downloadRate: "give up a download slower than this many bytes a second, over the stall timeout"
        case .downloadLimit: "largest sealed file to download: 2147483648, 500MiB, 2GiB"
        case .certificateFile: "certificates to trust instead of the system's (PEM)"
        }
    }

    /// Its value must not be shown.
    package var isSecret: Bool { self == .ticket }
}

/// A setting that cannot be used, and why.
package struct SettingError: Error, Hashable, Sendable, CustomStringConvertible {
    package let origin: SettingOrigin
    package let description: String

    package init(_ setting: SettingKey, _ origin: SettingOrigin, _ why: String) {
        self.origin = origin
        let name =
            switch origin {
            case .flag: "--\(setting.rawValue)"
            case .environment: setting.variable
            case .file(let path): "\(setting.rawValue) in \(path)"
            case .standard: "the setting \(setting.rawValue)"
            }
        description = "\(name): \(why)"
    }

    package init(file path: String, _ why: String) {
        origin = .file(path: path)
        description = "\(path): \(why)"
    }
}
