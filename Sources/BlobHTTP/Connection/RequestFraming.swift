package import NIOHTTP1

/// What HTTP/1.1 leaves open to two readings, and is therefore refused (RFC 9112 §3.2, §6.1, §6.3, §11.2). The decoder
/// refuses most of it first.
package enum RequestFraming {
    /// Why this head cannot be trusted; nil if it can.
    package static func fault(in head: HTTPRequestHead) -> String? {
        let hosts = head.headers["host"]
        if hosts.count > 1 || hosts.isEmpty && head.version != .http1_0 { return "It must have one Host field." }
        let lengths = head.headers["content-length"]
        let encodings = head.headers["transfer-encoding"]
        if encodings.isEmpty { return lengths.count > 1 ? "It has two Content-Length fields." : nil }
        if !lengths.isEmpty { return "It has both Content-Length and Transfer-Encoding." }
        if head.version == .http1_0 { return "Transfer-Encoding is unknown to HTTP/1.0." }
        return encodings.count == 1 && encodings[0].lowercased() == "chunked"
            ? nil : "The only Transfer-Encoding taken is chunked."
    }

    /// Whether the connection can serve another request: not after one that would leave HTTP, since its bytes could
    /// be taken for either protocol.
    package static func keepsAlive(_ head: HTTPRequestHead) -> Bool {
        head.isKeepAlive && head.method != .CONNECT && !head.headers.contains(name: "upgrade")
    }
}
