/// How much a single connection may take, and how long it may take it.
package struct ConnectionLimits: Sendable {
    /// Bytes of a request's target and fields together.
    package var headerBytes = 32 * 1024
    /// From the first byte of a request to the end of its fields.
    package var headerTimeout: Duration = .seconds(10)
    /// Between requests.
    package var idleTimeout: Duration = .seconds(75)
    /// The lowest speed of an upload, while it is the client that is waited for.
    package var uploadBytesPerSecond = 1024
    /// How long an upload may stay below its lowest speed.
    package var uploadPatience: Duration = .seconds(60)
    /// How long an answer may make no progress because the client does not read.
    package var writeTimeout: Duration = .seconds(60)
    /// Bytes read and thrown away after an answer that ends the connection, so that it is not lost in a reset.
    package var drainBytes = 1024 * 1024
    /// How long that may take.
    package var drainTimeout: Duration = .seconds(2)

    package init() {}
}
