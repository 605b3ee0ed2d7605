package import Blobs
package import HTTPTypes
import Store
import Tickets

/// The only gate: every request passes it before anything is done. What a request must present is in `Operation.needs`.
struct Gate: Sendable {
    /// Who may do what requires a ticket.
    enum Writers: Sendable {
        /// Clients are not told apart, because the operator said so.
        case anonymous(AnonymousWritePolicy)
        /// Holders of tickets: signed ones, or the local one.
        case ticketed(TicketVerifier)
    }

    /// Whom a request counts against.
    struct Payer: Sendable {
        /// Nil where it counts against nobody.
        var client: ClientAddress?
        /// Whether it comes from an edge that has shown its key and speaks for no client.
        var isEdge = false
    }

    let writers: Writers
    /// The keys of edges; nil where none are configured.
    let edges: EdgeKeys?
    /// What is allowed at the doors of chat servers; nil where there are none.
    var slots: SlotSettings?
    /// Who hears of words that are refused there; nil for nobody.
    var refusedWords: RefusedWords?
    let proxies: TrustedProxies
    let limiter: RateLimiter
    /// Whether clients share what another store is asked.
    let sharesFetches: Bool

    /// Whether anything depends on whom a read counts against.
    var countsClients: Bool {
        limiter.countsAddresses || sharesFetches || !proxies.ranges.isEmpty || edges != nil
    }

    /// Whom a request counts against: its client, seen past our own proxies. Nobody where a proxy of ours or an edge names
    /// none, and where neither rates nor proxies nor edges make that worth looking up. `field` gives the value of a field
    /// of the request.
    func payer(peer: @autoclosure () -> ClientAddress, field: (HTTPField.Name) -> String?) -> Payer {
        guard countsClients else { return Payer() }
        let peer = peer()
        let client = proxies.countedClient(peer: peer, value: field)
        // Whoever is named is not spared by the key of an edge that speaks for them.
        guard let edges, client == nil || client == peer, let token = HTTPFields.bearerToken(in: field(.authorization)),
            edges.contain(token)
        else { return Payer(client: client) }
        return Payer(isEdge: true)
    }

    /// Lets in whoever shows the key of an edge. What is returned tells whether that key is still one.
    func admitEdge(_ fields: HTTPFields) throws(Problem) -> @Sendable () -> Bool {
        guard let token = fields.bearerToken else { throw .edgeKeyMissing }
        guard let edges, edges.contain(token) else { throw .edgeKeyInvalid }
        return { edges.contain(token) }
    }

    /// Counts a request against the rate of its client, whatever it asks for, or refuses it. This comes first: it costs
    /// less than a signature. Programs on this machine may ask how the server is as often as they like.
    func admit(_ route: Route?, from client: ClientAddress?) throws(Problem) {
        guard let client, !(client.isLocal && route?.isMonitoring == true) else { return }
        if let seconds = limiter.admit(client) { throw .rate("of this address", seconds) }
    }

    /// Checks the credentials of a request, and refuses it where they do not suffice. `own` is the server's public URL,
    /// `counted` whom the request counts against.
    ///
    /// The rate of the subject comes last, since only a valid ticket counts against its subject.
    func authorize(
        _ operation: Operation, _ request: HTTPRequest, from client: ClientAddress, counted: ClientAddress?,
        own: PublicURL, now: Timestamp
    ) async throws(Problem) -> AuthorizedRequest {
        let needs = operation.needs
        let ticket = try await ticket(for: needs, request, own: own, now: now)
        let secret = needs.contains(.secret) ? try request.headerFields.secret() : nil
        let slot = needs.contains(.slotWord) ? try admitUpload(for: operation, request, now: now) : nil
        let authorized = AuthorizedRequest(
            client: client, counted: counted, ticket: ticket, secret: secret, slot: slot)
        if authorized.isPersonal, let seconds = limiter.admit(subject: authorized.subject) {
            throw .rate("of this subject", seconds)
        }
        return authorized
    }

    /// Counts the bytes of an upload that was let in before against `counted`, as `payer` says, and against the subject
    /// that is charged.
    func count(_ bytes: Int64, from counted: ClientAddress?, chargedTo subject: String) {
        if let counted { limiter.spend(bytes, by: counted) }
        if case .ticketed = writers { limiter.spend(bytes, by: subject) }
    }

    /// The same for any upload that an authorized request brings.
    func count(_ bytes: Int64, from request: AuthorizedRequest) {
        if let counted = request.counted { limiter.spend(bytes, by: counted) }
        if request.isPersonal { limiter.spend(bytes, by: request.subject) }
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
            // Where none is needed, none is looked at.
            guard needs.contains(.ticket) else { return nil }
            guard let token = request.headerFields.bearerToken else {
                throw verifier.isLocal ? .localTicketMissing : .ticketMissing
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

extension HTTPFields {
    /// The ticket in `Authorization: Bearer …` as sent (RFC 6750 §2.1); nil where the field is absent or has another
    /// scheme. Refusals follow §3.
    var bearerToken: String? { Self.bearerToken(in: self[.authorization]) }

    /// The token in the value of the field.
    static func bearerToken(in value: String?) -> String? {
        guard let text = value else { return nil }
        let parts = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1].drop { $0 == " " })
    }
}

extension Problem {
    static var ticketMissing: Problem {
        Problem(.ticketMissing, fields: [.wwwAuthenticate: "Bearer"])
    }

    static var localTicketMissing: Problem {
        Problem(
            .ticketMissing, detail: "Only the server's local ticket is accepted; it says where that is as it starts.",
            fields: [.wwwAuthenticate: "Bearer"])
    }

    static var edgeKeyMissing: Problem {
        Problem(.edgeKeyMissing, fields: [.wwwAuthenticate: "Bearer"])
    }

    static var edgeKeyInvalid: Problem {
        Problem(.edgeKeyInvalid, fields: [.wwwAuthenticate: "Bearer error=\"invalid_token\""])
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
    /// Whom its bytes count against, as `Gate.payer` says.
    let counted: ClientAddress?
    /// The ticket, where the operation requires one and the server has keys.
    let ticket: Ticket?
    /// What the word of a slot permits, where the operation requires one.
    let slot: SlotAdmission?
    private let shownSecret: Secret?

    init(
        client: ClientAddress, counted: ClientAddress?, ticket: Ticket?, secret: Secret?, slot: SlotAdmission? = nil
    ) {
        self.slot = slot
        self.client = client
        self.counted = counted
        self.ticket = ticket
        shownSecret = secret
    }

    /// Who is charged. The prefixes keep the kinds apart.
    var subject: String {
        slot?.subject ?? ticket.map { Ticket.chargedSubject($0.subject) } ?? client.subject
    }

    /// Whether a ticket or the word of a slot says which person that is, who then has a rate of their own.
    var isPersonal: Bool { ticket != nil || slot?.grant.user != nil }

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
        try permit(address)
        if let most = ticket.mostRecipients, max(terms.recipients ?? 0, terms.receipts.count) > most {
            throw .ticketTooSmall("recipients", limit: Int64(most))
        }
        var permitted = terms
        permitted.entitlement = ticket.entitlement
        return permitted
    }

    /// The terms on which a lease on `address` is renewed for `lifetime`; throws where the ticket is for another blob. The
    /// other claims are left to the store, which knows the lease.
    func permit(renewalOn address: BlobAddress, for lifetime: Lifetime?) throws(Problem) -> RenewalTerms {
        // Without tickets the subject is an address, and a person's address changes.
        guard let ticket else { return RenewalTerms(lifetime: lifetime) }
        try permit(address)
        return RenewalTerms(
            lifetime: lifetime, subject: subject, entitlement: ticket.entitlement,
            mostRecipients: ticket.mostRecipients)
    }

    private func permit(_ address: BlobAddress?) throws(Problem) {
        if let only = ticket?.address, only != address { throw .ticketTooSmall("sha256") }
    }

    /// The announcement of an upload; throws where the ticket does not permit it. In one request it may permit bytes of
    /// any kind.
    func permit(
        _ announcement: UploadAnnouncement, inOneRequest: Bool = false
    ) throws(Problem) -> UploadAnnouncement {
        var permitted = announcement
        if inOneRequest, ticket?.acceptsAny == true { permitted.acceptance = .any }
        permitted.terms = try permit(announcement.terms, on: announcement.address)
        return permitted
    }
}

/// Who may write where no ticket is asked for: everybody who reaches the server. If that is this machine alone, it is
/// there for the person who uses it, and not for the pages that their browser shows.
package struct AnonymousWritePolicy: Sendable {
    private let isLoopback: Bool

    /// For a server that listens at `listening`.
    package init(listening: Authority) {
        isLoopback = listening.isLoopback
    }

    /// Checks a write by its fields; `host` is the Host field, `own` the server's public URL.
    ///
    /// A Host that is neither this machine nor that of the public URL points to DNS rebinding, a foreign Origin to a page
    /// of somebody else. What came through a proxy cannot be told from what did not.
    package func validate(host: String?, fields: HTTPFields, own: PublicURL) throws(Problem) {
        guard isLoopback else { return }
        // Nearly always it is the one of the public URL, from a program.
        if let host, fields[.origin] == nil, own.isCalled(host) { return }
        guard let authority = host.flatMap({ Authority($0) }), authority.isLoopback || authority.host == own.host else {
            throw Self.refusal("the request's Host is neither this machine nor that of the public URL")
        }
        if let origin = fields[.origin], origin != own.origin, !Self.isOwnPage(origin, of: authority) {
            throw Self.refusal("the request came from a page of another origin")
        }
    }

    /// Whether `origin` is this server under another name of this machine: the one that the request came to.
    private static func isOwnPage(_ origin: String, of authority: Authority) -> Bool {
        authority.isLoopback && HTTPOrigin.splitScheme(origin).flatMap { Authority($0.rest) } == authority
    }

    private static func refusal(_ why: String) -> Problem {
        Problem(
            .ticketMissing, detail: "Without a ticket, pages of other origins may not write: \(why).",
            fields: [.wwwAuthenticate: "Bearer"])
    }
}

/// Whether a server that accepts nothing but its local ticket may start: only where it serves this machine alone.
package enum LocalTicketMode {
    /// Nil if it may; else a sentence that says why not, and what the choices are.
    package static func refusal(listening: Authority, publicURL: PublicURL?) -> String? {
        let publicHost = publicURL.map { Authority(host: $0.host, port: nil) }
        let (reason, remedy): (String, String)
        if !listening.isLoopback {
            reason = "--listen \(listening.bracketedHost) can be reached from other machines"
            remedy = "listen on 127.0.0.1"
        } else if let publicHost, !publicHost.isLoopback {
            reason = "--public-url \(publicHost.bracketedHost) is not this machine"
            remedy = "leave --public-url out"
        } else {
            return nil
        }
        return "without ticket keys only programs of this user on this machine can upload: \(reason). Require tickets,"
            + " with --ticket-keys (SATCHELD_TICKET_KEYS) and --ticket-audience; or take uploads through the slots of a"
            + " chat server alone, with --slot-secrets; or \(remedy). With --allow-anonymous-uploads"
            + " (SATCHELD_ALLOW_ANONYMOUS_UPLOADS=true) everybody who reaches the server may fill its disk."
    }
}
