package import Blobs

/// What can happen to a lease, and what follows for its blob and for whoever is charged.
extension CatalogPage {
    // MARK: Looking

    /// Asks for what is known of one lease and its blob.
    mutating func request(lease key: LeaseKey) {
        blobs.request(key.address)
        leases.request(key)
    }

    /// The place of the lease of this name: of an owner live or ended, of a subject only one that has not been ended.
    mutating func place(ofLease key: LeaseKey) -> Int? {
        guard let place = leases.place(key), let lease = leases[place] else { return nil }
        if case .subject = key.holder, lease.ended != nil { return nil }
        return place
    }

    /// What a subject holds by now.
    mutating func usage(of subject: String) -> Usage {
        (usages.row(subject) ?? Usage()) + (charges.peek(subject) ?? Usage())
    }

    /// What a subject has made today; nil where that is nothing.
    mutating func day(of subject: String) -> LeaseDay? {
        // Loaded with what it holds.
        _ = usages.row(subject)
        return days.peek(subject).flatMap { $0.end > now ? $0 : nil }
    }

    /// The leases of a subject on an address by now.
    mutating func share(of subject: String, on address: BlobAddress) -> LeaseShare {
        var share = shares.row(LeaseShareKey(address: address, subject: subject)) ?? LeaseShare()
        // One that has been ended has no subject.
        for entry in leases.entries where entry.key.address == address {
            if entry.stored?.subject == subject && entry.stored?.via == nil { share.leases -= 1 }
            guard let lease = entry.current, lease.subject == subject, lease.via == nil else { continue }
            share.leases += 1
            share.nextEnd = min(share.nextEnd ?? lease.expires, lease.expires)
        }
        return share
    }

    /// When the next lease of somebody, or on something, is over: of those that are stored and those made since.
    mutating func nextEnd(_ key: NextEndKey) -> Timestamp? {
        var next = nextEnds.row(key)
        for lease in leases.added.compactMap({ leases[$0] }) where lease.ended == nil {
            let counts =
                switch key {
                case .subject(let subject): lease.subject == subject
                case .address(let address): lease.address == address && lease.via == nil
                }
            if counts { next = min(next ?? lease.expires, lease.expires) }
        }
        return next
    }

    /// Asks for the last of the leases on an address, from which follows when its blob goes.
    mutating func requestLastLease(on address: BlobAddress) {
        finds.request(.leases(on: address, .last(Self.lastLeases)))
    }

    /// Asks for what has to be known before a lease on an address is ended by a word.
    mutating func requestEnds(on address: BlobAddress) {
        blobs.request(address)
        finds.request(.leases(on: address, .due))
        requestLastLease(on: address)
    }

    /// How many leases are asked for first, to find the last one: the one that moves or ends, and the one behind it.
    private static let lastLeases = 2

    /// The lease on an address that is over last, of those without an alias that have not been ended. However many there are, no more are
    /// loaded than have moved or ended on this page, but for a few.
    private mutating func lastLease(on address: BlobAddress) -> LeaseRow? {
        var limit = Self.lastLeases
        while let found = finds.row(.leases(on: address, .last(limit))) {
            let open = leases.entries.compactMap(\.current).filter {
                $0.address == address && $0.ended == nil && $0.via == nil
            }
            let last = open.max { $0.isOver(before: $1) }
            guard found.count == limit, let place = found.last, let bound = leases.entries[place].stored else {
                return last
            }
            // Those that were not loaded are over no later than the last of those that were.
            if let last, !last.isOver(before: bound) { return last }
            limit *= 8
        }
        return nil
    }

    // MARK: Coming

    /// Whether a blob is held with so many bytes.
    mutating func holds(_ address: BlobAddress, size: Int64, _ bytes: StoredBytes) -> Bool {
        guard let blob = blobs.row(address) else { return false }
        return blob.state == .held && blob.size == size && bytes.agree(with: size)
    }

    /// Notes that the bytes of `address` are in place, whole and durable.
    mutating func hold(_ address: BlobAddress, size: Int64) {
        guard var blob = blobs.row(address) else {
            return blobs.set(BlobRow(address: address, size: size, state: .held, uploaded: now), for: address)
        }
        if blob.state != .held { blob.uploaded = now }
        blob.state = .held
        blob.size = size
        if blob.isHidden { blob.ended = nil }
        blobs.set(blob, for: address)
    }

    /// Makes a lease on a blob that is held, and charges it; one of that name whose time is up is ended before.
    mutating func add(_ lease: LeaseRow, receipts: [SecretHash], alias: AliasName? = nil) {
        guard let key = lease.key else { preconditionFailure("a lease that lives has an owner or a subject") }
        if let former = place(ofLease: key), let reason = leases[former]?.end(at: now) {
            end(leaseAt: former, because: reason)
        }
        guard var blob = blobs.row(lease.address) else { return }
        let place = leases.add(lease, for: key)
        if let alias { aliases.set(place, for: alias) }
        for hash in receipts { receiptHashes.set(place, for: ReceiptHashKey(lease.address, hash)) }
        if let others = finds.peek(.leases(on: lease.address, .all)) {
            finds.set(others + [place], for: .leases(on: lease.address, .all))
        }
        if let subject = lease.subject {
            charge(subject, Usage(leases: 1, bytes: Usage.bytes(for: blob.size)))
            countMade(by: subject)
        }
        // What going through all of its leases would find.
        if lease.via != nil {
            blob.aliased += 1
            return blobs.set(blob, for: lease.address)
        }
        blob.leases += 1
        blob.ended = nil
        if blob.sunset.map({ lease.expires > $0 }) ?? true {
            blob.sunset = lease.expires
            blob.reason = nil
        }
        blobs.set(blob, for: lease.address)
    }

    /// Counts a lease of `subject`, or an upload of its that left a row and no lease.
    mutating func countMade(by subject: String) {
        var day = day(of: subject) ?? LeaseDay(began: now)
        day.made += 1
        days.set(day, for: subject)
        // A day is stored with what its subject is charged.
        charge(subject, Usage())
    }

    mutating func charge(_ subject: String, _ usage: Usage) {
        charges.set((charges.peek(subject) ?? Usage()) + usage, for: subject)
    }

    // MARK: Moving

    /// Moves the end of a lease that lives.
    mutating func move(leaseAt place: Int, to expires: Timestamp, isDelivered: Bool = false) {
        guard var lease = leases[place] else { return }
        lease.expires = expires
        if isDelivered { lease.delivered = now }
        leases.set(lease, at: place)
        sumUp(lease.address)
    }

    // MARK: Ending

    /// Ends the lease at `place`: it keeps its row, but not who was charged. The blob's latest end stays what it was while
    /// others hold it: right where the one that ends is over no later than they are. No change to one that has ended.
    mutating func end(leaseAt place: Int, because reason: EndReason) {
        guard var lease = leases[place], lease.ended == nil, var blob = blobs.row(lease.address) else { return }
        if let subject = lease.subject { charge(subject, Usage(leases: -1, bytes: -Usage.bytes(for: blob.size))) }
        lease.subject = nil
        lease.ended = now
        lease.reason = reason
        leases.set(lease, at: place)
        if lease.via != nil {
            blob.aliased = max(blob.aliased - 1, 0)
            return blobs.set(blob, for: lease.address)
        }
        blob.leases -= 1
        if blob.leases <= 0 {
            blob.leases = 0
            blob.sunset = nil
            blob.ended = now
            // Of several that are over by time at once the blob knows the reason already, in whatever order they end.
            let isByTime = reason == .expired || reason == .delivered
            blob.reason = isByTime ? blob.reason ?? .expired : reason
        }
        blobs.set(blob, for: lease.address)
    }

    /// Ends the leases on `address` whose time is up: before one is ended by a word, so that the reason that a blob is gone
    /// is always that of the lease that ended last.
    mutating func endDueLeases(on address: BlobAddress) {
        for place in finds.row(.leases(on: address, .due)) ?? [] {
            if let reason = leases[place]?.end(at: now) { end(leaseAt: place, because: reason) }
        }
    }

    /// Ends every lease on `address`: those whose time is up first, then those that live, for `reason`. Returns how many
    /// lived.
    mutating func endAllLeases(on address: BlobAddress, because reason: EndReason) -> Int {
        let places = finds.row(.leases(on: address, .all)) ?? []
        for place in places { if let due = leases[place]?.end(at: now) { end(leaseAt: place, because: due) } }
        let live = places.filter { leases[$0].map { $0.ended == nil } ?? false }
        for place in live { end(leaseAt: place, because: reason) }
        return live.count
    }

    /// Sets when the last lease that shows a blob is over, and why it will be, after one has ended before others or has moved: the
    /// latest end may have been that one's.
    mutating func sumUp(_ address: BlobAddress) {
        let last = lastLease(on: address)
        guard var blob = blobs.row(address) else { return }
        blob.sunset = last?.expires
        if let last { blob.reason = last.delivered == nil ? nil : .delivered }
        blobs.set(blob, for: address)
    }
}

/// The hash of a receipt secret on a blob: it names one lease there for as long as that is remembered.
package struct ReceiptHashKey: Hashable, Sendable {
    package let address: BlobAddress
    package let hash: SecretHash

    package init(_ address: BlobAddress, _ hash: SecretHash) {
        self.address = address
        self.hash = hash
    }
}

/// Who says "delivered", with which secret, of which blob.
package struct DeliveryKey: Hashable, Sendable {
    package let address: BlobAddress
    package let hash: SecretHash
    package let recipient: Recipient

    package init(address: BlobAddress, hash: SecretHash, recipient: Recipient) {
        self.address = address
        self.hash = hash
        self.recipient = recipient
    }
}

/// What is stored of "delivered" for the lease that admits a secret.
package struct StoredDelivery: Hashable, Sendable {
    /// The place of the lease.
    package let lease: Int
    /// How many have said so.
    package let received: Int
    /// Whether this secret has, in anybody's name, and in the name of this recipient.
    package let isKnownSecret: Bool
    package let isKnownRecipient: Bool

    package init(lease: Int, received: Int, isKnownSecret: Bool, isKnownRecipient: Bool) {
        self.lease = lease
        self.received = received
        self.isKnownSecret = isKnownSecret
        self.isKnownRecipient = isKnownRecipient
    }
}

/// One "delivered" of a lease.
package struct ReceiptKey: Hashable, Sendable {
    /// The place of the lease.
    package let lease: Int
    package let hash: SecretHash
    package let recipient: Recipient
}

extension CatalogPage {
    /// The facts for the lease that admits the secret, with its place; nil where none does.
    mutating func delivery(_ key: DeliveryKey) -> (place: Int, facts: DeliveryFacts)? {
        guard let stored = deliveries.row(key), let lease = leases[stored.lease] else { return nil }
        let new = receipts.changed.filter { $0.key.lease == stored.lease && $0.current != nil }
        let counting = DeliveryCounting(hashes: lease.hashes, recipients: lease.recipients) ?? .nobody
        let isKnown =
            if case .shared = counting {
                stored.isKnownRecipient
                    || new.contains { $0.key.hash == key.hash && $0.key.recipient == key.recipient }
            } else {
                stored.isKnownSecret || new.contains { $0.key.hash == key.hash }
            }
        let facts = DeliveryFacts(
            lease: lease, counting: counting, received: stored.received + new.count, isKnown: isKnown)
        return (stored.lease, facts)
    }

    /// Notes a "delivered" of the lease at `place`.
    mutating func note(_ key: DeliveryKey, ofLeaseAt place: Int) {
        receipts.set(now, for: ReceiptKey(lease: place, hash: key.hash, recipient: key.recipient))
    }
}
