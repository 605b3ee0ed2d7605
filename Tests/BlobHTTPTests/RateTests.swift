import Blobs
import NIOCore
import Store
import Testing

@testable import BlobHTTP

@Suite struct RateTableTests {
    private static let second: Int64 = 1_000_000_000

    @Test func `ten seconds' worth may come at once, then as much as the rate says`() {
        var table = RateTable(limits: RateLimits(requestsPerSecond: 5), parties: 8)
        for request in 0..<50 { #expect(table.admit(1, at: 0) == nil, "\(request)") }
        #expect(table.admit(1, at: 0) == Self.second / 5)
        #expect(table.admit(1, at: Self.second / 5 - 1) == 1)
        #expect(table.admit(1, at: Self.second / 5) == nil)
        #expect(table.admit(1, at: Self.second / 5) != nil, "what was refused counted for nothing, what was let in did")
        for _ in 0..<50 { #expect(table.admit(1, at: 1000 * Self.second) == nil, "never more than ten seconds' worth") }
        #expect(table.admit(1, at: 1000 * Self.second) != nil)
    }

    @Test func `bytes run into debt, and until it is paid nobody comes in`() {
        var table = RateTable(limits: RateLimits(bytesPerSecond: 100), parties: 8)
        #expect(table.admit(1, at: 0) == nil)
        table.spend(1000, by: 1, at: 0)
        #expect(table.admit(1, at: 0) == nil, "ten seconds' worth is free")
        table.spend(500, by: 1, at: 0)
        #expect(table.admit(1, at: 0) == 5 * Self.second)
        #expect(table.admit(1, at: 5 * Self.second) == nil)
        table.spend(0, by: 1, at: 0)
        table.spend(-5, by: 1, at: 0)
        #expect(table.admit(1, at: 5 * Self.second) == nil)
    }

    @Test func `no number is too large to count`() {
        for rate: Int64 in [1, 7, .max] {
            var table = RateTable(limits: RateLimits(requestsPerSecond: rate, bytesPerSecond: rate), parties: 8)
            for _ in 0..<500 { table.spend(.max, by: 1, at: 1 << 62) }
            table.spend(.max, by: 1, at: 0)
            _ = table.admit(1, at: 1 << 62)
            #expect((table.admit(1, at: 0) == nil) == false)
        }
    }

    @Test func `parties do not count against each other while there is room`() {
        var table = RateTable(limits: RateLimits(requestsPerSecond: 1), parties: 8)
        for party: UInt64 in 1...8 {
            for _ in 0..<10 { #expect(table.admit(party, at: 0) == nil) }
            #expect(table.admit(party, at: 0) != nil)
        }
    }

    @Test func `a flood of newcomers makes the largest debts forgotten last`() {
        var table = RateTable(limits: RateLimits(requestsPerSecond: 1, bytesPerSecond: 1), parties: 8)
        table.spend(1_000_000, by: 1, at: 0)
        for newcomer: UInt64 in 2..<100_000 { #expect(table.admit(newcomer, at: 0) == nil) }
        #expect(table.admit(1, at: 0) != nil, "whoever has used most is remembered")
    }
}

@Suite struct RateLimiterTests {
    private static func address(_ last: UInt8) -> ClientAddress { ClientAddress(bytes: [192, 0, 2, last]) }
    private static let start = NIODeadline.uptimeNanoseconds(1 << 40)

    @Test func `without rates everything is let in and no clock is read`() {
        let limiter = RateLimiter(perAddress: RateLimits(), perSubject: RateLimits()) {
            Issue.record("the clock was read")
            return .now()
        }
        #expect(limiter.admit(Self.address(1)) == nil)
        #expect(limiter.admit(subject: "ann") == nil)
        limiter.spend(.max, by: Self.address(1))
        limiter.spend(.max, by: "ann")
    }

    @Test func `addresses of one IPv6 customer count together, IPv4 addresses each for itself`() throws {
        let limiter = RateLimiter(perAddress: RateLimits(requestsPerSecond: 1), perSubject: RateLimits()) {
            Self.start
        }
        func admit(_ text: String) throws -> Bool {
            limiter.admit(try #require(ClientAddress(text: text))) == nil
        }
        for _ in 0..<5 {
            #expect(try admit("2001:db8::1") && admit("2001:db8::ffff:0:0:2"))
            #expect(try admit("192.0.2.1") && admit("192.0.2.1"))
        }
        #expect(try !admit("2001:db8::3") && !admit("192.0.2.1") && !admit("::ffff:192.0.2.1"))
        #expect(try admit("2001:db8:0:1::1") && admit("192.0.2.2"))
        let wait = limiter.admit(try #require(ClientAddress(text: "192.0.2.1")))
        #expect(wait == 1, "whole seconds, at least one")
    }

    @Test func `of many threads that ask at once exactly as many are let in as may`() async {
        let limiter = RateLimiter(
            perAddress: RateLimits(requestsPerSecond: 10), perSubject: RateLimits(requestsPerSecond: 20)
        ) { Self.start }
        let counts = await withTaskGroup(of: (Int, Int).self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var counts = (0, 0)
                    for _ in 0..<100 {
                        counts.0 += limiter.admit(Self.address(9)) == nil ? 1 : 0
                        counts.1 += limiter.admit(subject: "ann") == nil ? 1 : 0
                    }
                    return counts
                }
            }
            return await group.reduce((0, 0)) { ($0.0 + $1.0, $0.1 + $1.1) }
        }
        #expect(counts == (100, 200))
    }
}
