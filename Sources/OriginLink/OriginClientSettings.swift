/// The limits of a client of one origin.
package struct OriginClientSettings: Sendable {
    /// Connections at once, over all event loops.
    package var connections: Int
    /// How long a request waits for one of them, before it is refused as `.busy`.
    package var queueTime: Duration
    /// How long making a connection may take, from looking up the name to the end of the TLS handshake.
    package var connectTimeout: Duration
    /// How long the origin may say nothing while something is due from it that somebody waits for, and how long it may
    /// take nothing of what somebody waits to write.
    package var silence: Duration
    /// How long a connection without an exchange is kept.
    package var idleTime: Duration
    /// Bytes of one response's status line and fields.
    package var headerBytes: Int
    /// Who vouches for the origin; nil for whom the system trusts.
    package var trust: OriginTrust?

    package init(
        connections: Int = 256, queueTime: Duration = .seconds(2), connectTimeout: Duration = .seconds(5),
        silence: Duration = .seconds(10), idleTime: Duration = .seconds(30), headerBytes: Int = 32 << 10,
        trust: OriginTrust? = nil
    ) {
        self.connections = connections
        self.queueTime = queueTime
        self.connectTimeout = connectTimeout
        self.silence = silence
        self.idleTime = idleTime
        self.headerBytes = headerBytes
        self.trust = trust
    }
}
