import Blobs

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

    /// The places of the leases on an address that have not been ended, oldest first.
    mutating func openLeases(on address: BlobAddress) -> [Int] {
        (finds.row(.leases(on: address)) ?? []).filter { leases[$0].map { $0.ended == nil } ?? false }
    }

    // MARK: Coming

    /// Notes that the file of `address` is in place, whole and synced.
    mutating func hold(_ address: BlobAddress, size: Int64) {
        guard var blob = blobs.row(address) else {
            return blobs.set(BlobRow(address: address, size: size, state: .held, uploaded: now), for: address)
        }
        if blob.state != .held { blob.uploaded = now }
        blob.state = .held
        blob.size = size
        blob.ended = nil
        blobs.set(blob, for: address)
    }

    /// Makes a lease on a blob that is held, and charges it.
    mutating func add(_ lease: LeaseRow, for key: LeaseKey, receipts: [SecretHash]) {
        guard var blob = blobs.row(lease.address) else { return }
        let place = leases.add(lease, for: key)
        if !receipts.isEmpty { receiptHashes.set(receipts, for: place) }
        if let others = finds.peek(.leases(on: lease.address)) {
            finds.set(others + [place], for: .leases(on: lease.address))
        }
        if let subject = lease.subject { charge(subject, Usage(leases: 1, bytes: Usage.bytes(for: blob.size))) }
        // What going through all of its leases would find.
        blob.leases += 1
        if lease.expires >= blob.sunset ?? lease.expires {
            blob.sunset = lease.expires
            blob.reason = nil
        }
        blobs.set(blob, for: lease.address)
    }

    private mutating func charge(_ subject: String, _ usage: Usage) {
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
        blob.leases -= 1
        if blob.leases <= 0 {
            blob.leases = 0
            blob.sunset = nil
            blob.reason = reason
        }
        blobs.set(blob, for: lease.address)
    }

    /// Ends the leases on `address` whose time is up, soonest over first, so that the reason that a blob is gone is always
    /// that of the lease that ended last.
    mutating func endDueLeases(on address: BlobAddress) {
        for place in sortedByEnd(openLeases(on: address)) {
            if let reason = leases[place]?.end(at: now) { end(leaseAt: place, because: reason) }
        }
    }

    /// Ends every lease on `address`; those that live by a word, for `reason`. Returns how many lived.
    mutating func endAllLeases(on address: BlobAddress, because reason: EndReason) -> Int {
        endDueLeases(on: address)
        let live = sortedByEnd(openLeases(on: address))
        for place in live { end(leaseAt: place, because: reason) }
        return live.count
    }

    /// Counts the leases of a blob anew after one has ended before others or has moved: the latest end may have been that
    /// one's.
    mutating func sumUp(_ address: BlobAddress) {
        let open = openLeases(on: address)
        guard var blob = blobs.row(address) else { return }
        blob.leases = open.count
        // Of several that are over at once, the newest.
        let last = open.compactMap { leases[$0] }.reduce(nil as LeaseRow?) { last, lease in
            last.map { $0.expires > lease.expires ? $0 : lease } ?? lease
        }
        blob.sunset = last?.expires
        if let last { blob.reason = last.delivered == nil ? nil : .delivered }
        blobs.set(blob, for: address)
    }

    private func sortedByEnd(_ places: [Int]) -> [Int] {
        // Of several that are over at once, the oldest first.
        places.enumerated().sorted { left, right in
            guard let one = leases[left.element]?.expires, let other = leases[right.element]?.expires else {
                return left.offset < right.offset
            }
            return (one, left.offset) < (other, right.offset)
        }.map(\.element)
    }
}
