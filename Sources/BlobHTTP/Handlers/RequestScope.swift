package import HTTPTypes
package import Logging
package import NIOCore

/// What surrounds one request: its connection and its logger.
package struct RequestScope: Sendable {
    package let channel: any Channel
    package let logger: Logger

    /// The other end of the connection: a client, or a proxy.
    var peer: ClientAddress { ClientAddress(channel.remoteAddress) }

    /// Asks the client for the body it may be holding back (RFC 9110 §10.1.1). Called before the body is read.
    package func sendContinue() {
        channel.triggerUserOutboundEvent(InterimResponse(status: .continue, fields: [:]), promise: nil)
    }

    /// Sends an interim answer before the one that counts (RFC 9110 §15.2).
    package func sendInterim(_ status: HTTPResponse.Status, _ fields: HTTPFields) {
        channel.triggerUserOutboundEvent(InterimResponse(status: status, fields: fields), promise: nil)
    }
}

/// Sends an interim answer: an outbound event. Clients of HTTP/1.0, which know of none, get none, and a client that does
/// not wait for `100 Continue` does not get that.
struct InterimResponse: Sendable {
    let status: HTTPResponse.Status
    let fields: HTTPFields
}

extension ClientAddress {
    /// From the address of a socket: of `sockaddr_in` the bytes 4…7 are the address, of `sockaddr_in6` 8…23.
    init(_ address: SocketAddress?) {
        let place: Range<Int>?
        switch address {
        case .v4: place = 4..<8
        case .v6: place = 8..<24
        case .unixDomainSocket, nil: place = nil
        }
        guard let address, let place else {
            self.init(bytes: [])
            return
        }
        // Safe: the structure is valid during the call, and the range is cut to its size.
        let bytes = unsafe address.withSockAddr { start, count in
            unsafe Array(UnsafeRawBufferPointer(start: start, count: count)[place.clamped(to: 0..<count)])
        }
        self.init(bytes: bytes)
    }
}
