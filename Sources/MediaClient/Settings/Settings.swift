package import Blobs
import Files
package import Imaging
package import MediaMessage
package import Sealing
package import Transfer

/// How the message is printed.
package enum MessageFormat: String, CaseIterable, Sendable { case json, link }

/// The settings, each of a type that cannot hold an invalid value.
package struct Settings: Sendable {
    package var server: WebURL?
    package var servers: [HostPattern]
    /// Caches that are tried before the places of a message.
    package var edges: [WebURL]
    package var ticket: TicketSource
    package var quality: Quality
    package var padding: Padding
    /// Nil for the server's default.
    package var lifetime: Lifetime?
    /// Nil if only expiry ends the lease.
    package var recipients: Int?
    package var format: MessageFormat
    /// Whether somebody has set it, or it is only the default.
    package var isFormatChosen: Bool
    /// What links begin with; nil for the server's own URL.
    package var page: BlobBase?
    package var hasPreview: Bool
    package var naming: NamePolicy
    /// Opening a file reports "delivered".
    package var sendsReceipts: Bool
    package var allowsHTTP: Bool
    /// Blobs of at least this many bytes use a resumable upload.
    package var resumableFromBytes: Int64
    package var connectTimeoutSeconds: Int
    package var stallTimeoutSeconds: Int
    package var attempts: Int
    /// Bytes a second; slower downloads are given up.
    package var lowestDownloadRate: Int
    /// The largest sealed blob that is downloaded, in bytes.
    package var downloadLimitBytes: Int64
    package var certificateFile: String?

    package enum TicketSource: Hashable, Sendable {
        case none
        case text(String)
        case file(String)
    }

    package init(_ sources: SettingSources<SettingKey>) throws(SettingError) {
        let reader = SettingReader(sources: sources)
        let server = try reader.server()
        self.server = server
        servers = try reader.servers() ?? server.map { [HostPattern($0.origin)] } ?? []
        edges = try reader.edges() ?? []
        ticket = try reader.ticket()
        quality = try reader.choice(.quality) ?? .standard
        padding = try reader.choice(.padding) ?? .eighths
        lifetime = try reader.lifetime()
        recipients = try reader.number(.recipients, 1...LeaseTerms.recipientLimit)
        let format: MessageFormat? = try reader.choice(.format)
        self.format = format ?? .json
        isFormatChosen = format != nil
        page = try reader.page()
        hasPreview = try reader.flag(.preview) ?? true
        naming = try reader.choice(.name) ?? .yes
        sendsReceipts = try reader.flag(.receipt) ?? true
        allowsHTTP = try reader.flag(.allowHTTP) ?? false
        resumableFromBytes = try reader.byteCount(.resumableFrom) ?? Self.standardResumableFromBytes
        connectTimeoutSeconds = try reader.number(.connectTimeout, 1...3600) ?? 15
        stallTimeoutSeconds = try reader.number(.stallTimeout, 1...3600) ?? 60
        attempts = try reader.number(.attempts, 1...100) ?? 6
        lowestDownloadRate = Int(try reader.byteCount(.downloadRate, 1...1 << 30) ?? 1024)
        downloadLimitBytes = try reader.byteCount(.downloadLimit) ?? 2 << 30
        certificateFile = sources.value(of: .certificateFile)?.text
    }

    /// A resumable upload costs one more round trip at any size; a cut `PUT` costs what had been sent
    /// (docs/decisions/0019).
    package static let standardResumableFromBytes: Int64 = 1 << 20

    /// The value in effect as it would be written; nil if nothing is set. A ticket is not shown.
    package func text(of setting: SettingKey) -> String? {
        switch setting {
        case .server: server?.description
        case .servers: servers.isEmpty ? nil : servers.map(\.description).joined(separator: ", ")
        case .edges: edges.isEmpty ? nil : edges.map(\.description).joined(separator: ", ")
        case .ticket: if case .text = ticket { "(hidden)" } else { nil }
        case .ticketFile: if case .file(let path) = ticket { path } else { nil }
        case .quality: quality.rawValue
        case .padding: padding.rawValue
        case .lifetime: lifetime?.description
        case .recipients: recipients.map { "\($0)" }
        case .format: format.rawValue
        case .page: page?.description
        case .preview: hasPreview ? "yes" : "no"
        case .name: naming.rawValue
        case .receipt: sendsReceipts ? "yes" : "no"
        case .allowHTTP: allowsHTTP ? "yes" : "no"
        case .resumableFrom: ByteQuantity.text(resumableFromBytes)
        case .connectTimeout: "\(connectTimeoutSeconds)"
        case .stallTimeout: "\(stallTimeoutSeconds)"
        case .attempts: "\(attempts)"
        case .downloadRate: ByteQuantity.text(Int64(lowestDownloadRate))
        case .downloadLimit: ByteQuantity.text(downloadLimitBytes)
        case .certificateFile: certificateFile
        }
    }
}
