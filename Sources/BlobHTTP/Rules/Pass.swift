import Blobs
import Store
import Tickets

/// What the gate found about a request that it let through; handlers have subject, ticket and secret from here alone.
struct Pass: Sendable {
    /// Where the request came from.
    let client: ClientAddress
    /// The ticket, where the operation needs one and the server has keys.
    let ticket: Ticket?
    private let shownSecret: Secret?

    init(client: ClientAddress, ticket: Ticket?, secret: Secret?) {
        self.client = client
        self.ticket = ticket
        shownSecret = secret
    }

    /// Who is charged. The two kinds are told apart, so that no ticket can be made for an address.
    var subject: String { ticket.map { "ticket:\($0.subject)" } ?? client.subject }

    /// Who goes on with an upload; nil where that is not known, and the upload's id alone is the right.
    var resumer: String? { ticket == nil ? nil : subject }

    /// The secret of a lease.
    var secret: Secret {
        get throws(Problem) {
            guard let shownSecret else { throw Problem(.wrongSecret, detail: "Satchel-Secret is missing.") }
            return shownSecret
        }
    }

    /// The terms of a lease on `address`, nil where it is not announced, as far as the ticket allows them. Size and
    /// lifetime are left to the store, which knows them even where they are not announced.
    func permit(_ terms: LeaseTerms, on address: BlobAddress?) throws(Problem) -> LeaseTerms {
        guard let ticket else { return terms }
        if let only = ticket.address, only != address { throw .ticketTooSmall("sha256") }
        if let most = ticket.mostRecipients, max(terms.recipients ?? 0, terms.receipts.count) > most {
            throw .ticketTooSmall("recipients", limit: Int64(most))
        }
        var permitted = terms
        permitted.entitlement = ticket.entitlement
        return permitted
    }

    /// An upload as far as the ticket allows it.
    func permit(_ announcement: UploadAnnouncement) throws(Problem) -> UploadAnnouncement {
        var permitted = announcement
        permitted.terms = try permit(announcement.terms, on: announcement.address)
        return permitted
    }
}
