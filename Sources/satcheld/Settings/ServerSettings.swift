import BlobHTTP
import Blobs
import Logging
import Store
import Vault

/// Everything that an operator can choose, read and checked.
struct ServerSettings {
    /// The folder of the store.
    var storagePath = ""
    var server = BlobServerSettings(listen: Authority(host: "", port: nil))
    var vault = VaultSettings()
    /// Files and folders of the keys that tickets are signed with; empty for anonymous mode.
    var ticketKeyPaths: [String] = []
    /// The audience that tickets must name.
    var ticketAudience = ""
    /// Files of the chain of certificates and of its key, in PEM; empty for plain HTTP.
    var tlsCertificatePath = ""
    var tlsKeyPath = ""
    /// Between two passes of the garbage collector.
    var collectInterval = Duration.zero
    /// Bytes a second that the background check reads; 0 for none.
    var scrubBytesPerSecond: Int64 = 0
    /// From the beginning of one background check to the next.
    var scrubInterval = Duration.zero
    /// How long requests under way may take to finish when the server is told to end.
    var shutdownTimeout = Duration.zero
    var logLevel = Logger.Level.info
    var accessLog = AccessLogPlace.off
}

/// A setting that cannot be taken as it stands.
struct SettingsError: Error, CustomStringConvertible {
    let description: String
}
