package import Blobs
package import Store

/// Judges a lease that an upload will want, before its bytes are there: throws what would refuse it. Changes nothing.
///
/// An upload over several requests leaves a row even where the lease is there already, so it is one of those that its
/// subject may make in a day.
package struct AdmitLease: CatalogChange {
    /// Address and size of the blob, as far as they are known.
    package let address: BlobAddress?
    package let size: Int64?
    package let terms: LeaseTerms
    /// Bytes that the subject's other uploads will be charged.
    package let bytesUnderWay: Int64
    /// For an upload over several requests: how many of its subject's are under way. Nil for one in a single request.
    package let uploadsUnderWay: Int?
    /// The upload itself, where it outlives its requests and is there already.
    package let resumed: UploadID?
    package let limits: LeaseLimits

    package init(
        address: BlobAddress?, size: Int64?, terms: LeaseTerms, bytesUnderWay: Int64, uploadsUnderWay: Int? = nil,
        resumed: UploadID? = nil, limits: LeaseLimits
    ) {
        self.address = address
        self.size = size
        self.terms = terms
        self.bytesUnderWay = bytesUnderWay
        self.uploadsUnderWay = uploadsUnderWay
        self.resumed = resumed
        self.limits = limits
    }

    package func request(on page: inout CatalogPage) {
        if let resumed { page.uploads.request(resumed) }
        if let address { return page.requestLease(on: address, terms) }
        page.usages.request(terms.subject)
        if let alias = terms.alias { page.aliases.request(alias.name) }
    }

    package func apply(to page: inout CatalogPage) throws(StoreError) {
        let rule = LeaseRule(
            &page, address: address, size: size, terms: terms, bytesUnderWay: bytesUnderWay, committing: resumed,
            limits: limits)
        _ = try rule.liveLease(now: page.now)
        if let uploadsUnderWay {
            try limits.limits(for: terms).checkMade(
                page.day(of: terms.subject), underWay: uploadsUnderWay, now: page.now)
        }
    }
}

/// Makes a lease on a blob that is held already.
package struct AddLease: CatalogChange {
    package let address: BlobAddress
    package let terms: LeaseTerms
    /// Bytes of the subject's quota that uploads have reserved.
    package let bytesUnderWay: Int64
    package let limits: LeaseLimits
    /// What is known of the bytes that are held.
    package let bytes: StoredBytes

    package init(
        address: BlobAddress, terms: LeaseTerms, bytesUnderWay: Int64 = 0, limits: LeaseLimits, bytes: StoredBytes
    ) {
        self.address = address
        self.terms = terms
        self.bytesUnderWay = bytesUnderWay
        self.limits = limits
        self.bytes = bytes
    }

    package func request(on page: inout CatalogPage) { page.requestLease(on: address, terms) }

    /// Throws what `find` would say: `.notFound`, `.gone`, `.damaged`; and what refuses the lease.
    package func apply(to page: inout CatalogPage) throws(StoreError) -> StoredBlob {
        _ = try limits.lifetime(for: terms)
        if page.bans.row(address) != nil { throw .banned }
        guard let blob = page.blobs.row(address), !blob.isHidden else { throw .notFound }
        if let end = blob.end(at: page.now) { throw .gone(end) }
        guard blob.state == .held, bytes.agree(with: blob.size) else { throw .damaged }
        let (lease, isNew) = try page.giveLease(
            on: address, size: blob.size, terms, bytesUnderWay: bytesUnderWay, limits)
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

    package func request(on page: inout CatalogPage) {
        page.request(lease: key)
        page.requestEnds(on: key.address)
    }

    package func apply(to page: inout CatalogPage) {
        page.endDueLeases(on: key.address)
        if let place = page.place(ofLease: key) { page.end(leaseAt: place, because: .revoked) }
        page.sumUp(key.address)
    }
}

/// Moves the end of an owner's lease, as `RenewalRule` says; returns the lease as it is then.
package struct RenewLease: CatalogChange {
    package let key: LeaseKey
    package let terms: RenewalTerms
    package let standard: Lifetime

    package init(on address: BlobAddress, owner: SecretHash, terms: RenewalTerms, standard: Lifetime) {
        key = LeaseKey(address: address, holder: .owner(owner))
        self.terms = terms
        self.standard = standard
    }

    package func request(on page: inout CatalogPage) {
        page.request(lease: key)
        page.requestLastLease(on: key.address)
    }

    package func apply(to page: inout CatalogPage) throws(StoreError) -> LeaseRow {
        let blob = page.blobs.row(key.address)
        guard let blob, let place = page.place(ofLease: key), let lease = page.leases[place] else {
            throw StoreError(strangerTo: blob, at: page.now)
        }
        let end = try RenewalRule.end(of: lease, size: blob.size, terms: terms, standard: standard, now: page.now)
        page.move(leaseAt: place, to: end)
        return page.leases[place] ?? lease
    }
}

/// Notes a "delivered" on the lease that admits the secret; the last one expected ends its lease after a grace. However
/// many leases there are on the blob, it looks at a few.
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
        page.requestLastLease(on: key.address)
    }

    /// What was done about it. Throws what a stranger hears where no lease admits the secret.
    package func apply(to page: inout CatalogPage) throws(StoreError) -> DeliveryDecision {
        guard let (place, facts) = page.delivery(key) else {
            throw StoreError(strangerTo: page.blobs.row(key.address), at: page.now)
        }
        let decision = DeliveryRule.decide(facts, sharedGrace: sharedGrace, now: page.now)
        if decision == .pass { return .pass }
        page.note(key, ofLeaseAt: place)
        // Only here another of the blob's leases may turn out to be its last.
        if case .complete(let end) = decision { page.move(leaseAt: place, to: end, isDelivered: true) }
        return decision
    }
}

extension CatalogPage {
    /// Asks for what has to be known before a lease is given.
    mutating func requestLease(on address: BlobAddress, _ terms: LeaseTerms) {
        request(lease: LeaseKey(address, terms))
        bans.request(address)
        usages.request(terms.subject)
        if let alias = terms.alias { aliases.request(alias.name) }
        for hash in terms.receipts { receiptHashes.request(ReceiptHashKey(address, hash)) }
    }

    /// Notes that the blob is held, and gives the lease that `terms` ask for: a new one, or the one that is there. `id` names
    /// the upload that brings the bytes, where it outlives its requests.
    mutating func giveLease(
        on address: BlobAddress, size: Int64, _ terms: LeaseTerms, bytesUnderWay: Int64, _ limits: LeaseLimits,
        committing id: UploadID? = nil
    ) throws(StoreError) -> (lease: LeaseRow, isNew: Bool) {
        let rule = LeaseRule(
            &self, address: address, size: size, terms: terms, bytesUnderWay: bytesUnderWay, committing: id,
            limits: limits)
        hold(address, size: size)
        if let lease = try rule.liveLease(now: now) { return (lease, false) }
        let lease = LeaseRow(
            address: address, owner: terms.owner, subject: terms.subject, created: now,
            expires: now.advanced(by: try limits.lifetime(for: terms)),
            limit: limits.longestLifetime(for: terms), recipients: terms.recipients,
            hashes: terms.receipts.count, via: terms.alias?.via)
        guard Set(terms.receipts).count == terms.receipts.count else {
            throw .io("a lease cannot admit the same secret twice")
        }
        add(lease, receipts: terms.receipts, alias: terms.alias?.name)
        return (lease, true)
    }
}
