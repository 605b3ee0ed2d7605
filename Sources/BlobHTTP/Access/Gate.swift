package import Blobs
package import HTTPTypes
import Store
import Tickets

/// The only gate: every request passes it before anything is done. What a request must present is in `Operation.needs`.
struct Gate: Sendable {
    /// Who may do what requires a ticket.
    enum Writers: Sendable {
        /// Clients are not told apart: programs on this machine, or everybody if the operator said so.
        case anonymous(AnonymousWritePolicy)
        /// Holders of tickets.
        case ticketed(TicketVerifier)
    }

    let writers: Writers
    let proxies: TrustedProxies
    let limiter: RateLimiter

    /// Where a request came from, seen past our own proxies.
    func client(of request: HTTPRequest, from peer: ClientAddress) -> ClientAddress {
        proxies.client(peer: peer) { request.headerFields[$0] }
    }

    /// Whom a read counts against; nil where neither rates nor proxies make that worth looking up. `field` gives the
    /// value of a field of the request.
    func countedClient(
        peer: @autoclosure () -> ClientAddress, field: (HTTPField.Name) -> String?
    ) -> ClientAddress? {
        limiter.countsAddresses || !proxies.ranges.isEmpty ? proxies.client(peer: peer(), value: field) : nil
    }

    /// Counts a request against the rate of its client, or refuses it. This comes first: it costs less than a
    /// signature.
    func admit(_ operation: Operation, from client: ClientAddress) throws(Problem) {
        if operation.isCounted, let seconds = limiter.admit(client) { throw .rate("of this address", seconds) }
    }

    /// Checks the credentials of a request, and refuses it where they do not suffice. `own` is the server's public URL.
    ///
    /// The rate of the subject comes last, since only a valid ticket counts against its subject.
    func authorize(
        _ operation: Operation, _ request: HTTPRequest, from client: ClientAddress, own: PublicURL, now: Timestamp
    ) async throws(Problem) -> AuthorizedRequest {
        let needs = operation.needs
        let ticket = try await ticket(for: needs, request, own: own, now: now)
        let secret = needs.contains(.secret) ? try UploadFields.secret(request.headerFields) : nil
        let authorized = AuthorizedRequest(client: client, ticket: ticket, secret: secret)
        if ticket != nil, let seconds = limiter.admit(subject: authorized.subject) {
            throw .rate("of this subject", seconds)
        }
        return authorized
    }

    /// Counts the bytes of an upload that was let in.
    func count(_ bytes: Int64, uploadedBy authorized: AuthorizedRequest) {
        limiter.spend(bytes, by: authorized.client)
        if authorized.ticket != nil { limiter.spend(bytes, by: authorized.subject) }
    }

    private func ticket(
        for needs: RequiredCredentials, _ request: HTTPRequest, own: PublicURL, now: Timestamp
    ) async throws(Problem) -> Ticket? {
        switch writers {
        case .anonymous(let admission):
            guard !needs.isDisjoint(with: [.change, .ticket]) else { return nil }
            try admission.validate(host: request.authority, fields: request.headerFields, own: own)
            return nil
        case .ticketed(let verifier):
            guard !needs.isDisjoint(with: [.ticket, .offeredTicket]) else { return nil }
            guard let token = BearerField.token(request.headerFields) else {
                if needs.contains(.ticket) { throw .ticketMissing }
                return nil
            }
            do { return try await verifier.ticket(token, now: now) } catch { throw .ticketInvalid("\(error)") }
        }
    }

    /// Which pages may write (the Fetch standard's CORS protocol). No browser ever sends a ticket of its own accord.
    func crossOrigin(own: PublicURL) -> CrossOrigin {
        switch writers {
        case .anonymous: CrossOrigin(writers: .only(origin: own.origin))
        case .ticketed: CrossOrigin(writers: .anyOrigin)
        }
    }
}

extension Problem {
    /// A rate limit that is exceeded; `whose` names it.
    static func rate(_ whose: String, _ seconds: Int64) -> Problem {
        Problem(.rate, limitName: "rate \(whose)", retryAfterSeconds: seconds)
    }
}

/// The ticket in `Authorization: Bearer …` (RFC 6750 §2.1). Refusals follow §3.
enum BearerField {
    /// The token as sent; nil where the field is absent or has another scheme.
    static func token(_ fields: HTTPFields) -> String? {
        guard let text = fields[.authorization] else { return nil }
        let parts = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1].drop { $0 == " " })
    }
}

extension Problem {
    static var ticketMissing: Problem {
        Problem(.ticketMissing, fields: [.wwwAuthenticate: "Bearer"])
    }

    /// A ticket that was rejected; `why` completes "The ticket was rejected:".
    static func ticketInvalid(_ why: String) -> Problem {
        Problem(
            .ticketInvalid, detail: "The ticket was rejected: \(why).",
            fields: [.wwwAuthenticate: "Bearer error=\"invalid_token\", error_description=\"\(why)\""])
    }

    /// A valid ticket whose claim `claim` does not permit this.
    static func ticketTooSmall(_ claim: String, limit: Int64? = nil) -> Problem {
        Problem(
            .ticketTooSmall, detail: "The ticket's \(claim) claim does not permit this.", limit: limit,
            limitName: claim,
            fields: [.wwwAuthenticate: "Bearer error=\"insufficient_scope\""])
    }
}

/// A request that the gate let through. This is the only place where handlers get subject, ticket and secret from.
struct AuthorizedRequest: Sendable {
    /// Where the request came from.
    let client: ClientAddress
    /// The ticket, where the operation requires one and the server has keys.
    let ticket: Ticket?
    private let shownSecret: Secret?

    init(client: ClientAddress, ticket: Ticket?, secret: Secret?) {
        self.client = client
        self.ticket = ticket
        shownSecret = secret
    }

    /// Who is charged. The prefix keeps the two kinds apart: no ticket can be issued for an address.
    var subject: String { ticket.map { "ticket:\($0.subject)" } ?? client.subject }

    /// Who resumes an upload; nil without a ticket, when knowing the upload's id is enough.
    var resumingSubject: String? { ticket == nil ? nil : subject }

    /// The secret of a lease.
    var secret: Secret {
        get throws(Problem) {
            guard let shownSecret else { throw Problem(.wrongSecret, detail: "Satchel-Secret is missing.") }
            return shownSecret
        }
    }

    /// The terms of a lease on `address`, which is nil where it is not announced; throws where the ticket does not
    /// permit them. Size and lifetime are left to the store, which knows them even if they are not announced.
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

    /// The announcement of an upload; throws where the ticket does not permit it.
    func permit(_ announcement: UploadAnnouncement) throws(Problem) -> UploadAnnouncement {
        var permitted = announcement
        permitted.terms = try permit(announcement.terms, on: announcement.address)
        return permitted
    }
}

/// Who may write in anonymous mode: only programs on this machine, since the server is there for the person who uses
/// it.
package struct AnonymousWritePolicy: Sendable {
    /// Whether everybody may write, because the operator said so.
    package let allowsAnyone: Bool

    package init(allowsAnyone: Bool) {
        self.allowsAnyone = allowsAnyone
    }

    /// Checks a write by its fields; `host` is the Host field, `own` the server's public URL.
    ///
    /// A Host that is not loopback points to DNS rebinding, forwarding fields to a proxy that lets strangers in, and a
    /// foreign Origin to a page of somebody else.
    package func validate(host: String?, fields: HTTPFields, own: PublicURL) throws(Problem) {
        if allowsAnyone { return }
        guard let host, let authority = Authority(host), authority.isLoopback else {
            throw Self.refusal("the request's Host is not this machine")
        }
        for name in [HTTPField.Name.forwarded, .xForwardedFor, .via] where fields[name] != nil {
            throw Self.refusal("the request came through a proxy")
        }
        if let origin = fields[.origin], origin != own.origin {
            throw Self.refusal("the request came from a page of another origin")
        }
    }

    private static func refusal(_ why: String) -> Problem {
        Problem(
            .ticketMissing, detail: "Without a ticket, only programs on this machine may write: \(why).",
            fields: [.wwwAuthenticate: "Bearer"])
    }
}

/// Whether a server that cannot tell uploaders apart may start.
package enum AnonymousMode {
    /// Nil if it may; else a sentence that says why not, and what the choices are.
    package static func refusal(
        listening: Authority, publicURL: PublicURL?, hasKeys: Bool, allowsAnyone: Bool
    ) -> String? {
        if allowsAnyone || hasKeys { return nil }
        let publicHost = publicURL.map { Authority(host: $0.host, port: nil) }
        let reason: String
        if !listening.isLoopback {
            reason = "--listen \(listening.bracketedHost) can be reached from other machines"
        } else if let publicHost, !publicHost.isLoopback {
            reason = "--public-url \(publicHost.bracketedHost) is not this machine"
        } else {
            return nil
        }
        return "anybody could upload: \(reason). Require tickets, with --ticket-keys (SATCHELD_TICKET_KEYS) and"
            + " --ticket-audience; or listen on 127.0.0.1, behind something that decides who may upload; or allow it"
            + " explicitly with --allow-anonymous-uploads (SATCHELD_ALLOW_ANONYMOUS_UPLOADS=true)."
    }
}
