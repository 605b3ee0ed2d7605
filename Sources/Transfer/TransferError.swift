package import Files

/// Why a request brought no answer that could be used. `host` is the host and port asked.
package enum TransferError: Error, Sendable {
    /// The name leads nowhere.
    case unresolved(host: String, String)
    /// Nobody answers there.
    case unreachable(host: String, String)
    /// The connection broke, with bytes still to come or to go.
    case cut(host: String, String)
    /// Nothing moved for this long, or the whole took too long.
    case stalled(host: String, seconds: Int)
    /// The server could not prove who it is, or speaks no TLS that we accept.
    case untrusted(host: String, String)
    /// Every address of the host is private, link-local, loopback or reserved, and the host is not configured.
    case refusedAddress(host: String, NetworkAddress)
    /// The answer is larger than it may be.
    case answerTooLong(host: String, limitBytes: Int64)
    /// The answer is not what HTTP, or our API, says it must be.
    case malformedAnswer(host: String, String)
    /// The local file that was to be sent or filled failed.
    case file(FileError)
    /// libcurl could not do it for a reason of its own.
    case library(String)

    /// The network's fault, and perhaps gone in a moment.
    package var isPassing: Bool {
        switch self {
        case .unresolved, .unreachable, .cut, .stalled: true
        case .untrusted, .refusedAddress, .answerTooLong, .malformedAnswer, .file, .library: false
        }
    }
}

extension TransferError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unresolved(let host, let why): "cannot find \(host): \(why)"
        case .unreachable(let host, let why): "cannot reach \(host): \(why)"
        case .cut(let host, let why): "the connection to \(host) broke: \(why)"
        case .stalled(let host, let seconds): "\(host) has not moved on for \(seconds) seconds"
        case .untrusted(let host, let why): "no trusted connection to \(host): \(why)"
        case .refusedAddress(let host, let address):
            "\(host) is at \(address), an address inside a private network, and is not a configured server"
        case .answerTooLong(let host, let limitBytes):
            "the answer of \(host) is longer than the \(limitBytes) bytes that it may have"
        case .malformedAnswer(let host, let why): "the answer of \(host) makes no sense: \(why)"
        case .file(let error): error.description
        case .library(let why): "libcurl: \(why)"
        }
    }
}
