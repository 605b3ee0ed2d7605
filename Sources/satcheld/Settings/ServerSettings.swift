import BlobHTTP
import Blobs
import Logging
import Store
import Vault

/// Everything that an operator can set, parsed.
struct ServerSettings {
    /// The folder of the store.
    var storagePath = ""
    var server = BlobServerSettings(listen: Authority(host: "", port: nil))
    var vault = VaultSettings()
    /// Files of ticket keys, and folders of them; empty for anonymous mode.
    var ticketKeyPaths: [String] = []
    /// The audience that tickets must name.
    var ticketAudience = ""
    /// PEM files of the certificate chain and its private key; empty for plain HTTP.
    var tlsCertificatePath = ""
    var tlsKeyPath = ""
    /// From the end of one sweep to the beginning of the next.
    var collectInterval = Duration.zero
    /// The rate of a scrub; 0 for no scrubs.
    var scrubBytesPerSecond: Int64 = 0
    /// From the beginning of one scrub to that of the next.
    var scrubInterval = Duration.zero
    /// How long requests may take to finish when the server is told to stop.
    var shutdownTimeout = Duration.zero
    var logLevel = Logger.Level.info
    var accessLog = AccessLogDestination.off
}

/// Settings that cannot be used; one sentence.
struct SettingsError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
