import Blobs
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Makes connections to one origin.
struct OriginConnector: Sendable {
    private let address: OriginAddress
    private let settings: OriginClientSettings
    private let group: any EventLoopGroup
    private let pool: ConnectionPool
    /// Nil for an origin without TLS. What keeps it from being used is said with each request.
    private let trust: Result<OriginTrust?, OriginError>

    init(
        _ address: OriginAddress, _ settings: OriginClientSettings, _ group: any EventLoopGroup, _ pool: ConnectionPool
    ) {
        self.address = address
        self.settings = settings
        self.group = group
        self.pool = pool
        trust = Result { () throws(OriginError) in
            guard address.origin.scheme == .https else { return nil }
            if let trust = settings.trust { return trust }
            do throws(OriginTrustError) { return try OriginTrust() } catch {
                throw .unreachable(error.description)
            }
        }
    }

    /// A new connection, open and known to the pool.
    func connect() async throws(OriginError) -> OriginConnection {
        let identity = try trust.get()?.current
        let deadline = NIODeadline.now() + TimeAmount(settings.connectTimeout)
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(TimeAmount(settings.connectTimeout))
            .channelOption(.autoRead, value: false)
            .channelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 2 << 10, initial: 16 << 10, maximum: 256 << 10)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try add(to: channel, identity, deadline) }
            }
        do {
            return try await connect(bootstrap).flatMap { channel in
                let promise = channel.eventLoop.makePromise(of: OriginConnection.self)
                do { try channel.pipeline.syncOperations.handler(type: LinkHandler.self).whenOpen(promise) } catch {
                    promise.fail(error)
                }
                return promise.futureResult
            }.get()
        } catch let error as OriginError {
            throw error
        } catch {
            throw .unreachable("\(error)")
        }
    }

    private func connect(_ bootstrap: ClientBootstrap) -> EventLoopFuture<any Channel> {
        let (host, port) = (address.origin.host, Int(address.origin.port))
        // An address needs no look-up; what is none may have several, tried side by side (RFC 8305).
        guard IPAddress(host) != nil, let literal = try? SocketAddress(ipAddress: host, port: port) else {
            return bootstrap.connect(host: host, port: port)
        }
        return bootstrap.connect(to: literal)
    }

    private func add(to channel: any Channel, _ identity: NIOSSLContext?, _ deadline: NIODeadline) throws {
        let pipeline = channel.pipeline.syncOperations
        if let identity {
            // SNI has no addresses (RFC 6066 §3); a certificate for one is compared with the peer's.
            let host = address.origin.host
            let name = IPAddress(host) == nil ? host : nil
            try pipeline.addHandler(NIOSSLClientHandler(context: identity, serverHostname: name))
        }
        let bytes = ResponseGuard(headLimitBytes: settings.headerBytes)
        var encoding = HTTPRequestEncoder.Configuration()
        encoding.automaticallySetFramingHeaders = false
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = settings.headerBytes
        limits.maxHeaderListSize = settings.headerBytes
        let decoder = HTTPResponseDecoder(
            leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .forward, limitConfiguration: limits)
        try pipeline.addHandler(bytes)
        try pipeline.addHandler(HTTPRequestEncoder(configuration: encoding))
        try pipeline.addHandler(ByteToMessageHandler(decoder))
        try pipeline.addHandler(
            LinkHandler(
                settings, pool: pool, bytes: bytes, isSecure: identity != nil, openingDeadline: deadline))
    }
}
