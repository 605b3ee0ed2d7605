package import Blobs
package import Imaging
package import Sealing
package import Transfer

/// The values of all settings that are set, by where they were.
package struct SettingSources: Sendable {
    private let levels: [(origin: SettingOrigin, values: [Setting: String])]

    package init(flags: [Setting: String], environment: (String) -> String?, file: ConfigurationFile) {
        var variables: [Setting: String] = [:]
        for setting in Setting.allCases {
            // An empty variable is how shells say "not set".
            if let value = environment(setting.variable), !value.isEmpty { variables[setting] = value }
        }
        levels = [(.flag, flags), (.environment, variables), (.file(path: file.path), file.values)]
    }

    /// The strongest value of a setting.
    package func value(of setting: Setting) -> (text: String, origin: SettingOrigin)? {
        value(ofFirst: [setting]).map { ($0.text, $0.origin) }
    }

    /// The strongest value of several settings that say the same thing in different ways.
    func value(ofFirst settings: [Setting]) -> (setting: Setting, text: String, origin: SettingOrigin)? {
        for level in levels {
            for setting in settings {
                if let text = level.values[setting] { return (setting, text, level.origin) }
            }
        }
        return nil
    }
}

/// How the message is printed.
package enum MessageFormat: String, CaseIterable, Sendable { case json, link }

/// The settings, each of a type that cannot hold a wrong value.
package struct Settings: Sendable {
    package var server: WebURL?
    package var servers: [HostPattern]
    package var ticket: TicketSource
    package var quality: Quality
    package var padding: Padding
    /// Nil leaves it to the server.
    package var lifetime: Lifetime?
    /// Nil: only time ends the lease.
    package var recipients: Int?
    package var format: MessageFormat
    package var hasPreview: Bool
    package var hasName: Bool
    /// Opening a file says "delivered".
    package var sendsReceipts: Bool
    package var allowsHTTP: Bool
    /// From how many sealed bytes on an upload is made that can be resumed.
    package var resumableFromBytes: Int64
    package var connectTimeoutSeconds: Int
    package var stallTimeoutSeconds: Int
    package var attempts: Int
    package var certificateFile: String?

    package enum TicketSource: Hashable, Sendable {
        case none
        case text(String)
        case file(String)
    }

    package init(_ sources: SettingSources) throws(SettingError) {
        let reader = SettingReader(sources: sources)
        let server = try reader.server()
        self.server = server
        servers = try reader.servers() ?? server.map { [HostPattern($0.origin)] } ?? []
        ticket = try reader.ticket()
        quality = try reader.choice(.quality) ?? .standard
        padding = try reader.choice(.padding) ?? .eighths
        lifetime = try reader.lifetime()
        recipients = try reader.number(.recipients, 1...LeaseTerms.recipientLimit)
        format = try reader.choice(.format) ?? .json
        hasPreview = try reader.truth(.preview) ?? true
        hasName = try reader.truth(.name) ?? true
        sendsReceipts = try reader.truth(.receipt) ?? true
        allowsHTTP = try reader.truth(.allowHTTP) ?? false
        resumableFromBytes = try reader.byteCount(.resumableFrom) ?? Self.standardResumableFromBytes
        connectTimeoutSeconds = try reader.number(.connectTimeout, 1...3600) ?? 15
        stallTimeoutSeconds = try reader.number(.stallTimeout, 1...3600) ?? 60
        attempts = try reader.number(.attempts, 1...100) ?? 6
        certificateFile = sources.value(of: .certificateFile)?.text
    }

    /// A resumable upload costs a request and a round trip more whatever its size, a cut `PUT` costs what had gone
    /// (docs/decisions/0019).
    package static let standardResumableFromBytes: Int64 = 1 << 20

    /// The value in effect as it would be written; nil where nothing is set. Of a ticket only that there is one.
    package func text(of setting: Setting) -> String? {
        switch setting {
        case .server: server?.description
        case .servers: servers.isEmpty ? nil : servers.map(\.description).joined(separator: ", ")
        case .ticket: if case .text = ticket { "(hidden)" } else { nil }
        case .ticketFile: if case .file(let path) = ticket { path } else { nil }
        case .quality: quality.rawValue
        case .padding: padding.rawValue
        case .lifetime: lifetime?.description
        case .recipients: recipients.map { "\($0)" }
        case .format: format.rawValue
        case .preview: hasPreview ? "yes" : "no"
        case .name: hasName ? "yes" : "no"
        case .receipt: sendsReceipts ? "yes" : "no"
        case .allowHTTP: allowsHTTP ? "yes" : "no"
        case .resumableFrom: ByteQuantity.text(resumableFromBytes)
        case .connectTimeout: "\(connectTimeoutSeconds)"
        case .stallTimeout: "\(stallTimeoutSeconds)"
        case .attempts: "\(attempts)"
        case .certificateFile: certificateFile
        }
    }
}
