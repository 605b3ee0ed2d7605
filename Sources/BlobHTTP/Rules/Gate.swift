import Blobs
import HTTPTypes
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

    /// Lets a request through with what it has shown, or refuses it. `own` is the server's public URL.
    func admit(
        _ operation: Operation, _ request: HTTPRequest, from client: ClientAddress, own: PublicURL, now: Timestamp
    ) async throws(Problem) -> Pass {
        let needs = operation.needs
        let ticket = try await ticket(for: needs, request, own: own, now: now)
        let secret = needs.contains(.secret) ? try UploadFields.secret(request.headerFields) : nil
        return Pass(client: client, ticket: ticket, secret: secret)
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
            guard needs.contains(.ticket) else { return nil }
            guard let token = BearerField.token(request.headerFields) else { throw .ticketMissing }
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
