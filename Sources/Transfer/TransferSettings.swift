/// The bounds of every request.
package struct TransferSettings: Sendable {
    /// Seconds until a connection must stand.
    package var connectTimeoutSeconds: Int
    /// Seconds without a byte in either direction after which a request is given up.
    package var stallTimeoutSeconds: Int
    /// Certificates to trust in place of the system's; nil for the system's.
    package var certificateFile: String?
    /// Looks an environment variable up, for proxies.
    package var environment: @Sendable (String) -> String?

    package init(
        connectTimeoutSeconds: Int = 15, stallTimeoutSeconds: Int = 60, certificateFile: String? = nil,
        environment: @escaping @Sendable (String) -> String?
    ) {
        self.connectTimeoutSeconds = connectTimeoutSeconds
        self.stallTimeoutSeconds = stallTimeoutSeconds
        self.certificateFile = certificateFile
        self.environment = environment
    }

    /// Bytes of an answer that does not go to a file: a descriptor, a lease, a problem.
    package static let answerLimitBytes: Int64 = 64 * 1024
    /// Seconds that a request which moves no blob may take in all.
    package static let answerTimeoutSeconds = 60
}
