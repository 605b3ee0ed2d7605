/// Why an exchange with the origin failed.
package enum OriginError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Its name was not found, nothing accepted the connection, or it did not prove who it is.
    case unreachable(String)
    /// All connections were taken for as long as a request waits for one.
    case busy
    /// Not one byte came, or left, for as long as that may take.
    case silent
    /// The connection ended in the middle of the exchange.
    case broken(String)
    /// The origin does not speak HTTP as it should, or a request could not be sent as HTTP.
    case malformed(String)
    /// The client, or the exchange, was closed on this side.
    case closed

    package var description: String {
        switch self {
        case .unreachable(let reason): "the origin cannot be reached: \(reason)"
        case .busy: "all connections to the origin are taken"
        case .silent: "the origin is silent"
        case .broken(let reason): "the connection to the origin broke: \(reason)"
        case .malformed(let reason): "the exchange with the origin is malformed: \(reason)"
        case .closed: "the exchange with the origin was closed on this side"
        }
    }
}
