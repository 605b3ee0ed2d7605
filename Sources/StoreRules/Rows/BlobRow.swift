package import Blobs

/// What the catalog holds of an address.
package enum BlobState: Int, Sendable {
    /// The file is there with the right size.
    case held = 1
    /// Its removal has begun and will be finished, come what may.
    case removing = 2
    /// What was on disk was not the blob; new bytes heal it.
    case damaged = 3
    /// A tombstone: nothing is on disk.
    case gone = 4

    /// Whether a file at the blob's place is accounted for by a row in this state.
    package var ownsFile: Bool { self != .gone }
}

/// What is known of a blob's bytes beside its row.
package enum StoredBytes: Sendable, Hashable {
    /// They are as the row says, as far as anybody has noticed: for a store whose bytes go only behind their row.
    case asRecorded
    /// So many are at the blob's place, seen under the lock of the address; nil where there is no file.
    case file(Int64?)

    /// Whether they can be those of a row that says that there are `size`.
    func agree(with size: Int64) -> Bool {
        switch self {
        case .asRecorded: true
        case .file(let found): found == size
        }
    }
}

/// The row of one address.
package struct BlobRow: Sendable, Hashable {
    package let address: BlobAddress
    /// Bytes of the blob.
    package var size: Int64
    package var state: BlobState
    /// When its bytes came.
    package var uploaded: Timestamp
    /// Leases that have not been ended, those without an alias; some may be over by time already.
    package var leases: Int
    /// Leases that have not been ended, those with an alias: they keep the bytes and show nobody the address.
    package var aliased: Int
    /// The latest end of those leases; nil where there are none.
    package var sunset: Timestamp?
    /// Why the last lease ended or, while one lives, why the last of them will; nil for its time being up.
    package var reason: EndReason?
    /// When the last of the leases that showed it ended; of a tombstone that nobody was ever shown, or that is not
    /// remembered any more, when the file went. Nil while such a lease is left.
    package var ended: Timestamp?

    package init(
        address: BlobAddress, size: Int64, state: BlobState, uploaded: Timestamp, leases: Int = 0, aliased: Int = 0,
        sunset: Timestamp? = nil, reason: EndReason? = nil, ended: Timestamp? = nil
    ) {
        self.address = address
        self.size = size
        self.state = state
        self.uploaded = uploaded
        self.leases = leases
        self.aliased = aliased
        self.sunset = sunset
        self.reason = reason
        self.ended = ended
    }

    /// Whether nobody may learn of the blob by its address: only leases with aliases hold it or have held it, for as long
    /// as anything else is remembered.
    package var isHidden: Bool { sunset == nil && reason == nil }

    /// The row once it is forgotten that it was ever shown by its address.
    var hidden: BlobRow {
        var row = self
        row.reason = nil
        if state != .gone { row.ended = nil }
        return row
    }

    /// Why the blob may not be served by its address at `now`; nil while a lease shows it.
    package func end(at now: Timestamp) -> EndReason? {
        guard state == .held || state == .damaged else { return reason ?? .expired }
        guard let sunset else { return reason ?? .expired }
        return sunset > now ? nil : reason ?? .expired
    }

    /// Whether what was said of this blob at `now` or before may be wrong before the end that was told with it, where its
    /// row is `current` next; nil where there is none. What was over by then was not to be believed any longer.
    package func isShortened(to current: BlobRow?, at now: Timestamp) -> Bool {
        guard state == .held, let sunset, sunset > now else { return false }
        guard let current, current.state == .held, let next = current.sunset else { return true }
        return next < sunset
    }

    /// Whether nobody holds it any more and its removal has not begun.
    package var isUnheld: Bool { leases == 0 && aliased == 0 && (state == .held || state == .damaged) }
}

/// Whom a lease belongs to: whoever knows the owner's secret, or without one whoever is charged.
package enum LeaseHolder: Hashable, Sendable {
    case owner(SecretHash)
    case subject(String)
}

/// The name of a lease. What ends stays ended under its owner's name; a subject's name is free again.
package struct LeaseKey: Hashable, Sendable {
    package let address: BlobAddress
    package let holder: LeaseHolder

    package init(address: BlobAddress, holder: LeaseHolder) {
        self.address = address
        self.holder = holder
    }

    /// The lease on `address` that `terms` name.
    package init(_ address: BlobAddress, _ terms: LeaseTerms) {
        self.init(address: address, holder: terms.owner.map { .owner($0) } ?? .subject(terms.subject))
    }
}

/// One lease as the catalog keeps it.
package struct LeaseRow: Sendable, Hashable {
    package let address: BlobAddress
    package let owner: SecretHash?
    /// Who is charged; nil once the lease has ended.
    package var subject: String?
    package let created: Timestamp
    package var expires: Timestamp
    /// The longest that it may last from any moment on.
    package let limit: Lifetime
    package let recipients: Int?
    /// How many secrets may say "delivered".
    package let hashes: Int
    /// When the last recipient expected had said so; nil until then.
    package var delivered: Timestamp?
    /// What its alias is for (`LeaseAlias.via`); nil for a lease that shows its blob by address.
    package let via: String?
    /// When it was ended, and why; nil where it was not, though its time may be up.
    package var ended: Timestamp?
    package var reason: EndReason?

    package init(
        address: BlobAddress, owner: SecretHash?, subject: String?, created: Timestamp, expires: Timestamp,
        limit: Lifetime, recipients: Int?, hashes: Int, delivered: Timestamp? = nil, via: String? = nil,
        ended: Timestamp? = nil, reason: EndReason? = nil
    ) {
        self.address = address
        self.owner = owner
        self.subject = subject
        self.created = created
        self.expires = expires
        self.limit = limit
        self.recipients = recipients
        self.hashes = hashes
        self.delivered = delivered
        self.via = via
        self.ended = ended
        self.reason = reason
    }

    /// What the lease is called; nil for one that has ended and had no owner.
    package var key: LeaseKey? {
        let holder = owner.map { LeaseHolder.owner($0) } ?? subject.map { .subject($0) }
        return holder.map { LeaseKey(address: address, holder: $0) }
    }

    /// Whether its time is up before that of `other`; of two that are over at once, the one that everybody had is later.
    package func isOver(before other: LeaseRow) -> Bool {
        if expires != other.expires { return expires < other.expires }
        guard let later = other.delivered else { return false }
        return delivered.map { $0 < later } ?? true
    }

    /// Why the lease holds nothing at `now`; nil while it does.
    package func end(at now: Timestamp) -> EndReason? {
        if let reason { return reason }
        if expires > now { return nil }
        return delivered == nil ? .expired : .delivered
    }
}

/// The leases that a subject has made within a day, those that have ended included: what ends is remembered for a while,
/// so making and ending leases without end would cost the catalog as much as holding them.
package struct LeaseDay: Sendable, Hashable {
    /// A day begins with the first lease that is made after the one before is over.
    package static let length = Lifetime.days(1)

    package var began: Timestamp
    package var made: Int

    package init(began: Timestamp, made: Int = 0) {
        self.began = began
        self.made = made
    }

    package var end: Timestamp { began.advanced(by: Self.length) }

    /// Days that began before this moment are over by `now`.
    package static func lastBegin(overBy now: Timestamp) -> Timestamp {
        let (seconds, overflow) = now.seconds.subtractingReportingOverflow(length.seconds)
        return Timestamp(seconds: overflow ? .min : seconds)
    }
}

/// What a subject holds.
package struct Usage: Sendable, Hashable {
    package var leases: Int
    /// The sum of max(size, 4096) over its leases.
    package var bytes: Int64

    package init(leases: Int = 0, bytes: Int64 = 0) {
        self.leases = leases
        self.bytes = bytes
    }

    /// Bytes that one lease on `size` bytes costs its subject.
    package static func bytes(for size: Int64) -> Int64 { max(size, 4096) }

    /// What both come to. The bytes of a store stay far from the end of the numbers.
    package static func + (left: Usage, right: Usage) -> Usage {
        Usage(leases: left.leases + right.leases, bytes: left.bytes + right.bytes)
    }
}
