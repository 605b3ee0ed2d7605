/// A thing that can be set by a flag, by the environment, or in the configuration file.
package enum Setting: String, CaseIterable, Sendable {
    case server
    case servers
    case ticket
    case ticketFile = "ticket-file"
    case quality
    case padding
    case lifetime
    case recipients
    case format
    case preview
    case name
    case receipt
    case allowHTTP = "allow-http"
    case resumableFrom = "resumable-from"
    case connectTimeout = "connect-timeout"
    case stallTimeout = "stall-timeout"
    case attempts
    case certificateFile = "ca-file"

    /// The environment variable: `SATCHEL_TICKET_FILE`.
    package var variable: String {
        "SATCHEL_" + rawValue.uppercased().replacing("-", with: "_")
    }

    /// What it means, in a line.
    package var meaning: String {
        switch self {
        case .server: "the server to send to: https://host[:port][/path]"
        case .servers: "where messages may be fetched from: hosts, separated by commas; by default the server's"
        case .ticket: "the ticket that lets you upload"
        case .ticketFile: "a file that holds the ticket"
        case .quality: "standard (long edge 1600 pixels), high (4096) or original (every pixel)"
        case .padding: "how a file's size is blurred: none, sixteenths, eighths or power-of-two"
        case .lifetime: "how long the server shall keep it: 45s, 90m, 12h, 30d, 2w; by default the server decides"
        case .recipients: "how many people shall receive it, 1 to 1024; when all have, it may go"
        case .format: "json or link"
        case .preview: "yes or no: a tiny picture in the message"
        case .name: "yes or no: the file's name in the message"
        case .receipt: "yes or no: tell the sender's server when a file has arrived here"
        case .allowHTTP: "yes or no: plain http to hosts other than this machine"
        case .resumableFrom: "from how many sealed bytes on an upload can be resumed: 1048576, 512KiB, 1MiB"
        case .connectTimeout: "seconds until a connection must stand"
        case .stallTimeout: "seconds without a byte after which a transfer is given up"
        case .attempts: "how often a request is made in all when the network or the server fails"
        case .certificateFile: "certificates to trust in place of the system's (PEM)"
        }
    }

    /// Its value is a right and must not be shown.
    package var isSecret: Bool { self == .ticket }
}

/// Where a setting's value comes from, the strongest first.
package enum SettingOrigin: Hashable, Sendable, CustomStringConvertible {
    case flag
    case environment
    case file(path: String)
    case standard

    package var description: String {
        switch self {
        case .flag: "flag"
        case .environment: "environment"
        case .file(let path): path
        case .standard: "default"
        }
    }
}

/// A setting that cannot be used, and why.
package struct SettingError: Error, Hashable, Sendable, CustomStringConvertible {
    package let origin: SettingOrigin
    package let description: String

    package init(_ setting: Setting, _ origin: SettingOrigin, _ why: String) {
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
