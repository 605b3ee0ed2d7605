import Blobs
import HTTPTypes
import Store
import Testing

@testable import BlobHTTP

/// Which requests about leases go on to a server that is drained, and whose answer counts.
@Suite struct DrainRuleTests {
    private static let address = BlobHasher().address()
    private static let aboutLeases: [Operation] = [
        .showLease(address), .renew(address), .revoke(address),
        .confirmDelivery(address, Recipient(unchecked: Array(1...16))),
    ]
    private static let unknown: [StoreError] = [.notFound, .gone(.expired), .gone(.revoked), .wrongSecret]

    @Test func `a lease that is not known here may be there`() {
        for operation in Self.aboutLeases {
            for error in Self.unknown { #expect(DrainRule.isElsewhere(operation, error), "\(operation) \(error)") }
        }
        for error in [StoreError.notFound, .gone(.delivered)] {
            #expect(DrainRule.isElsewhere(.addLease(Self.address), error))
        }
    }

    @Test func `what this store decides, or the operator took away, goes nowhere`() {
        let decided: [StoreError] = [
            .gone(.removed), .banned, .damaged, .leaseEnded(.revoked), .wrongSubject, .receiptTaken, .diskFull,
            .unavailable("x"), .outcomeUnknown, .io("x"), .busy(limit: "x", retryAfterSeconds: 1),
        ]
        for operation in Self.aboutLeases + [.addLease(Self.address)] {
            for error in decided { #expect(!DrainRule.isElsewhere(operation, error), "\(operation) \(error)") }
        }
        for operation in [Operation.upload, .previewUpload, .createUpload, .showQuota, .fillSlot(nil)] {
            for error in Self.unknown { #expect(!DrainRule.isElsewhere(operation, error), "\(operation) \(error)") }
        }
    }

    @Test func `of two refusals that counts which knows more of the blob, here before there`() {
        let rows: [(status: Int, code: String?, own: StoreError, isGiven: Bool)] = [
            (204, nil, .notFound, true), (200, nil, .wrongSecret, true), (429, "rate", .wrongSecret, true),
            (503, "unavailable", .gone(.expired), true), (410, "lease-ended", .gone(.expired), true),
            (404, "not-found", .notFound, false), (404, "not-found", .gone(.expired), false),
            (410, "gone", .notFound, true), (410, "gone", .gone(.expired), false), (410, "gone", .wrongSecret, false),
            (403, "wrong-secret", .notFound, true), (403, "wrong-secret", .gone(.expired), true),
            (403, "wrong-secret", .wrongSecret, false), (404, "damaged", .notFound, true),
        ]
        for row in rows {
            let isGiven = DrainRule.tellsMore(.init(code: row.status), row.code, than: row.own)
            #expect(isGiven == row.isGiven, "\(row)")
        }
    }
}
