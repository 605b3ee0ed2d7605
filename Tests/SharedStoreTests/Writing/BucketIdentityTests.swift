import Blobs
import Store
import Testing

@testable import SharedStore

@Suite struct BucketIdentityTests {
    private static let identity = StoreIdentity(unchecked: [UInt8](0..<16))
    private static let other = StoreIdentity(unchecked: [UInt8](1..<17))

    @Test func `what a bucket says of its store is spelled one way`() {
        let record = BucketIdentity.record(Self.identity)
        #expect(
            String(decoding: record, as: UTF8.self) == "satchel objects 1\nstore 000102030405060708090a0b0c0d0e0f\n")
        #expect(BucketIdentity.parse(record) == Self.identity)
        for text in [
            "", "satchel objects 1\n", "satchel objects 2\nstore 000102030405060708090a0b0c0d0e0f\n",
            "satchel objects 1\nstore 000102030405060708090a0b0c0d0e0f", "satchel objects 1\nstore 00\n",
            "satchel objects 1\nstore 000102030405060708090a0b0c0d0e0f\n\n",
            "satchel objects 1\nstore 000102030405060708090A0B0C0D0E0F\n",
        ] {
            #expect(BucketIdentity.parse(Array(text.utf8)) == nil, "\(text)")
        }
    }

    @Test func `database and bucket are taken together only where they say the same, or are both new`() {
        func verdict(_ record: [UInt8]?, isEmpty: Bool = false, hasObjects: Bool = true)
            -> BucketIdentity.IdentityVerdict
        {
            BucketIdentity.judge(
                Self.identity, record: record, isDatabaseEmpty: isEmpty, hasObjects: hasObjects)
        }
        #expect(verdict(BucketIdentity.record(Self.identity)) == .match)
        #expect(verdict(nil, isEmpty: true, hasObjects: false) == .claim)
        for record in [BucketIdentity.record(Self.other), [], nil] {
            guard case .mismatch = verdict(record) else {
                Issue.record("\(String(describing: record)) is taken")
                continue
            }
        }
        for (isEmpty, hasObjects) in [(true, true), (false, false)] {
            guard case .mismatch = verdict(nil, isEmpty: isEmpty, hasObjects: hasObjects) else {
                Issue.record("half of a store is taken for a new one")
                continue
            }
        }
    }
}
