import Blobs
import TestSupport
import Testing

@testable import Tickets

@Suite struct TicketTests {
    private static let now = Timestamp(seconds: 1_800_000_000)
    private static let audience = "media.example"
    private let forge = TokenForge()
    private let folder: TemporaryFolder
    private var keyFolder: String { folder.path("keys") }

    init() throws {
        folder = try TemporaryFolder()
        try forge.writeKeys(to: keyFolder)
    }

    private func verifier() async throws -> TicketVerifier {
        TicketVerifier(keys: try await TicketKeys.load([keyFolder]), audience: Self.audience)
    }

    private func refusal(of token: String) async throws -> TicketRefusal? {
        let verifier = try await verifier()
        do throws(TicketRefusal) {
            _ = try await verifier.ticket(token, now: Self.now)
            return nil
        } catch { return error }
    }

    @Test func `a ticket says who, and what for`() async throws {
        let hex = BlobHasher().address().hex
        let members = #","sha256":"\#(hex)","max_size":5,"max_lifetime":60,"recipients":7,"extra":{"a":[1]}"#
        let token = forge.ticket(audience: Self.audience, subject: "ann é", now: Self.now.seconds, adding: members)
        let ticket = try await verifier().ticket(token, now: Self.now)
        let expected = Ticket(
            subject: "ann é", address: BlobAddress(hex: hex),
            entitlement: Entitlement(largestBytes: 5, longestLifetime: Lifetime(seconds: 60)), mostRecipients: 7)
        #expect(ticket == expected)
    }

    @Test func `both kinds of key sign, and each only with its own algorithm`() async throws {
        let claims = #"{"aud":["x","\#(Self.audience)"],"exp":\#(Self.now.seconds + 5),"sub":"ann"}"#
        func header(_ algorithm: String, _ name: String) -> String { #"{"alg":"\#(algorithm)","kid":"\#(name)"}"# }
        let table: [(String, TokenForge.Signature, TicketRefusal?)] = [
            (header("EdDSA", TokenForge.publicName), .edDSA, nil),
            (header("HS256", TokenForge.secretName), .hmac(forge.secret), nil),
            (header("HS256", TokenForge.publicName), .hmac(forge.publicBytes), .wrongAlgorithm),
            (header("HS256", TokenForge.publicName), .hmac(Array(forge.publicPEM.utf8)), .wrongAlgorithm),
            (header("EdDSA", TokenForge.publicName), .hmac(forge.publicBytes), .wrongSignature),
            (header("EdDSA", TokenForge.secretName), .edDSA, .wrongAlgorithm),
            (header("HS256", TokenForge.secretName), .edDSA, .wrongSignature),
            (header("HS256", TokenForge.secretName), .hmac([]), .wrongSignature),
            (header("HS512", TokenForge.secretName), .hmac(forge.secret), .wrongAlgorithm),
            (header("hs256", TokenForge.secretName), .hmac(forge.secret), .wrongAlgorithm),
            (header("none", TokenForge.publicName), .none, .wrongAlgorithm),
            (header("None", TokenForge.secretName), .none, .wrongAlgorithm),
            (header("", TokenForge.secretName), .none, .wrongAlgorithm),
            (header("EdDSA", TokenForge.publicName), .none, .wrongSignature),
            (header("EdDSA", TokenForge.publicName), .strangersKey, .wrongSignature),
            (header("EdDSA", "unknown"), .edDSA, .unknownKey),
            (header("EdDSA", ""), .edDSA, .unknownKey),
            (header("EdDSA", "../\(TokenForge.publicName)"), .edDSA, .unknownKey),
            (#"{"alg":"EdDSA"}"#, .edDSA, .namesNoKey),
            (#"{"alg":"none"}"#, .none, .namesNoKey),
            (#"{"kid":"\#(TokenForge.publicName)"}"#, .edDSA, .malformed),
            (#"{"alg":"EdDSA","kid":"\#(TokenForge.publicName)","crit":["exp"]}"#, .edDSA, .criticalExtension),
            (#"{"alg":"EdDSA","kid":5}"#, .edDSA, .malformed),
            ("[]", .edDSA, .malformed),
            ("", .edDSA, .malformed),
        ]
        for (header, signature, expected) in table {
            let found = try await refusal(of: forge.token(header: header, claims: claims, signature))
            #expect(found == expected, "\(header) \(signature)")
        }
    }

    @Test(arguments: [
        ("not a token", TicketRefusal.malformed), ("", .malformed), ("..", .malformed), ("a.b", .malformed),
        ("e30.e30.e30.e30", .malformed), ("e30=.e30.e30", .malformed),
        (String(repeating: "a", count: 9000), .malformed),
    ])
    func `what is no token is refused as such`(token: String, expected: TicketRefusal) async throws {
        let found = try await refusal(of: token)
        #expect(found == expected)
    }

    @Test func `no other spelling of a ticket is taken`() async throws {
        let token = forge.ticket(audience: Self.audience, now: Self.now.seconds)
        let verifier = try await verifier()
        _ = try await verifier.ticket(token, now: Self.now)
        let bytes = Array(token.utf8)
        for place in bytes.indices {
            var changed = bytes
            changed[place] = changed[place] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            let text = String(decoding: changed, as: UTF8.self)
            await #expect(throws: TicketRefusal.self, "\(place)") { try await verifier.ticket(text, now: Self.now) }
        }
        for text in [token + "=", token + "A", token + " ", " " + token, token + "\n"] {
            await #expect(throws: TicketRefusal.self, "\(text)") { try await verifier.ticket(text, now: Self.now) }
        }
    }

    @Test func `claims are judged whatever else is right`() async throws {
        let now = Self.now.seconds
        let good = #""aud":"media.example","sub":"ann","exp":\#(now + 60)"#
        let table: [(String, TicketRefusal?)] = [
            (#"{"aud":"media.example","sub":"ann","exp":\#(now - 59)}"#, nil),
            (#"{"aud":"media.example","sub":"ann","exp":\#(now - 60)}"#, .expired),
            (#"{"aud":"media.example","sub":"ann","exp":0}"#, .expired),
            (#"{"aud":"media.example","sub":"a\u0000","exp":\#(now + 60)}"#, .badClaim("sub")),
            (#"{"aud":"media.example","sub":"ann","exp":-1e300}"#, .expired),
            (#"{"aud":"media.example","sub":"ann","exp":\#(now + 86_460)}"#, nil),
            (#"{"aud":"media.example","sub":"ann","exp":\#(now).5}"#, nil),
            (#"{"aud":"media.example","sub":"ann","exp":\#(now + 86_461)}"#, .lastsTooLong),
            (#"{"aud":"media.example","sub":"ann","exp":1e300}"#, .lastsTooLong),
            (#"{"aud":"media.example","sub":"ann"}"#, .badClaim("exp")),
            (#"{"aud":"media.example","sub":"ann","exp":"\#(now + 60)"}"#, .badClaim("set")),
            (#"{\#(good),"nbf":\#(now + 60)}"#, nil),
            (#"{\#(good),"nbf":\#(now + 61)}"#, .notYetValid),
            (#"{"sub":"ann","exp":\#(now + 60)}"#, .badClaim("aud")),
            (#"{"aud":"Media.Example","sub":"ann","exp":\#(now + 60)}"#, .wrongAudience),
            (#"{"aud":"","sub":"ann","exp":\#(now + 60)}"#, .wrongAudience),
            (#"{"aud":[],"sub":"ann","exp":\#(now + 60)}"#, .wrongAudience),
            (#"{"aud":["a","b"],"sub":"ann","exp":\#(now + 60)}"#, .wrongAudience),
            (#"{"aud":5,"sub":"ann","exp":\#(now + 60)}"#, .badClaim("set")),
            (#"{"aud":"media.example","exp":\#(now + 60)}"#, .badClaim("sub")),
            (#"{"aud":"media.example","sub":"","exp":\#(now + 60)}"#, .badClaim("sub")),
            (#"{\#(good),"sha256":"abc"}"#, .badClaim("sha256")),
            (#"{\#(good),"max_size":0}"#, nil),
            (#"{\#(good),"max_size":-1}"#, .badClaim("max_size")),
            (#"{\#(good),"max_size":9223372036854775808}"#, .badClaim("set")),
            (#"{\#(good),"max_lifetime":0}"#, .badClaim("max_lifetime")),
            (#"{\#(good),"recipients":0}"#, .badClaim("recipients")),
            (#"{\#(good),"recipients":1025}"#, .badClaim("recipients")),
            ("{\(good)", .badClaim("set")),
            ("[]", .badClaim("set")),
        ]
        for (claims, expected) in table {
            let header = #"{"alg":"EdDSA","kid":"\#(TokenForge.publicName)"}"#
            let found = try await refusal(of: forge.token(header: header, claims: claims, .edDSA))
            #expect(found == expected, "\(claims)")
        }
        for (count, isFine) in [(256, true), (257, false)] {
            let subject = String(repeating: "s", count: count)
            let token = forge.ticket(audience: Self.audience, subject: subject, now: now)
            let found = try await refusal(of: token)
            #expect((found == nil) == isFine)
        }
    }

    @Test func `a key is brought in before the old one goes, and then the old one's tickets are refused`() async throws
    {
        let next = TokenForge()
        let old = forge.ticket(audience: Self.audience, now: Self.now.seconds)
        let new = next.token(
            header: #"{"alg":"EdDSA","kid":"next"}"#,
            claims: #"{"aud":"media.example","sub":"ann","exp":\#(Self.now.seconds + 9)}"#, .edDSA)
        let verifier = try await verifier()
        await #expect(throws: TicketRefusal.unknownKey) { try await verifier.ticket(new, now: Self.now) }
        try TokenForge.write(next.publicPEM, to: folder.path("keys/next.pem"))
        verifier.replace(try await TicketKeys.load([keyFolder]))
        _ = try await verifier.ticket(old, now: Self.now)
        _ = try await verifier.ticket(new, now: Self.now)
        verifier.replace(try await TicketKeys.load([folder.path("keys/next.pem")]))
        await #expect(throws: TicketRefusal.unknownKey) { try await verifier.ticket(old, now: Self.now) }
        _ = try await verifier.ticket(new, now: Self.now)
    }

    @Test func `the mint makes what a server takes, and nothing that it would not`() async throws {
        try TokenForge.write(forge.privatePEM, to: folder.path("\(TokenForge.publicName).private.pem"))
        var order = TicketMint.Order(
            audience: Self.audience, subject: "ann", expires: Self.now.advanced(by: .days(1)),
            address: BlobHasher().address(),
            entitlement: Entitlement(largestBytes: 9, longestLifetime: .days(2)), mostRecipients: 3)
        let files = [
            folder.path("\(TokenForge.publicName).private.pem"), "\(keyFolder)/\(TokenForge.secretName).secret",
        ]
        for file in files {
            let token = try await TicketMint.token(order, keyAt: file, now: Self.now)
            let ticket = try await verifier().ticket(token, now: Self.now)
            #expect(ticket.subject == "ann" && ticket.entitlement == order.entitlement)
            #expect(ticket.address == order.address && ticket.mostRecipients == 3)
        }
        await #expect(throws: TicketKeyError.self, "a public key cannot sign") {
            try await TicketMint.token(order, keyAt: "\(keyFolder)/\(TokenForge.publicName).pem", now: Self.now)
        }
        order.expires = Self.now.advanced(by: .days(2))
        await #expect(throws: TicketRefusal.lastsTooLong) {
            try await TicketMint.token(order, keyAt: files[0], now: Self.now)
        }
    }
}
