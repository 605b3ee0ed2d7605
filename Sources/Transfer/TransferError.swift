package import Blobs
package import Files

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
    /// The server's certificate is not trusted, or its TLS is not acceptable.
    case untrusted(host: String, String)
    /// Every address of the host is private, link-local, loopback or reserved, and the host is not configured.
    case refusedAddress(host: String, IPAddress)
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
        case .unresolved, .unreachable, .cut, .stalled: true
        case .untrusted, .refusedAddress, .answerTooLong, .malformedAnswer, .file, .library: false
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
        case .untrusted(let host, let why): "cannot establish a trusted connection to \(host): \(why)"
        case .refusedAddress(let host, let address):
            "\(host) resolves to \(address), which is not a public address, and it is not one of your servers"
        case .answerTooLong(let host, let limitBytes):
            "the response from \(host) exceeds \(limitBytes) bytes"
        case .malformedAnswer(let host, let why): "malformed response from \(host): \(why)"
        case .file(let error): error.description
        case .library(let why): "libcurl: \(why)"
        }
    }
}
