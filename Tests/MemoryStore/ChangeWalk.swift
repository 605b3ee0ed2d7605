package import Blobs
package import Store
package import StoreRules
import TestSupport

/// One change, to be made on two catalogs.
package struct WalkStep {
    package let change: any CatalogChange
    /// Whether it is undone, as where the disk refuses what comes behind it.
    package let isUndone: Bool
}

extension CatalogTransaction {
    /// What a change comes to on this catalog, in words.
    package func outcome(
        of change: some CatalogChange, on page: inout CatalogPage
    ) throws(Failure) -> String {
        "\(try apply(change, to: &page))"
    }
}

/// Batches of changes by chance, on few blobs, owners and subjects, so that they meet.
package struct ChangeWalk {
    package static let subjects = ["anna", "bert", "carl"]
    package static let uploads = (0..<4).map { number in
        guard let id = UploadID(bytes: address(number + 500).bytes.prefix(UploadID.byteCount)) else {
            preconditionFailure("16 bytes are an id")
        }
        return id
    }
    package static let aliases = (0..<12).map { AliasName(hashing: address($0 + 600).bytes) }
    package static let limits = LeaseLimits(
        defaultLifetime: .days(2), maximumLifetime: .days(3), leasesPerAddress: 6, leasesPerSubject: 12,
        leasesPerSubjectAndAddress: 3, leasesPerSubjectAndDay: 25, bytesPerSubject: 60_000)

    private var random: SeededGenerator
    private var now = Timestamp(seconds: 1_000_000)
    /// Whether the catalog keeps sightings of files without a row.
    private let keepsSightings: Bool

    package init(seed: UInt64, keepsSightings: Bool = true) {
        random = SeededGenerator(seed: seed)
        self.keepsSightings = keepsSightings
    }

    package static func address(_ number: Int) -> BlobAddress {
        var hasher = BlobHasher()
        hasher.update(Array("blob \(number)".utf8))
        return hasher.address()
    }

    package static func secret(_ number: Int) -> SecretHash {
        guard let hash = SecretHash(bytes: address(number &+ 1_000_000).bytes) else {
            preconditionFailure("32 bytes are a hash")
        }
        return hash
    }

    package static func recipient(_ number: Int) -> Recipient {
        guard let recipient = Recipient(bytes: address(number &+ 2_000_000).bytes.prefix(Recipient.byteCount)) else {
            preconditionFailure("16 bytes are a recipient")
        }
        return recipient
    }

    /// What a catalog keeps of an upload, in words.
    package static func describe(_ upload: ResumableUpload) -> String {
        let state =
            switch upload.state {
            case .open: "open"
            case .committed(let blob): "\(blob.address) \(blob.size) \(blob.isNews) \(blob.uploaded) \(blob.expires)"
            case .refused(let error): "\(error)"
            }
        return "\(upload.id.hex) \(state) \(upload.length ?? -1) \(upload.offset) \(upload.expires) "
            + "\(upload.announcement.address?.hex ?? "-") \(upload.announcement.terms)"
    }

    private mutating func number(below count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

    /// Some changes, and when they happen.
    package mutating func batch() -> (now: Timestamp, steps: [WalkStep]) {
        now.seconds += Int64(number(below: 4) == 0 ? number(below: 150_000) : number(below: 2000))
        return (now, (0...number(below: 24)).map { _ in step() })
    }

    private mutating func step() -> WalkStep {
        let isUndone = number(below: 12) == 0
        return WalkStep(change: change(), isUndone: isUndone)
    }

    private mutating func change() -> any CatalogChange {
        let address = Self.address(number(below: 5))
        let owner = Self.secret(number(below: 6))
        switch number(below: 40) {
        case 0..<10:
            return CommitUpload(
                address: address, size: 5000, terms: terms(), limits: Self.limits,
                bytes: .file(number(below: 2) == 0 ? 5000 : nil))
        case 10..<13:
            return AddLease(address: address, terms: terms(), limits: Self.limits, bytes: .file(5000))
        case 13..<16: return RevokeLease(on: address, owner: owner)
        case 16..<19:
            let terms = RenewalTerms(lifetime: number(below: 3) == 0 ? nil : lifetime())
            return RenewLease(on: address, owner: owner, terms: terms, standard: .days(2))
        case 19..<25:
            return ConfirmDelivery(
                DeliveryKey(
                    address: address, hash: Self.secret(10 + number(below: 12)),
                    recipient: Self.recipient(number(below: 3))), sharedGrace: .minutes(60))
        case 28 where number(below: 2) == 0:
            return EndLeasesOfSubject(Self.subjects[number(below: 3)], limit: 1 + number(below: 6))
        case 25: return TakeDownBlob(address, banning: number(below: 2) == 0)
        case 26, 27: return LiftBan(address)
        case 28: return MarkDamaged(address)
        default: return upkeep(address)
        }
    }

    private mutating func upkeep(_ address: BlobAddress) -> any CatalogChange {
        let id = Self.uploads[number(below: Self.uploads.count)]
        switch number(below: 12) {
        case 0: return EndDueLeases(limit: 1 + number(below: 100))
        case 1: return MarkForRemoval((0..<5).map(Self.address))
        case 2: return FinishRemovals((0..<5).map(Self.address))
        case 3 where number(below: 2) == 0: return DropIdleSubjects(overBy: now, limit: 10)
        case 3: return DropForgotten(endedBefore: Timestamp(seconds: now.seconds - 20_000), limit: 1000)
        case 4 where keepsSightings:
            return SightOrphans([address, Self.address(77)], pass: Int64(number(below: 3)))
        case 5 where keepsSightings: return DropOldSightings(notOf: Int64(number(below: 3)), limit: 100)
        case 4, 5: return NoChange()
        case 6: return DropUpload(id: id)
        case 7: return AdvanceUpload(id: id, offset: Int64(number(below: 5000)), length: 5000, lifetime: .days(1))
        case 8: return RefuseUpload(id: id, of: Self.subjects[1], because: .banned, lifetime: .days(1))
        case 9:
            return CommitUpload(
                address: address, size: 5000, terms: terms(), limits: Self.limits, bytes: .file(nil),
                resumable: (id, .days(1)))
        case 10:
            return RecordPass(ClockReading(wall: now, monotonicSeconds: Int64(number(below: 9)), boot: "c"))
        default:
            var terms = terms()
            // Uploads that outlive their requests have neither.
            (terms.alias, terms.isShared) = (nil, false)
            return DropThenCreateUpload(
                id: id, announcement: UploadAnnouncement(size: nil, address: address, terms: terms))
        }
    }

    private mutating func lifetime() -> Lifetime? { Lifetime(seconds: Int64(1 + number(below: 250_000))) }

    private mutating func terms() -> LeaseTerms {
        let hashes = number(below: 3)
        // Some of them are taken on the blob already.
        let first = 10 + number(below: 12)
        let alias = number(below: 3) == 0 ? Self.aliases[number(below: Self.aliases.count)] : nil
        let owner = number(below: 3) == 0 ? nil : Self.secret(number(below: 6))
        return LeaseTerms(
            lifetime: number(below: 2) == 0 ? nil : lifetime(), recipients: hashes > 1 ? hashes : 1 + number(below: 3),
            owner: alias.flatMap { SecretHash(bytes: $0.bytes) } ?? owner,
            receipts: (0..<hashes).map { Self.secret(first + $0) }, subject: Self.subjects[number(below: 3)],
            isShared: number(below: 5) == 0, alias: alias.map { LeaseAlias(name: $0, via: "chat") })
    }
}

/// A new upload under an id that may have been used: nothing of a store's does that.
private struct DropThenCreateUpload: CatalogChange {
    let id: UploadID
    let announcement: UploadAnnouncement

    func request(on page: inout CatalogPage) {
        DropUpload(id: id).request(on: &page)
        creation.request(on: &page)
    }

    func apply(to page: inout CatalogPage) -> Timestamp {
        DropUpload(id: id).apply(to: &page)
        return creation.apply(to: &page)
    }

    private var creation: CreateUpload {
        CreateUpload(id: id, announcement: announcement, lifetime: .days(1))
    }
}
