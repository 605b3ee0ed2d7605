import ArgumentParser
import BlobHTTP

/// Certificate and key for TLS, as the settings name them.
enum TLSFiles {
    /// Who the server is over TLS; nil for plain text.
    static func identity(_ settings: ServerSettings) throws -> TLSIdentity? {
        let (certificate, key) = (settings.tlsCertificatePath, settings.tlsKeyPath)
        if certificate.isEmpty && key.isEmpty { return nil }
        guard !certificate.isEmpty, !key.isEmpty else {
            throw ExitStatus.failure(
                "--tls-certificate and --tls-key go together: give both, or neither for plain HTTP.",
                ExitStatus.configuration)
        }
        do { return try TLSIdentity(certificatePath: certificate, keyPath: key) } catch {
            throw ExitStatus.failure(error.description, ExitStatus.configuration)
        }
    }

    /// Reads both files again: connections made from then on get the new certificate.
    static func reloading(_ settings: ServerSettings) -> Reloading.Part? {
        settings.server.identity.map { identity in
            Reloading.Part(name: "certificate for TLS") { try identity.reload() }
        }
    }
}
