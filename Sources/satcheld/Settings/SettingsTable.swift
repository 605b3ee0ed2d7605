import BlobHTTP
import Blobs
import HTTPTypes
import Logging
import Store
import StoreRules
import Vault

/// Every setting, once: flags, environment, file, help and `satcheld config` all come from this table.
enum SettingsTable {
    static let all: [Setting] = serving + writing + keeping + shares + limits + running

    private static let serving: [Setting] = [
        .value(
            "listen", "HOST:PORT", standard: "127.0.0.1:8080", "Where to serve; port 0 takes any that is free.",
            parse: address, at: \.server.listen),
        .value(
            "admin-listen", "HOST:PORT", standard: "",
            "Where to tell health in detail; a port alone is on 127.0.0.1. Nowhere unless given.",
            parse: optional(adminAddress), at: \.server.adminListen),
        .value(
            "tls-certificate", "FILE", standard: "",
            "The chain of certificates in PEM, the server's own first: TLS instead of plain HTTP. Read again on SIGHUP.",
            parse: { $0 }, at: \.tlsCertificatePath),
        .value(
            "tls-key", "FILE", standard: "", "The private key of the certificate, in PEM. Read again on SIGHUP.",
            parse: { $0 }, at: \.tlsKeyPath),
        .value(
            "public-url", "URL", standard: "", "How clients find this server; the address of --listen unless given.",
            parse: optional { PublicURL($0) }, at: \.server.publicURL),
        .value(
            "cache-max-age", "TIME", standard: "5m", "The longest that caches may keep a blob's answer.",
            parse: { Lifetime($0)?.seconds }, at: \.server.cacheSeconds),
        .value(
            "trusted-proxies", "RANGES", standard: "",
            "Where proxies are that tell whom a request came from: addresses or a.b.c.d/n, with commas between.",
            parse: ranges, at: \.server.proxies.ranges),
        .value(
            "client-address-header", "NAME", standard: "X-Forwarded-For",
            "The field in which they tell it; Forwarded is read as RFC 7239 has it.",
            parse: { HTTPField.Name($0) }, at: \.server.proxies.field),
    ]

    private static let writing: [Setting] = [
        .value(
            "allow-anonymous-uploads", nil, standard: "false",
            "Let anybody who reaches this server upload.",
            parse: Quantity.flag, at: \.server.allowsAnonymousUploads),
        .value(
            "ticket-keys", "PATHS", standard: "",
            "Key files, or folders of them, with commas between; given, uploading takes a ticket. Read again on SIGHUP.",
            parse: list, at: \.ticketKeyPaths),
        .value(
            "ticket-audience", "NAME", standard: "", "The audience (aud) that a ticket must name.",
            parse: { $0 }, at: \.ticketAudience),
    ]

    private static let keeping: [Setting] = [
        .value(
            "storage", "FOLDER", standard: "storage", "The folder of the store; made if missing or empty.",
            parse: nonempty, at: \.storagePath),
        .value(
            "accept", "sealed|any", standard: "sealed", "What is taken: sealed blobs only, or any bytes.",
            parse: { BlobAcceptance(rawValue: $0) }, at: \.vault.acceptance),
        .value(
            "blob-limit", "BYTES", standard: "2GiB", "The largest blob that is taken.",
            parse: Quantity.bytes, at: \.vault.blobLimitBytes),
        .value(
            "default-lifetime", "TIME", standard: "30d", "How long a lease lasts when the upload names no time.",
            parse: { Lifetime($0) }, at: \.vault.defaultLifetime),
        .value(
            "max-lifetime", "TIME", standard: "30d", "The longest that a lease may last.",
            parse: { Lifetime($0) }, at: \.vault.maximumLifetime),
        .value(
            "delivery-grace", "TIME", standard: "1d",
            "How long a blob stays once all have reported it with one secret that they share.",
            parse: { Lifetime($0) }, at: \.vault.deliveryGrace),
        .value(
            "tombstone-lifetime", "TIME", standard: "90d", "How long it is remembered that and why a blob is gone.",
            parse: { Lifetime($0) }, at: \.vault.tombstoneLifetime),
        .value(
            "keep-free", "BYTES", standard: "256MiB", "Disk space that uploads leave free.",
            parse: Quantity.bytes, at: \.vault.keepFreeBytes),
        .value(
            "ballast", "BYTES", standard: "64MiB", "Disk space held ready for deleting on a full disk; 0 for none.",
            parse: Quantity.bytes, at: \.vault.ballastBytes),
        .value(
            "gc-interval", "TIME", standard: "5m", "Between two passes of the garbage collector.",
            parse: Quantity.duration, at: \.collectInterval),
        .value(
            "scrub-rate", "BYTES", standard: "8MiB",
            "Bytes a second that are read in the background to find damaged blobs; 0 for none.",
            parse: Quantity.bytes, at: \.scrubBytesPerSecond),
        .value(
            "scrub-interval", "TIME", standard: "7d", "From the beginning of one such check of everything to the next.",
            parse: Quantity.duration, at: \.scrubInterval),
    ]

    private static let shares: [Setting] = [
        .value(
            "leases-per-blob", "COUNT", standard: "1000", "The most leases on one blob.",
            parse: Quantity.count, at: \.vault.leasesPerAddress),
        .value(
            "leases-per-subject", "COUNT", standard: "10000", "The most leases of one uploader.",
            parse: Quantity.count, at: \.vault.leasesPerSubject),
        .value(
            "bytes-per-subject", "BYTES|none", standard: "20GiB", "The most bytes that one uploader's leases hold.",
            parse: unlimited(Quantity.bytes), at: \.vault.bytesPerSubject),
        .value(
            "uploads", "COUNT", standard: "1000", "Uploads under way at once.",
            parse: Quantity.count, at: \.vault.openUploads),
        .value(
            "uploads-per-subject", "COUNT", standard: "256", "Uploads of one uploader under way at once.",
            parse: Quantity.count, at: \.vault.openUploadsPerSubject),
        .value(
            "upload-lifetime", "TIME", standard: "1d", "How long an upload that can be gone on with waits for more.",
            parse: { Lifetime($0) }, at: \.vault.uploadLifetime),
        .value(
            "finished-upload-lifetime", "TIME", standard: "1d",
            "How long it is remembered how such an upload ended, for whoever missed the answer.",
            parse: { Lifetime($0) }, at: \.vault.finishedUploadLifetime),
        .value(
            "address-request-rate", "COUNT|none", standard: "none",
            "Requests a second of one address, or of one IPv6 /64; ten seconds' worth may come at once.",
            parse: unlimited(rate), at: \.server.addressRates.requestsPerSecond),
        .value(
            "address-byte-rate", "BYTES|none", standard: "none", "Bytes a second that one address sends and gets.",
            parse: unlimited(Quantity.bytes), at: \.server.addressRates.bytesPerSecond),
        .value(
            "subject-request-rate", "COUNT|none", standard: "none", "Requests a second with tickets of one subject.",
            parse: unlimited(rate), at: \.server.subjectRates.requestsPerSecond),
        .value(
            "subject-byte-rate", "BYTES|none", standard: "none", "Bytes a second that one subject uploads.",
            parse: unlimited(Quantity.bytes), at: \.server.subjectRates.bytesPerSecond),
    ]

    private static let limits: [Setting] = [
        .value(
            "connections", "COUNT", standard: "10000",
            "Connections open at once. For more, idle ones go, or they wait.",
            parse: Quantity.count, at: \.server.connectionLimit),
        .value(
            "header-limit", "BYTES", standard: "32KiB", "The largest header of a request.",
            parse: { Quantity.bytes($0).flatMap { Int(exactly: $0) } }, at: \.server.connections.headerBytes),
        .value(
            "header-timeout", "TIME", standard: "10s", "From the first byte of a request to the end of its header.",
            parse: Quantity.duration, at: \.server.connections.headerTimeout),
        .value(
            "idle-timeout", "TIME", standard: "75s", "How long a connection may wait for its next request.",
            parse: Quantity.duration, at: \.server.connections.idleTimeout),
        .value(
            "upload-speed", "BYTES", standard: "1KiB", "The lowest speed of an upload, in bytes a second.",
            parse: { Quantity.bytes($0).flatMap { Int(exactly: $0) } },
            at: \.server.connections.uploadBytesPerSecond),
        .value(
            "upload-patience", "TIME", standard: "60s", "How long an upload may stay below its lowest speed.",
            parse: Quantity.duration, at: \.server.connections.uploadPatience),
        .value(
            "write-timeout", "TIME", standard: "60s", "How long a client may read nothing of its answer.",
            parse: Quantity.duration, at: \.server.connections.writeTimeout),
    ]

    private static let running: [Setting] = [
        .value(
            "shutdown-timeout", "TIME", standard: "30s", "How long requests may take to finish when told to end.",
            parse: Quantity.duration, at: \.shutdownTimeout),
        .value(
            "store-threads", "COUNT", standard: "16", "Threads that hash, write, sync and read.",
            parse: Quantity.count, at: \.vault.threads),
        .value(
            "log-level", "trace|debug|info|notice|warning|error|critical", standard: "info",
            "What is logged, on stderr.", parse: { Logger.Level(rawValue: $0) }, at: \.logLevel),
        .value(
            "access-log", "off|stderr|FILE", standard: "off",
            "Where a line is written for every request; a file is opened anew at SIGHUP.",
            parse: { AccessLogPlace($0) }, at: \.accessLog),
    ]

    // MARK: Parsers of the table's own

    private static func optional<Value>(
        _ parse: @escaping @Sendable (String) -> Value?
    ) -> @Sendable (String) -> Value?? {
        { text in text.isEmpty ? .some(nil) : parse(text).map { .some($0) } }
    }

    /// `none`, or at least 1.
    private static func unlimited(
        _ parse: @escaping @Sendable (String) -> Int64?
    ) -> @Sendable (String) -> Int64?? {
        { text in
            if text == "none" { return .some(nil) }
            guard let number = parse(text), number >= 1 else { return nil }
            return .some(number)
        }
    }

    @Sendable private static func rate(_ text: String) -> Int64? { Quantity.count(text).map(Int64.init) }

    @Sendable private static func ranges(_ text: String) -> [AddressRange]? {
        let texts = list(text) ?? []
        let ranges = texts.compactMap { AddressRange($0) }
        return ranges.count == texts.count ? ranges : nil
    }

    @Sendable private static func list(_ text: String) -> [String]? {
        text.split(separator: ",").map { String($0.drop(while: { $0 == " " })) }.filter { !$0.isEmpty }
    }

    private static func nonempty(_ text: String) -> String? { text.isEmpty ? nil : text }

    @Sendable private static func address(_ text: String) -> Authority? {
        guard let authority = Authority(text), authority.port != nil, !authority.host.isEmpty else { return nil }
        return authority
    }

    @Sendable private static func adminAddress(_ text: String) -> Authority? {
        address(text.contains(":") ? text.hasPrefix(":") ? "127.0.0.1" + text : text : "127.0.0.1:" + text)
    }
}
