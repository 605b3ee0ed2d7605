import Blobs
import MemoryStore
import Store
import StoreRules

/// Values that tests name by a number.
enum Sample {
    static func address(_ number: Int) -> BlobAddress {
        var hasher = BlobHasher()
        hasher.update(Array("blob \(number)".utf8))
        return hasher.address()
    }

    static func secret(_ number: Int) -> SecretHash {
        guard let hash = SecretHash(bytes: address(number &+ 1_000_000).bytes) else {
            preconditionFailure("32 bytes are a hash")
        }
        return hash
    }

    static func recipient(_ number: Int) -> Recipient {
        guard let recipient = Recipient(bytes: address(number &+ 2_000_000).bytes.prefix(Recipient.byteCount)) else {
            preconditionFailure("16 bytes are a recipient")
        }
        return recipient
    }

    static let limits = LeaseLimits(
        defaultLifetime: .days(2), maximumLifetime: .days(30), leasesPerAddress: 1000, leasesPerSubject: 1000,
        leasesPerSubjectAndAddress: 1000, leasesPerSubjectAndDay: 1000, bytesPerSubject: nil)

    static func terms(
        owner: Int? = nil, subject: String = "somebody", lifetime: Lifetime? = nil, recipients: Int? = nil,
        receipts: [Int] = []
    ) -> LeaseTerms {
        LeaseTerms(
            lifetime: lifetime, recipients: recipients, owner: owner.map(secret), receipts: receipts.map(secret),
            subject: subject)
    }

    /// An upload of 5000 bytes.
    static func upload(
        _ number: Int, _ terms: LeaseTerms, size: Int64 = 5000, limits: LeaseLimits = limits, fileSize: Int64? = nil
    ) -> CommitUpload {
        CommitUpload(address: address(number), size: size, terms: terms, limits: limits, bytes: .file(fileSize))
    }
}

extension MemoryCatalog {
    /// Makes a change that is not refused.
    @discardableResult
    mutating func made<Change: CatalogChange>(
        _ change: Change, at seconds: Int64
    ) throws(StoreError) -> Change.Outcome {
        try make(change, at: Timestamp(seconds: seconds)).get()
    }

    func blob(_ number: Int) -> BlobRow? { blobs[Sample.address(number)] }

    /// The lease of an owner.
    func lease(_ number: Int, owner: Int) -> LeaseRow? {
        leases.values.first { $0.row.address == Sample.address(number) && $0.row.owner == Sample.secret(owner) }?.row
    }

    /// Whether what is kept is what counting finds.
    var isConsistent: Bool { sums == recount && usages == owed }
}
