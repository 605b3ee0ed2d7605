package import Blobs
package import Store

/// Judges a lease that an upload will want, before its bytes are there: throws what would refuse it. Changes nothing.
package struct AdmitLease: CatalogChange {
    /// Address and size of the blob, as far as they are known.
    package let address: BlobAddress?
    package let size: Int64?
    package let terms: LeaseTerms
    /// Bytes that the subject's other uploads will be charged.
    package let bytesUnderWay: Int64
    package let limits: LeaseLimits

    package init(
        address: BlobAddress?, size: Int64?, terms: LeaseTerms, bytesUnderWay: Int64, limits: LeaseLimits
    ) {
        self.address = address
        self.size = size
        self.terms = terms
        self.bytesUnderWay = bytesUnderWay
        self.limits = limits
    }

    package func request(on page: inout CatalogPage) {
        guard let address else { return page.usages.request(terms.subject) }
        page.requestLease(on: address, terms)
    }

    package func apply(to page: inout CatalogPage) throws(StoreError) {
        let facts = LeaseFacts(
            &page, address: address, size: size, terms: terms, bytesUnderWay: bytesUnderWay, limits: limits)
        if case .refuse(let error) = LeaseRule.decide(facts, terms: terms, limits: limits, now: page.now) {
            throw error
        }
    }
}

/// Makes a lease on a blob that is held already.
package struct AddLease: CatalogChange {
    package let address: BlobAddress
    package let terms: LeaseTerms
    package let limits: LeaseLimits
    /// Bytes of the blob's file, seen under the lock of the address; nil where there is none.
    package let fileSize: Int64?

    package init(address: BlobAddress, terms: LeaseTerms, limits: LeaseLimits, fileSize: Int64?) {
        self.address = address
        self.terms = terms
        self.limits = limits
        self.fileSize = fileSize
    }

    package func request(on page: inout CatalogPage) { page.requestLease(on: address, terms) }

    /// Throws what `find` would say: `.notFound`, `.gone`, `.damaged`; and what refuses the lease.
    package func apply(to page: inout CatalogPage) throws(StoreError) -> StoredBlob {
        _ = try LeaseRule.lifetime(terms, limits: limits)
        if page.bans.row(address) != nil { throw .banned }
        guard let blob = page.blobs.row(address) else { throw .notFound }
        if let end = blob.end(at: page.now) { throw .gone(end) }
        guard blob.state == .held, fileSize == blob.size else { throw .damaged }
        let (lease, isNew) = try page.giveLease(on: address, size: blob.size, terms, limits)
        return StoredBlob(
            address: address, size: blob.size, isNew: isNew, uploaded: lease.created, expires: lease.expires)
    }
}

/// Ends the lease of an owner as revoked; again, or after another end: no change.
package struct RevokeLease: CatalogChange {
    package let key: LeaseKey

    package init(on address: BlobAddress, owner: SecretHash) {
        key = LeaseKey(address: address, holder: .owner(owner))
    }

    package func request(on page: inout CatalogPage) { page.requestAllLeases(beside: key) }

    package func apply(to page: inout CatalogPage) {
        page.endDueLeases(on: key.address)
        if let place = page.place(ofLease: key) { page.end(leaseAt: place, because: .revoked) }
        page.sumUp(key.address)
    }
}

/// Moves the end of an owner's lease, as `RenewalRule` says; returns the lease as it is then.
package struct RenewLease: CatalogChange {
    package let key: LeaseKey
    package let lifetime: Lifetime?
    package let subject: String?
    package let standard: Lifetime

    package init(on address: BlobAddress, owner: SecretHash, lifetime: Lifetime?, subject: String?, standard: Lifetime)
    {
        key = LeaseKey(address: address, holder: .owner(owner))
        self.lifetime = lifetime
        self.subject = subject
        self.standard = standard
    }

    package func request(on page: inout CatalogPage) { page.requestAllLeases(beside: key) }

    package func apply(to page: inout CatalogPage) throws(StoreError) -> LeaseRow {
        guard let place = page.place(ofLease: key), let lease = page.leases[place] else {
            throw StoreError(strangerTo: page.blobs.row(key.address), at: page.now)
        }
        let end = try RenewalRule.end(
            of: lease, lifetime: lifetime, subject: subject, standard: standard, now: page.now)
        page.move(leaseAt: place, to: end)
        return page.leases[place] ?? lease
    }
}

/// Notes a "delivered" on every lease that admits the secret; the last one expected ends its lease after a grace.
package struct ConfirmDelivery: CatalogChange {
    package let key: DeliveryKey
    package let sharedGrace: Lifetime

    package init(_ key: DeliveryKey, sharedGrace: Lifetime) {
        self.key = key
        self.sharedGrace = sharedGrace
    }

    package func request(on page: inout CatalogPage) {
        page.blobs.request(key.address)
        page.deliveries.request(key)
    }

    /// Whether anything was new. Throws what a stranger hears where no lease admits the secret.
    package func apply(to page: inout CatalogPage) throws(StoreError) -> Bool {
        let deliveries = page.deliveries(key)
        if deliveries.isEmpty { throw StoreError(strangerTo: page.blobs.row(key.address), at: page.now) }
        var isNew = false
        for (place, facts) in deliveries {
            let decision = DeliveryRule.decide(facts, sharedGrace: sharedGrace, now: page.now)
            if decision == .pass { continue }
            isNew = true
            page.note(key, ofLeaseAt: place)
            // Only here another of the blob's leases may turn out to be its last.
            if case .complete(let end) = decision { page.move(leaseAt: place, to: end, isDelivered: true) }
        }
        return isNew
    }
}

extension CatalogPage {
    /// Asks for what has to be known before a lease is given.
    mutating func requestLease(on address: BlobAddress, _ terms: LeaseTerms) {
        request(lease: LeaseKey(address, terms))
        bans.request(address)
        usages.request(terms.subject)
    }

    /// Asks for a lease and for all others on its blob, one of which may turn out to be the last.
    fileprivate mutating func requestAllLeases(beside key: LeaseKey) {
        request(lease: key)
        finds.request(.leases(on: key.address))
    }

    /// Notes that the blob is held, and gives the lease that `terms` ask for: a new one, or the one that is there.
    mutating func giveLease(
        on address: BlobAddress, size: Int64, _ terms: LeaseTerms, _ limits: LeaseLimits
    ) throws(StoreError) -> (lease: LeaseRow, isNew: Bool) {
        let facts = LeaseFacts(&self, address: address, size: size, terms: terms, limits: limits)
        let key = LeaseKey(address, terms)
        hold(address, size: size)
        switch LeaseRule.decide(facts, terms: terms, limits: limits, now: now) {
        case .refuse(let error): throw error
        case .keep(let lease): return (lease, false)
        case .add(let former):
            // It is over by now, and the one that follows is not.
            if let end = former?.end(at: now), let place = place(ofLease: key) {
                self.end(leaseAt: place, because: end)
            }
            let lease = LeaseRow(
                address: address, owner: terms.owner, subject: terms.subject, created: now,
                expires: now.advanced(by: try LeaseRule.lifetime(terms, limits: limits)),
                limit: LeaseRule.longestLifetime(terms, limits: limits), recipients: terms.recipients,
                hashes: terms.receipts.count)
            guard Set(terms.receipts).count == terms.receipts.count else {
                throw .io("a lease cannot admit the same secret twice")
            }
            add(lease, for: key, receipts: terms.receipts)
            return (lease, true)
        }
    }
}
