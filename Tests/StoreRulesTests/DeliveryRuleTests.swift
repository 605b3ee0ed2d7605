import Blobs
import StoreRules
import Testing

@Suite struct DeliveryRuleTests {
    private func facts(
        hashes: Int, recipients: Int?, received: Int, isKnown: Bool = false, expires: Int64 = 1_000_000,
        reason: EndReason? = nil
    ) -> DeliveryFacts {
        let lease = LeaseRow(
            address: Sample.address(1), owner: nil, subject: "s", created: Timestamp(seconds: 0),
            expires: Timestamp(seconds: expires), limit: .days(30), recipients: recipients, hashes: hashes,
            reason: reason)
        return DeliveryFacts(
            lease: lease, counting: DeliveryCounting(hashes: hashes, recipients: recipients) ?? .nobody,
            received: received, isKnown: isKnown)
    }

    @Test func `the last one expected ends the lease after a grace, and never later than its time`() {
        let now = Timestamp(seconds: 5000)
        let grace = Lifetime.days(1)
        func decide(_ facts: DeliveryFacts) -> DeliveryDecision {
            DeliveryRule.decide(facts, sharedGrace: grace, now: now)
        }
        let table: [(DeliveryFacts, DeliveryDecision)] = [
            (facts(hashes: 1, recipients: 3, received: 1), .note),
            (facts(hashes: 1, recipients: 3, received: 2), .complete(end: Timestamp(seconds: 5000 + 86_400))),
            (facts(hashes: 3, recipients: 3, received: 2), .complete(end: Timestamp(seconds: 5600))),
            (facts(hashes: 1, recipients: 1, received: 0), .complete(end: Timestamp(seconds: 5600))),
            (facts(hashes: 1, recipients: 3, received: 2, expires: 5100), .complete(end: Timestamp(seconds: 5100))),
            (facts(hashes: 1, recipients: 3, received: 2, isKnown: true), .pass),
            (facts(hashes: 1, recipients: 3, received: 3), .pass),
            (facts(hashes: 1, recipients: nil, received: 1023), .note),
            (facts(hashes: 1, recipients: nil, received: 1024), .pass),
            (facts(hashes: 4, recipients: nil, received: 3), .note),
            (facts(hashes: 4, recipients: nil, received: 4), .pass),
            (facts(hashes: 0, recipients: 2, received: 0), .pass),
            (facts(hashes: 1, recipients: 3, received: 2, expires: 5000), .note),
            (facts(hashes: 1, recipients: 3, received: 2, reason: .revoked), .note),
        ]
        for (facts, decision) in table { #expect(decide(facts) == decision, "\(facts)") }
    }
}
