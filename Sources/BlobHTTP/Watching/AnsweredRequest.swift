package import Blobs
package import HTTPTypes
import Store

/// What is known of a request once its answer has ended: enough to count it and to write it down, and no secret.
package struct AnsweredRequest: Sendable {
    /// The version of HTTP that was spoken.
    package enum Version: String, Sendable {
        case http1 = "HTTP/1.1"
        case http2 = "HTTP/2"
    }

    package var route: RouteClass
    package var method: HTTPRequest.Method
    package var status: Int
    /// Why it was refused; nil if it was not.
    package var refusal: Problem.Code?
    /// Bytes of an upload that was taken.
    package var receivedBytes: Int64
    /// Bytes of the answer's body that were written.
    package var sentBytes: Int64
    /// From the request's header to the end of the answer.
    package var time: Duration
    package var blob: BlobAddress?
    package var client: ClientAddress
    package var version: Version

    package init(
        route: RouteClass, method: HTTPRequest.Method, status: Int, refusal: Problem.Code? = nil,
        receivedBytes: Int64 = 0, sentBytes: Int64 = 0, time: Duration, blob: BlobAddress? = nil,
        client: ClientAddress, version: Version = .http1
    ) {
        self.route = route
        self.method = method
        self.status = status
        self.refusal = refusal
        self.receivedBytes = receivedBytes
        self.sentBytes = sentBytes
        self.time = time
        self.blob = blob
        self.client = client
        self.version = version
    }
}
