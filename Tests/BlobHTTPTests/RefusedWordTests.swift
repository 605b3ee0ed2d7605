import Logging
import Testing
import Vault

@testable import BlobHTTP

/// What an operator is told of words that are refused.
@Suite struct RefusedWordTests {
    private let words = RefusedWords(logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))

    @Test func `of one door and reason there is a line a minute, with how many it is about`() {
        let start = ContinuousClock.now
        func count(_ reason: String, _ door: String, _ seconds: Int) -> Int? {
            words.count(reason, at: door, now: start.advanced(by: .seconds(seconds)))
        }
        #expect(count("a", "chat", 0) == 1)
        for second in [0, 1, 59] { #expect(count("a", "chat", second) == nil) }
        #expect(count("b", "chat", 1) == 1 && count("a", "other", 1) == 1, "each has a line of its own")
        #expect(count("a", "chat", 60) == 4)
        #expect(count("a", "chat", 119) == nil && count("a", "chat", 120) == 2)
    }

    @Test func `a client is told whether a secret of the door has signed its word`() async throws {
        let office = SlotOffice()
        try await TestServer.run(settings: { $0.slots = SlotSettings(doors: office.doors) }) { server in
            let claims = office.claims(size: 1, now: server.vault.now())
            let other = String(repeating: "q", count: 32)
            for (field, told) in [
                (office.bearer(claims, secret: other), "No secret of this door has signed the word"),
                (office.bearer(claims), "The word is signed, and for another path"),
            ] {
                let target = SlotOffice.target("s1/other.jpg")
                let answer = try await server.answer(to: "PUT", target, fields: [field], body: [1])
                #expect(answer?.status == 403 && answer?.text.contains(told) == true, "\(told)")
            }
        }
    }

    @Test func `each form is told what could be wrong with it, and sizes are for the sender`() {
        let forms: [SlotWord] = [.token("t"), .signed("v"), .signedWithType("v2")]
        let reasons = forms.map { RefusedWords.reason(.unsigned, of: $0) ?? "" }
        #expect(Set(reasons).count == 3 && reasons.allSatisfy { $0.hasPrefix("no secret of this door has signed it") })
        #expect(!reasons[0].contains("size") && reasons[1].contains("another size"))
        #expect(reasons[2].contains("another size or type"))
        #expect(RefusedWords.reason(.wrong, of: forms[0])?.hasPrefix("it is signed with a secret of this door") == true)
        #expect(RefusedWords.reason(.expired, of: forms[0])?.contains("clocks") == true)
        #expect(RefusedWords.reason(.tooLarge(limitBytes: 1), of: forms[0]) == nil)
        #expect(RefusedWords.reason(.tooSmall(bytes: 1), of: forms[0]) == nil)
    }
}
