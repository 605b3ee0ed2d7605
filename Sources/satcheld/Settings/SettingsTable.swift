import BlobHTTP
import Blobs
import HTTPTypes
import Logging
import Store
import StoreRules
import Vault

private typealias Parse = SettingParser

/// Every setting, once: flags, environment, file, help and `satcheld config` all follow this table.
enum SettingsTable {
    static let all: [ServerSetting] = serving + writing + keeping + shares + limits + running

    private static let serving: [ServerSetting] = [
        .value(
            "listen", "HOST:PORT", standard: "127.0.0.1:8080", "Address to serve at; port 0 picks a free port.",
            parse: address, at: \.server.listen),
        .value(
            "admin-listen", "HOST:PORT", standard: "",
            "Address for metrics and detailed health; a port alone means 127.0.0.1. Off by default.",
            parse: Parse.optional(adminAddress), at: \.server.adminListen),
        .value(
            "tls-certificate", "FILE", standard: "",
            "Certificate chain in PEM, the server's own certificate first. Enables TLS. Reloaded on SIGHUP.",
            parse: Parse.any, at: \.tlsCertificatePath),
        .value(
            "tls-key", "FILE", standard: "", "Private key of the certificate, in PEM. Reloaded on SIGHUP.",
            parse: Parse.any, at: \.tlsKeyPath),
        .value(
            "public-url", "URL", standard: "",
            "URL at which clients reach this server. Default: the address of --listen.",
            parse: Parse.optional { PublicURL($0) }, at: \.server.publicURL),
        .value(
            "cache-max-age", "TIME", standard: "5m", "How long caches may keep a blob without asking again.",
            parse: { Lifetime($0)?.seconds }, at: \.server.cacheSeconds),
        .value(
            "trusted-proxies", "RANGES", standard: "",
            "Proxies whose word on the client's address is trusted: addresses or CIDR ranges, separated by commas.",
            parse: ranges, at: \.server.proxies.ranges),
        .value(
            "client-address-header", "NAME", standard: "X-Forwarded-For",
            "Header in which those proxies name the client; Forwarded is parsed as in RFC 7239.",
            parse: { HTTPField.Name($0) }, at: \.server.proxies.field),
    ]

    private static let writing: [ServerSetting] = [
        .value(
            "allow-anonymous-uploads", nil, standard: "false",
            "Let anyone who can reach this server upload.",
            parse: Parse.flag, at: \.server.allowsAnonymousUploads),
        .value(
            "ticket-keys", "PATHS", standard: "",
            "Key files or folders of them, separated by commas. Uploads then need a ticket. Reloaded on SIGHUP.",
            parse: Parse.list, at: \.ticketKeyPaths),
        .value(
            "ticket-audience", "NAME", standard: "", "Audience (aud) that tickets must name.",
            parse: Parse.any, at: \.ticketAudience),
    ]

    private static let keeping: [ServerSetting] = [
        .value(
            "storage", "FOLDER", standard: "storage", "Folder of the store; created if missing or empty.",
            parse: Parse.nonempty, at: \.storagePath),
        .value(
            "accept", "sealed|any", standard: "sealed", "What may be uploaded: sealed blobs only, or any bytes.",
            parse: { BlobAcceptance(rawValue: $0) }, at: \.vault.acceptance),
        .value(
            "blob-limit", "BYTES", standard: "2GiB", "Size limit of a blob.",
            parse: Parse.bytes, at: \.vault.blobLimitBytes),
        .value(
            "default-lifetime", "TIME", standard: "30d", "Lifetime of a lease if the upload names none.",
            parse: Parse.lifetime, at: \.vault.defaultLifetime),
        .value(
            "max-lifetime", "TIME", standard: "30d", "Longest lifetime of a lease.",
            parse: Parse.lifetime, at: \.vault.maximumLifetime),
        .value(
            "delivery-grace", "TIME", standard: "1d",
            "How long a blob is kept after all recipients confirmed delivery, if they share one receipt secret.",
            parse: Parse.lifetime, at: \.vault.deliveryGrace),
        .value(
            "tombstone-lifetime", "TIME", standard: "90d",
            "How long the server remembers why a blob or a lease ended.",
            parse: Parse.lifetime, at: \.vault.tombstoneLifetime),
        .value(
            "keep-free", "BYTES", standard: "256MiB", "Disk space that uploads never use.",
            parse: Parse.bytes, at: \.vault.keepFreeBytes),
        .value(
            "ballast", "BYTES", standard: "64MiB",
            "Disk space reserved so that deleting works on a full disk; 0 for none.",
            parse: Parse.bytes, at: \.vault.ballastBytes),
        .value(
            "gc-interval", "TIME", standard: "5m", "Time between sweeps of the garbage collector.",
            parse: Parse.duration, at: \.collectInterval),
        .value(
            "scrub-rate", "BYTES", standard: "8MiB",
            "Bytes a second that the scrub reads to find damaged blobs; 0 turns it off.",
            parse: Parse.bytes, at: \.scrubBytesPerSecond),
        .value(
            "scrub-interval", "TIME", standard: "7d", "Time from the start of one scrub to the start of the next.",
            parse: Parse.duration, at: \.scrubInterval),
    ]

    private static let shares: [ServerSetting] = [
        .value(
            "leases-per-blob", "COUNT", standard: "1000", "Limit of leases on one blob.",
            parse: Parse.count, at: \.vault.leasesPerAddress),
        .value(
            "leases-per-subject", "COUNT", standard: "10000", "Limit of leases held by one subject.",
            parse: Parse.count, at: \.vault.leasesPerSubject),
        .value(
            "bytes-per-subject", "BYTES|none", standard: "20GiB", "Limit of bytes held by one subject's leases.",
            parse: Parse.unlimited(Parse.bytes), at: \.vault.bytesPerSubject),
        .value(
            "uploads", "COUNT", standard: "1000", "Limit of concurrent uploads.",
            parse: Parse.count, at: \.vault.openUploads),
        .value(
            "uploads-per-subject", "COUNT", standard: "256", "Limit of concurrent uploads by one subject.",
            parse: Parse.count, at: \.vault.openUploadsPerSubject),
        .value(
            "upload-lifetime", "TIME", standard: "1d", "How long an unfinished resumable upload is kept.",
            parse: Parse.lifetime, at: \.vault.uploadLifetime),
        .value(
            "finished-upload-lifetime", "TIME", standard: "1d",
            "How long the outcome of a finished resumable upload is kept, for clients that missed the response.",
            parse: Parse.lifetime, at: \.vault.finishedUploadLifetime),
        .value(
            "address-request-rate", "COUNT|none", standard: "none",
            "Requests a second from one IPv4 address or IPv6 /64; bursts may use ten seconds' worth.",
            parse: Parse.unlimited(Parse.rate), at: \.server.addressRates.requestsPerSecond),
        .value(
            "address-byte-rate", "BYTES|none", standard: "none",
            "Bytes a second to and from one IPv4 address or IPv6 /64.",
            parse: Parse.unlimited(Parse.bytes), at: \.server.addressRates.bytesPerSecond),
        .value(
            "subject-request-rate", "COUNT|none", standard: "none", "Requests a second with tickets of one subject.",
            parse: Parse.unlimited(Parse.rate), at: \.server.subjectRates.requestsPerSecond),
        .value(
            "subject-byte-rate", "BYTES|none", standard: "none", "Bytes a second uploaded by one subject.",
            parse: Parse.unlimited(Parse.bytes), at: \.server.subjectRates.bytesPerSecond),
    ]

    private static let limits: [ServerSetting] = [
        .value(
            "connections", "COUNT", standard: "10000",
            "Limit of open connections. At the limit idle ones are closed, and new ones wait.",
            parse: Parse.count, at: \.server.connectionLimit),
        .value(
            "header-limit", "BYTES", standard: "32KiB", "Size limit of a request header.",
            parse: Parse.bufferBytes, at: \.server.connections.headerBytes),
        .value(
            "header-timeout", "TIME", standard: "10s", "Time for a request header to arrive, from its first byte.",
            parse: Parse.duration, at: \.server.connections.headerTimeout),
        .value(
            "idle-timeout", "TIME", standard: "75s", "How long a connection may be idle between requests.",
            parse: Parse.duration, at: \.server.connections.idleTimeout),
        .value(
            "upload-speed", "BYTES", standard: "1KiB", "Lowest speed of an upload, in bytes a second.",
            parse: Parse.bufferBytes, at: \.server.connections.uploadBytesPerSecond),
        .value(
            "upload-patience", "TIME", standard: "60s", "How long an upload may be slower than that.",
            parse: Parse.duration, at: \.server.connections.uploadPatience),
        .value(
            "write-timeout", "TIME", standard: "60s", "How long a client may read nothing of its response.",
            parse: Parse.duration, at: \.server.connections.writeTimeout),
    ]

    private static let running: [ServerSetting] = [
        .value(
            "shutdown-timeout", "TIME", standard: "30s", "Time for requests to finish when the server is told to stop.",
            parse: Parse.duration, at: \.shutdownTimeout),
        .value(
            "store-threads", "COUNT", standard: "16", "Threads that hash, write, sync and read.",
            parse: Parse.count, at: \.vault.threads),
        .value(
            "log-level", "trace|debug|info|notice|warning|error|critical", standard: "info",
            "Least severe level that is logged, on stderr.", parse: { Logger.Level(rawValue: $0) }, at: \.logLevel),
        .value(
            "access-log", "off|stderr|FILE", standard: "off",
            "Where to write a line for each request. A file is reopened on SIGHUP.",
            parse: { AccessLogDestination($0) }, at: \.accessLog),
    ]

    // MARK: Parsers of network addresses

    @Sendable private static func ranges(_ text: String) -> [IPPrefix]? {
        let texts = Parse.list(text) ?? []
        let ranges = texts.compactMap { IPPrefix($0) }
        return ranges.count == texts.count ? ranges : nil
    }

    @Sendable private static func address(_ text: String) -> Authority? {
        guard let authority = Authority(text), authority.port != nil, !authority.host.isEmpty else { return nil }
        return authority
    }

    /// A port alone, or one after a colon, is on 127.0.0.1.
    @Sendable private static func adminAddress(_ text: String) -> Authority? {
        if !text.contains(":") { return address("127.0.0.1:" + text) }
        return address(text.hasPrefix(":") ? "127.0.0.1" + text : text)
    }
}
