import NIOCore
import NIOSSL
import Synchronization

/// Who vouches for an origin over TLS. It can be replaced at any time: connections that are made from then on go by it.
package final class OriginTrust: Sendable {
    private let rootsPath: String?
    private let context: Mutex<NIOSSLContext>

    /// The certificates in the PEM file at `rootsPath`; nil for those that the system trusts.
    package init(rootsPath: String? = nil) throws(OriginTrustError) {
        self.rootsPath = rootsPath
        context = Mutex(try Self.read(rootsPath))
    }

    /// Reads the certificates again. If that fails, those before stay in use.
    package func reload() throws(OriginTrustError) {
        let fresh = try Self.read(rootsPath)
        context.withLock { $0 = fresh }
    }

    var current: NIOSSLContext { context.withLock { $0 } }

    /// What an origin must prove: always its name, to somebody who is trusted.
    private static func read(_ rootsPath: String?) throws(OriginTrustError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = .fullVerification
        configuration.applicationProtocols = ["http/1.1"]
        // What was asked for has come, or is not wanted: there is no sense in waiting for the other side's farewell.
        configuration.shutdownTimeout = .zero
        if let rootsPath {
            guard let roots = try? NIOSSLCertificate.fromPEMFile(rootsPath) else {
                throw OriginTrustError(description: "\(rootsPath) contains no PEM certificate")
            }
            configuration.trustRoots = .certificates(roots)
        }
        do { return try NIOSSLContext(configuration: configuration) } catch {
            let place = rootsPath ?? "the system's certificates"
            throw OriginTrustError(description: "\(place) cannot be used to know an origin: \(error)")
        }
    }
}

/// Why certificates cannot be used to know an origin, in one sentence.
package struct OriginTrustError: Error, CustomStringConvertible {
    package let description: String
}
