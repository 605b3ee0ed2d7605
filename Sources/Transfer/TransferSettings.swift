package import Blobs
package import Files

/// The limits of every request.
package struct TransferSettings: Sendable {
    /// Seconds to wait for a connection.
    package var connectTimeoutSeconds: Int
    /// Give up after this many seconds without a byte in either direction.
    package var stallTimeoutSeconds: Int
    /// Give up a download that brings fewer bytes a second than this, over `stallTimeoutSeconds`; at least 1.
    package var lowestDownloadRate: Int
    /// Certificates to trust instead of the system's; nil for the system's.
    package var certificateFile: String?
    /// Looks up an environment variable, for proxies.
    package var environment: @Sendable (String) -> String?

    package init(
        connectTimeoutSeconds: Int = 15, stallTimeoutSeconds: Int = 60, lowestDownloadRate: Int = 1,
        certificateFile: String? = nil,
        environment: @escaping @Sendable (String) -> String?
    ) {
        self.connectTimeoutSeconds = connectTimeoutSeconds
        self.stallTimeoutSeconds = stallTimeoutSeconds
        self.lowestDownloadRate = max(1, lowestDownloadRate)
        self.certificateFile = certificateFile
        self.environment = environment
    }

    /// The most bytes in a response that is not written to a file: a descriptor, a lease, a problem.
    package static let answerLimitBytes: Int64 = 64 * 1024
    /// The most seconds for a request that moves no blob.
    package static let answerTimeoutSeconds = 60
}

/// Whether a request goes through a proxy, by the environment and the rules of libcurl (libcurl-env(3),
/// CURLOPT_NOPROXY(3)). It is decided here so that we know whose address a connection has.
package enum ProxyChoice: Hashable, Sendable {
    case direct
    /// The URL of the proxy, as written.
    case proxy(String)

    /// Decides for requests to `origin`. `environment` looks up a variable.
    package init(for origin: HTTPOrigin, environment: (String) -> String?) {
        func variable(_ name: String) -> String? {
            environment(name).flatMap { $0.isEmpty ? nil : $0 }
        }
        let scheme = origin.scheme.rawValue
        // HTTP_PROXY in capitals is ignored: in a CGI program a request header could set it.
        let proxy =
            variable("\(scheme)_proxy") ?? (scheme == "https" ? variable("HTTPS_PROXY") : nil)
            ?? variable("all_proxy") ?? variable("ALL_PROXY")
        let exceptions = variable("no_proxy") ?? variable("NO_PROXY") ?? ""
        if let proxy, !Self.isExcepted(origin.host, by: exceptions) {
            self = .proxy(proxy)
        } else {
            self = .direct
        }
    }

    private static func isExcepted(_ host: String, by list: String) -> Bool {
        list == "*"
            || list.split(whereSeparator: { $0 == "," || $0 == " " }).contains { entry in
                matches(host, entry.lowercased())
            }
    }

    private static func matches(_ host: String, _ entry: String) -> Bool {
        if let address = IPAddress(host) {
            let parts = entry.split(separator: "/", maxSplits: 1)
            guard let text = parts.first, let base = IPAddress(unbracketed(text)) else { return false }
            let length = parts.count == 2 ? Int(parts[1]) : base.bitCount
            return length.flatMap { IPPrefix(base, bits: $0) }?.contains(address) ?? false
        }
        let name = entry.hasPrefix(".") ? entry.dropFirst() : entry[...]
        return !name.isEmpty && (host == name || host.hasSuffix("." + name))
    }

    private static func unbracketed(_ text: Substring) -> Substring {
        text.hasPrefix("[") && text.hasSuffix("]") ? text.dropFirst().dropLast() : text
    }
}

/// Why a request got no usable response. `host` is the host and port of the request.
package enum TransferError: Error, Sendable {
    /// The host name cannot be resolved.
    case unresolved(host: String, String)
    /// No connection could be made.
    case unreachable(host: String, String)
    /// The connection was lost before all bytes had moved.
    case cut(host: String, String)
    /// No bytes moved for this long, or the request took too long.
    case stalled(host: String, seconds: Int)
    /// A download brought less than this over so many seconds.
    case tooSlow(host: String, bytesPerSecond: Int, seconds: Int)
    /// The server's certificate is not trusted, or its TLS is not acceptable.
    case untrusted(host: String, String)
    /// The server answered in something else than TLS.
    case notTLS(host: String)
    /// Every address of the host is private, link-local, loopback or reserved, and the host is not configured.
    case refusedAddress(host: String, IPAddress)
    /// The host is named like one of this machine or of a local network, and is not configured.
    case refusedName(host: String)
    /// The response is larger than allowed.
    case answerTooLong(host: String, limitBytes: Int64)
    /// The response is not valid in HTTP, or in our API.
    case malformedAnswer(host: String, String)
    /// The local file could not be read or written.
    case file(FileError)
    /// libcurl failed for a reason of its own.
    case library(String)

    /// A fault of the network that may be gone in a moment.
    package var isTransient: Bool {
        switch self {
        case .unresolved, .unreachable, .cut, .stalled, .tooSlow: true
        case .untrusted, .notTLS, .refusedAddress, .refusedName, .answerTooLong, .malformedAnswer, .file, .library:
            false
        }
    }
}

extension TransferError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unresolved(let host, let why): "cannot resolve \(host): \(why)"
        case .unreachable(let host, let why): "cannot reach \(host): \(why)"
        case .cut(let host, let why): "lost the connection to \(host): \(why)"
        case .stalled(let host, let seconds): "no progress from \(host) for \(seconds) seconds"
        case .tooSlow(let host, let bytesPerSecond, let seconds):
            "less than \(bytesPerSecond) bytes a second from \(host) for \(seconds) seconds"
        case .untrusted(let host, let why): "cannot establish a trusted connection to \(host): \(why)"
        case .notTLS(let host): "\(host) does not speak https at this port; it may speak http"
        case .refusedAddress(let host, let address):
            "\(host) resolves to \(address), which is not a public address, and it is not one of your servers"
        case .refusedName(let host):
            "\(host) is not the name of a host with a public address, and it is not one of your servers"
        case .answerTooLong(let host, let limitBytes):
            "the response from \(host) exceeds \(limitBytes) bytes"
        case .malformedAnswer(let host, let why): "malformed response from \(host): \(why)"
        case .file(let error): error.description
        case .library(let why): "libcurl: \(why)"
        }
    }
}
