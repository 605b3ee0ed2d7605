/// Whether a request goes through a proxy, as the environment says it: the rules of libcurl
/// (libcurl-env(3), CURLOPT_NOPROXY(3)), decided here so that we know whose address a connection shows.
package enum ProxyChoice: Hashable, Sendable {
    case direct
    /// The proxy's URL as it was written.
    case proxy(String)

    /// Decides for requests to `origin`. `environment` looks a variable up.
    package init(for origin: WebOrigin, environment: (String) -> String?) {
        func variable(_ name: String) -> String? {
            environment(name).flatMap { $0.isEmpty ? nil : $0 }
        }
        let scheme = origin.scheme.rawValue
        // HTTP_PROXY in capitals is not looked at: in a CGI program a stranger's header would set it.
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
        if let address = NetworkAddress(host) {
            let parts = entry.split(separator: "/", maxSplits: 1)
            guard let text = parts.first, let base = NetworkAddress(unbracketed(text)) else { return false }
            let length = parts.count == 2 ? Int(parts[1]) : base.bytes.count * 8
            return length.flatMap { NetworkPrefix(base, $0) }?.contains(address) ?? false
        }
        let name = entry.hasPrefix(".") ? entry.dropFirst() : entry[...]
        return !name.isEmpty && (host == name || host.hasSuffix("." + name))
    }

    private static func unbracketed(_ text: Substring) -> Substring {
        text.hasPrefix("[") && text.hasSuffix("]") ? text.dropFirst().dropLast() : text
    }
}
