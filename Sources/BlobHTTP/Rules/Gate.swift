import Blobs
import HTTPTypes
import Store
import Tickets

/// The one gate: every request passes it before anything is done, and what it must show stands in `Operation.needs`.
struct Gate: Sendable {
    /// Who may do what needs a ticket.
    enum Writers: Sendable {
        /// Nobody is known from another: programs on this machine, or everybody if the operator said so.
        case anonymous(WriteAdmission)
        /// Holders of tickets.
        case ticketed(TicketVerifier)
    }

    let writers: Writers
    let proxies: TrustedProxies
    let limiter: RateLimiter

    /// Where a request came from, whatever proxies of ours it came through.
    func client(of request: HTTPRequest, from peer: ClientAddress) -> ClientAddress {
        proxies.client(peer: peer) { request.headerFields[$0] }
    }

    /// Where a request for a blob came from; nil where neither a rate nor a proxy makes it worth looking up.
    /// `told` gives the value of a field of the request.
    func asker(
        peer: @autoclosure () -> ClientAddress, told: (HTTPField.Name) -> String?
    ) -> ClientAddress? {
        limiter.countsAddresses || !proxies.ranges.isEmpty ? proxies.client(peer: peer(), told: told) : nil
    }

    /// Counts a request against the rate of its client, or refuses it. This comes first: it costs less than a signature.
    func admit(_ operation: Operation, from client: ClientAddress) throws(Problem) {
        if operation.isCounted, let seconds = limiter.admit(client) { throw .rate("of this address", seconds) }
    }

    /// Lets a request through with what it has shown, or refuses it. `own` is the server's public URL.
    ///
    /// Rates of subjects are judged last, since only a good ticket counts against its subject.
    func authorize(
        _ operation: Operation, _ request: HTTPRequest, from client: ClientAddress, own: PublicURL, now: Timestamp
    ) async throws(Problem) -> Pass {
        let needs = operation.needs
        let ticket = try await ticket(for: needs, request, own: own, now: now)
        let secret = needs.contains(.secret) ? try UploadFields.secret(request.headerFields) : nil
        let pass = Pass(client: client, ticket: ticket, secret: secret)
        if ticket != nil, let seconds = limiter.admit(subject: pass.subject) { throw .rate("of this subject", seconds) }
        return pass
    }

    /// Counts the bytes of an upload that was let in.
    func count(_ bytes: Int64, uploadedBy pass: Pass) {
        limiter.spend(bytes, by: pass.client)
        if pass.ticket != nil { limiter.spend(bytes, by: pass.subject) }
    }

    private func ticket(
        for needs: Needs, _ request: HTTPRequest, own: PublicURL, now: Timestamp
    ) async throws(Problem) -> Ticket? {
        switch writers {
        case .anonymous(let admission):
            guard !needs.isDisjoint(with: [.change, .ticket]) else { return nil }
            try admission.judge(host: request.authority, fields: request.headerFields, own: own)
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

    /// Which pages may write (the Fetch standard's CORS protocol): a ticket is shown by whoever has it, never by a
    /// browser of its own accord.
    func crossOrigin(own: PublicURL) -> CrossOrigin {
        switch writers {
        case .anonymous: CrossOrigin(writers: .only(origin: own.origin))
        case .ticketed: CrossOrigin(writers: .anyOrigin)
        }
    }
}

extension Problem {
    /// A rate that is used up; `whose` names it.
    static func rate(_ whose: String, _ seconds: Int64) -> Problem {
        Problem(.rate, limitName: "rate \(whose)", retryAfterSeconds: seconds)
    }
}
