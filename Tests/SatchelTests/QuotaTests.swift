import Testing

@testable import MediaClient
@testable import satchel

@Suite
struct QuotaTests {
    @Test func `has a line for each thing`() throws {
        let answer = JSONMembers(
            Array(
                #"{"bytes":{"used":5000000,"reserved":1000,"limit":20000000},"leases":{"used":3},"made":{"used":7,"limit":10000},"n":1790000000}"#
                    .utf8)
        )
        let bytes = try #require(answer?.object("bytes").flatMap { Quota.Allowance($0) })
        let leases = try #require(answer?.object("leases").flatMap { Quota.Allowance($0) })
        let made = try #require(answer?.object("made").flatMap { Quota.Allowance($0) })
        let quota = Quota(
            bytes: bytes, leases: leases, leasesMade: made, uploads: leases, nextEnd: answer?.timestamp("n"))
        #expect(
            QuotaDescription(quota).text == """
                bytes    5.0 MB of 20.0 MB, and 1.0 kB for uploads in progress
                leases   3, no limit
                today    7 of 10000 leases made
                uploads  3, no limit
                the next lease ends 2026-09-21 14:13 UTC
                """)
    }
}
