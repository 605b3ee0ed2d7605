import Blobs
import MediaMessage
import Transfer

/// Asks a server to go on holding a blob that it has, for somebody else: a lease without an upload.
struct Holding {
    let http: HTTPClient
    let server: WebURL
    let ticket: Ticket?
    let terms: UploadTerms
    let pacing: Pacing

    private var place: WebURL { server.appending(terms.address.hex) }

    /// `POST /<sha256>/leases`. Asking again with the same owner gives the same lease, so a lost answer does no harm.
    func run(attempts: Attempts) throws(MediaClientError) -> Descriptor {
        let fields = terms.leaseFields + (ticket.map { [$0.field] } ?? [])
        let response = try http.answer(
            to: HTTPRequest(.post, place.appending("leases"), fields: fields), pacing: pacing, attempts: attempts)
        guard let descriptor = Descriptor(response), descriptor.address == terms.address, descriptor.size == terms.size
        else { throw .answer("it does not describe this file", host: server.origin.authority) }
        guard descriptor.url.scheme == .https || server.origin.scheme == .http else {
            throw .answer("it would send recipients from https to http", host: server.origin.authority)
        }
        return descriptor
    }
}

extension MediaClientError {
    /// The server has not got the bytes, whether it ever had them or not.
    var isAboutMissingBytes: Bool {
        switch self {
        case .notFound, .gone: true
        case .refused(let refusal, _): refusal.code == "damaged"
        default: false
        }
    }
}
