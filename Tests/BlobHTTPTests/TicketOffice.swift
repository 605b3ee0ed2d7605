import Blobs
import Store
import TestSupport
import Tickets

/// A chat server as far as this one knows it: keys in files, and tickets good and bad.
struct TicketOffice {
    static let audience = "media.example"
    let forge = TokenForge()
    let verifier: TicketVerifier
    private let folder: TemporaryFolder

    init() async throws {
        folder = try TemporaryFolder()
        try forge.writeKeys(to: folder.path("keys"))
        verifier = TicketVerifier(keys: try await TicketKeys.load([folder.path("keys")]), audience: Self.audience)
    }

    /// The field that shows a good ticket, with further claims as JSON members.
    func ticket(_ subject: String = "ann", now: Timestamp, adding members: String = "") -> (String, String) {
        let token = forge.ticket(audience: Self.audience, subject: subject, now: now.seconds, adding: members)
        return ("Authorization", "Bearer \(token)")
    }

    /// Every way in which a ticket can be bad, by name, as the fields that show it.
    func badTickets(now: Timestamp) -> [(name: String, fields: [(String, String)], reason: String)] {
        let claims = #"{"aud":"\#(Self.audience)","exp":\#(now.seconds + 3600),"sub":"ann"}"#
        let expired = #"{"aud":"\#(Self.audience)","exp":\#(now.seconds - 3600),"sub":"ann"}"#
        func header(_ algorithm: String) -> String { #"{"alg":"\#(algorithm)","kid":"\#(TokenForge.publicName)"}"# }
        let elsewhere = forge.ticket(audience: "elsewhere.example", now: now.seconds)
        let tokens = [
            ("expired", forge.token(header: header("EdDSA"), claims: expired, .edDSA)),
            ("of another audience", elsewhere),
            ("unsigned", forge.token(header: header("none"), claims: claims, .none)),
            ("of an unknown key", forge.token(header: header("EdDSA"), claims: claims, .strangersKey)),
            ("without kid", forge.token(header: #"{"alg":"EdDSA"}"#, claims: claims, .edDSA)),
            (
                "signed with the public key as a secret",
                forge.token(header: header("HS256"), claims: claims, .hmac(Array(forge.publicPEM.utf8)))
            ),
            ("no token", "rubbish"),
        ]
        let good = ticket(now: now)
        return [
            ("absent", [], "ticket-missing"), ("of another scheme", [("Authorization", "Basic eA")], "ticket-missing"),
        ]
            + tokens.map { ($0.0, [("Authorization", "Bearer \($0.1)")], "ticket-invalid") }
            + [("given twice", [good, good], "ticket-invalid")]
    }
}
