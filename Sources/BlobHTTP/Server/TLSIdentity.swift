import NIOCore
import NIOSSL
import NIOTLS
import Synchronization

/// The server's identity over TLS: a certificate chain and its key, from PEM files that can be reloaded. Open
/// connections keep the one they began with.
package final class TLSIdentity: Sendable {
    private let certificatePath: String
    private let keyPath: String
    private let context: Mutex<NIOSSLContext>

    /// Reads both files; throws `TLSIdentityError` where they cannot be used.
    package init(certificatePath: String, keyPath: String) throws(TLSIdentityError) {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
        context = Mutex(try Self.read(certificatePath, keyPath))
    }

    /// Reads both files again. If that fails, the previous identity stays in use.
    package func reload() throws(TLSIdentityError) {
        let fresh = try Self.read(certificatePath, keyPath)
        context.withLock { $0 = fresh }
    }

    var current: NIOSSLContext { context.withLock { $0 } }

    /// Of TLS 1.2, what has both forward secrecy and authenticated encryption: what RFC 9113 §9.2.2 allows for HTTP/2. All
    /// suites of TLS 1.3 do.
    private static let suites: [NIOTLSCipher] = [
        .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ]

    private static func read(_ certificatePath: String, _ keyPath: String) throws(TLSIdentityError) -> NIOSSLContext {
        guard let certificates = try? NIOSSLCertificate.fromPEMFile(certificatePath) else {
            throw TLSIdentityError(description: "\(certificatePath) contains no PEM certificate")
        }
        guard let key = try? NIOSSLPrivateKey(file: keyPath, format: .pem) else {
            throw TLSIdentityError(
                description: "\(keyPath) contains no PEM private key, or one with a passphrase", isAboutKey: true)
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.cipherSuiteValues = suites
        configuration.applicationProtocols = ["h2", "http/1.1"]
        do { return try NIOSSLContext(configuration: configuration) } catch {
            throw TLSIdentityError(description: "\(certificatePath) and \(keyPath) do not match: \(error)")
        }
    }
}

/// Why certificate and key cannot be used, in one sentence.
package struct TLSIdentityError: Error, CustomStringConvertible {
    package let description: String
    /// Whether it is about the key alone.
    package var isAboutKey = false
}

/// Closes a connection that does not finish its handshake in time; removes itself when it has.
final class HandshakeGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let timeout: TimeAmount
    private let begun = NIODeadline.now()
    private var timer: Scheduled<Void>?

    init(timeout: Duration) {
        self.timeout = timeout.timeAmount
    }

    func handlerAdded(context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) { context.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // First, since a handler that has been removed passes nothing on.
        context.fireUserInboundEventTriggered(event)
        if case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent {
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        } else if event is RoomNeededEvent, begun <= .now() - RoomNeededEvent.leastIdle {
            context.closeWithoutWaiting()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
