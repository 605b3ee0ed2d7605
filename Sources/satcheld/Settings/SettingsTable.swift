import BlobHTTP
import Blobs
import HTTPTypes
import Logging
import Store
import StoreRules
import Vault

private typealias Parse = SettingParser

/// Every setting of one kind of server, once: flags, environment, file, help and `satcheld config` all follow this table.
struct SettingsTable: Sendable {
    /// The command that takes them.
    let command: String
    let settings: [ServerSetting]

    /// Of a server that keeps blobs.
    static let origin = SettingsTable(
        command: "serve", settings: serving + writing + keeping + sharing + draining + shares + limits + running)

    /// Of an edge: its own, and those of serving that it shares.
    static let edge = SettingsTable(
        command: "edge",
        settings: caching
            + (serving + shares + limits + running).filter { edgeNames.contains($0.name) || isRate($0.name) }
            + limits.filter { !edgeNames.contains($0.name) && !isRate($0.name) })

    private static let edgeNames: Set<String> = [
        "listen", "admin-listen", "tls-certificate", "tls-key", "public-url", "pages", "cache-max-age",
        "trusted-proxies",
        "client-address-header", "edge-keys", "shutdown-timeout", "log-level", "access-log",
    ]

    private static func isRate(_ name: String) -> Bool { name.hasPrefix("address-") && name.hasSuffix("-rate") }

    private static let serving: [ServerSetting] = [
        .value(
            "listen", "HOST:PORT", standard: "127.0.0.1:8080", "Address to serve at; port 0 picks a free port.",
            parse: address, at: \.server.listen),
        .value(
            "admin-listen", "HOST:PORT", standard: "",
            "Address for metrics and detailed health; a port alone means 127.0.0.1. Off by default.",
            expected: "HOST:PORT or a port, such as 127.0.0.1:9090 or 9090",
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
            "mirrors", "URLS", standard: "",
            "Other URLs at which clients can read, 8 at most, separated by commas. Uploads are answered with them.",
            expected: "at most 8 URLs, such as https://media.example, with commas between",
            parse: mirrors, at: \.server.mirrors),
        .value(
            "pages", "open,send|open|none", standard: "open,send",
            "Pages for browsers: those that open links and send files, or one that says how to open a link, without script.",
            expected: "open,send; open; or none", parse: pages, at: \.server.pages),
        .value(
            "cache-max-age", "TIME", standard: "5m", "How long caches may keep a blob without asking again.",
            parse: { Parse.lifetime($0)?.seconds }, at: \.server.cacheSeconds),
        .value(
            "trusted-proxies", "RANGES", standard: "",
            "Proxies whose word on the client's address is trusted: addresses or CIDR ranges, separated by commas.",
            parse: ranges, at: \.server.proxies.ranges),
        .value(
            "client-address-header", "NAME", standard: "X-Forwarded-For",
            "Header in which those proxies name the client; Forwarded is parsed as in RFC 7239.",
            expected: "the name of a field", parse: { HTTPField.Name($0) }, at: \.server.proxies.field),
        .value(
            "edge-keys", "PATHS", standard: "",
            "Files with the keys of edges, or folders of them, separated by commas. Edges may then follow changes, and no "
                + "address rate holds them. Reloaded on SIGHUP.",
            parse: Parse.list, at: \.edgeKeyPaths),
        .value(
            "send-104", SettingWords.switchPlaceholder, standard: "true",
            "Name a resumable upload in an interim response (IETF drafts); false behind proxies that cannot pass it on.",
            parse: Parse.flag, at: \.server.sends104),
    ]

    private static let writing: [ServerSetting] = [
        .value(
            "allow-anonymous-uploads", SettingWords.switchPlaceholder, standard: "false",
            "Let anyone who can reach this server upload.",
            parse: Parse.flag, at: \.allowsAnonymousUploads),
        .value(
            "ticket-keys", "PATHS", standard: "",
            "Key files or folders of them, separated by commas. Uploads then need a ticket. Reloaded on SIGHUP.",
            parse: Parse.list, at: \.ticketKeyPaths),
        .value(
            "ticket-audience", "NAME", standard: "", "Audience (aud) that tickets must name.",
            parse: Parse.any, at: \.ticketAudience),
        .value(
            "slot-secrets", "PATHS", standard: "",
            "Files with the secrets of chat servers, or folders of them, separated by commas. Their clients may then upload "
                + "through slots (XEP-0363). A file's name up to its first dot names the door. Reloaded on SIGHUP.",
            parse: Parse.list, at: \.slotSecretPaths),
        .value(
            "slot-lifetime", "TIME", standard: "30d", "Lifetime of a slot's lease if the chat server names no end.",
            parse: Parse.lifetime, at: \.slotLifetime),
        .value(
            "slot-plaintext", "allow|refuse", standard: "allow",
            "Whether slots take pictures, films, sound, PDF and ZIP that are not encrypted.",
            parse: { ["allow": false, "refuse": true][$0] }, at: \.refusesPlaintextInSlots),
    ]

    private static let keeping: [ServerSetting] = [
        .value(
            "storage", "FOLDER", standard: "storage", "Folder of the store; created if missing or empty.",
            parse: Parse.nonempty, at: \.storagePath),
        .value(
            "accept", "sealed|any", standard: "sealed", "What may be uploaded: sealed blobs only, or any bytes.",
            parse: { text in [.sealedOnly, .any].first { $0.rawValue == text } }, at: \.vault.acceptance),
        .value(
            "blob-limit", "BYTES", standard: "2GiB", "Size limit of a blob.",
            expected: "bytes from 1, such as 2GiB", parse: Parse.bytes(from: 1), at: \.vault.blobLimitBytes),
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
            "leases-per-subject-and-blob", "COUNT", standard: "64", "Limit of leases held by one subject on one blob.",
            parse: Parse.count, at: \.vault.leasesPerSubjectAndAddress),
        .value(
            "leases-per-subject-and-day", "COUNT", standard: "10000",
            "Limit of leases that one subject makes in a day, those that have ended included.",
            parse: Parse.count, at: \.vault.leasesPerSubjectAndDay),
        .value(
            "bytes-per-subject", "BYTES|none", standard: "20GiB", "Limit of bytes held by one subject's leases.",
            parse: Parse.unlimited(Parse.bytes), at: \.vault.bytesPerSubject),
        .value(
            "leases-per-door", "COUNT|none", standard: "none",
            "Limit of leases held by all slots of a door that name no user.",
            parse: Parse.unlimitedCount, at: \.vault.leasesPerSharedSubject),
        .value(
            "bytes-per-door", "BYTES|none", standard: "",
            "Limit of bytes held by all slots of a door that name no user. Default: a fifth of the disk.",
            parse: doorBytes, at: \.vault.bytesPerSharedSubject),
        .value(
            "uploads", "COUNT", standard: "1000", "Limit of uploads in progress.",
            parse: Parse.count, at: \.vault.openUploads),
        .value(
            "kept-uploads", "COUNT", standard: "10000", "Limit of unfinished resumable uploads.",
            parse: Parse.count, at: \.vault.keptUploads),
        .value(
            "uploads-per-subject", "COUNT", standard: "256", "Limit of unfinished uploads by one subject.",
            parse: Parse.count, at: \.vault.openUploadsPerSubject),
        .value(
            "upload-lifetime", "TIME", standard: "1d", "How long an unfinished resumable upload is kept.",
            parse: Parse.lifetime, at: \.vault.uploadLifetime),
        .value(
            "finished-upload-lifetime", "TIME", standard: "1d",
            "How long the outcome of a finished resumable upload is kept, for clients that missed the response.",
            parse: Parse.lifetime, at: \.vault.finishedUploadLifetime),
        .value(
            "address-request-rate", "COUNT|none", standard: "200",
            "Requests a second from one IPv4 address or IPv6 /64; bursts may use ten seconds' worth.",
            parse: Parse.rate { Parse.count($0).map(Int64.init) }, at: \.server.addressRates.requestsPerSecond),
        .value(
            "address-byte-rate", "BYTES|none", standard: "none",
            "Bytes a second to and from one IPv4 address or IPv6 /64.",
            parse: Parse.rate(Parse.bytes), at: \.server.addressRates.bytesPerSecond),
        .value(
            "subject-request-rate", "COUNT|none", standard: "50", "Requests a second with tickets of one subject.",
            parse: Parse.rate { Parse.count($0).map(Int64.init) }, at: \.server.subjectRates.requestsPerSecond),
        .value(
            "subject-byte-rate", "BYTES|none", standard: "none", "Bytes a second uploaded by one subject.",
            parse: Parse.rate(Parse.bytes), at: \.server.subjectRates.bytesPerSecond),
    ]

    private static let limits: [ServerSetting] = [
        .value(
            "connections", "COUNT", standard: "10000",
            "Limit of open connections. At the limit idle ones are closed, and new ones wait.",
            parse: Parse.count, at: \.server.connectionLimit),
        .value(
            "connection-memory", "BYTES", standard: "256MiB",
            "Bytes that may wait on all connections together; beyond that, those on which most waits are closed.",
            expected: "bytes from 1MiB, such as 256MiB",
            parse: Parse.bufferBytes(from: 1 << 20), at: \.server.connectionBytes),
        .value(
            "header-limit", "BYTES", standard: "32KiB", "Size limit of a request header.",
            expected: "bytes from 1KiB, such as 32KiB", parse: Parse.bufferBytes(from: 1 << 10),
            at: \.server.connections.headerBytes),
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
            "download-speed", "BYTES", standard: "1KiB",
            "Lowest speed at which a client takes a response, in bytes a second; 0 for none.",
            parse: Parse.bufferBytes, at: \.server.connections.downloadBytesPerSecond),
        .value(
            "write-timeout", "TIME", standard: "60s",
            "How long a client may be slower than that, or read nothing of its response.",
            parse: Parse.duration, at: \.server.connections.writeTimeout),
    ]

    private static let running: [ServerSetting] = [
        .value(
            "shutdown-timeout", "TIME", standard: "30s", "Time for requests to finish when the server is told to stop.",
            parse: Parse.duration, at: \.shutdownTimeout),
        .value(
            "store-threads", "COUNT", standard: "16", "Threads that hash, write, sync and read.",
            expected: "a whole number from 1 to 1024", parse: Parse.threads, at: \.vault.threads),
        .value(
            "log-level", "trace|debug|info|notice|warning|error|critical", standard: "info",
            "Least severe level that is logged, on stderr.", parse: { Logger.Level(rawValue: $0) }, at: \.logLevel),
        .value(
            "access-log", "off|stderr|FILE", standard: "off",
            "Where to write a line for each request. A file is reopened on SIGHUP.",
            parse: { AccessLogDestination($0) }, at: \.accessLog),
    ]

    // MARK: Parsers

    /// Nothing for a fifth of the disk.
    @Sendable private static func doorBytes(_ text: String) -> DiskShare? {
        if text.isEmpty { return .part(of: 5) }
        return Parse.unlimited(Parse.bytes)(text).map { $0.map { .bytes($0) } ?? .unlimited }
    }

    /// Names of pages in any order.
    @Sendable private static func pages(_ text: String) -> PageOffer? {
        Parse.list(text).flatMap { PageOffer(rawValue: $0.sorted().joined(separator: ",")) }
    }

    /// As many as a message can carry.
    @Sendable private static func mirrors(_ text: String) -> [PublicURL]? {
        guard let texts = Parse.list(text) else { return nil }
        let urls = texts.compactMap { PublicURL($0) }
        return urls.count == texts.count && urls.count <= 8 ? urls : nil
    }

    @Sendable private static func ranges(_ text: String) -> [IPPrefix]? {
        guard let texts = Parse.list(text) else { return nil }
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
