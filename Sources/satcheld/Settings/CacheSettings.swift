import Blobs
import Edge
import OriginLink

private typealias Parse = SettingParser

/// What only an edge has: where its blobs come from, and where they are kept.
struct CacheSettings: Sendable {
    var origins: [OriginAddress] = []
    var edgeKeyPath = ""
    /// Empty for the certificates that the system trusts.
    var originRootsPath = ""
    var path = ""
    /// Empty for a name that is made at the first start.
    var name = ""
    var edge = EdgeSettings()
    var link = OriginClientSettings()
}

extension SettingsTable {
    static let caching: [ServerSetting] = [
        .value(
            "origin", "URLS", standard: "",
            "The server that blobs are fetched from, and its other names, separated by commas. Required.",
            parse: origins, at: \.cache.origins),
        .value(
            "edge-key", "FILE", standard: "",
            "The key that the origin knows this edge by; without one there is no change feed. Reloaded on SIGHUP.",
            parse: Parse.any, at: \.cache.edgeKeyPath),
        .value(
            "origin-ca", "FILE", standard: "",
            "Certificates in PEM that the origin's must lead to. Default: those that the system trusts. Reloaded on SIGHUP.",
            parse: Parse.any, at: \.cache.originRootsPath),
        .value(
            "cache", "FOLDER", standard: "cache", "Folder of the cache; created if missing or empty.",
            parse: Parse.nonempty, at: \.cache.path),
        .value(
            "cache-size", "BYTES", standard: "10GiB", "Bytes of all blobs in the cache.",
            expected: "bytes from 1, such as 400GiB", parse: Parse.bytes(from: 1), at: \.cache.edge.cacheBytes),
        .value(
            "keep-free", "BYTES", standard: "1GiB", "Disk space that the cache never uses.",
            parse: Parse.bytes, at: \.cache.edge.keepFreeBytes),
        .value(
            "edge-name", "NAME", standard: "", "Name of this edge in Via and Cache-Status. Default: a random one.",
            expected: "up to 64 letters, digits, dots, - and _",
            parse: { $0.isEmpty || isToken($0) ? $0 : nil }, at: \.cache.name),
        .value(
            "pass", SettingWords.switchPlaceholder, standard: "true",
            "Pass uploads and all else but reads on to the origin; false refuses them.",
            parse: Parse.flag, at: \.cache.edge.passesUploads),
        .value(
            "stale-if-error", "TIME|none", standard: "none",
            "How long a blob may be served beyond its age where the origin does not answer; never past its end.",
            parse: { $0 == "none" ? .some(nil) : Parse.lifetime($0).map { .some($0) } }, at: \.cache.edge.staleIfError),
        .value(
            "fills", "COUNT", standard: "1024", "Limit of blobs on their way from the origin.",
            parse: Parse.count, at: \.cache.edge.fills),
        .value(
            "origin-connections", "COUNT", standard: "256", "Limit of connections to the origin.",
            parse: Parse.count, at: \.cache.link.connections),
        .value(
            "scrub-rate", "BYTES", standard: "8MiB",
            "Bytes a second that are read to find large blobs that have rotted; 0 for none.",
            parse: Parse.bytes, at: \.cache.edge.scrubBytesPerSecond),
        .value(
            "cache-threads", "COUNT", standard: "8", "Threads that hash, write and read.",
            expected: "a whole number from 1 to 1024", parse: Parse.threads, at: \.cache.edge.threads),
    ]

    @Sendable static func origins(_ text: String) -> [OriginAddress]? {
        guard let texts = Parse.list(text) else { return nil }
        let addresses = texts.compactMap { OriginAddress($0) }
        return addresses.count == texts.count ? addresses : nil
    }

    /// A token of RFC 9110 §5.6.2 as far as names of machines need it, so that fields may name it unquoted.
    @Sendable static func isToken(_ text: String) -> Bool {
        text.utf8.count <= 64
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || "-._".utf8.contains(byte)
            }
    }
}
