package import Blobs
package import Store

/// Makes an upload a blob with a lease, once all of its bytes are there; of one that outlives its requests its own row
/// says so in the same transaction.
package struct CommitUpload: CatalogChange {
    package let address: BlobAddress
    /// Bytes that came.
    package let size: Int64
    package let terms: LeaseTerms
    /// Bytes of the subject's quota that its other uploads have reserved.
    package let bytesUnderWay: Int64
    package let limits: LeaseLimits
    /// What is known of the bytes that are held already.
    package let bytes: StoredBytes
    /// The upload, where it outlives its requests, and for how long it is remembered.
    package let resumable: (id: UploadID, lifetime: Lifetime)?

    package init(
        address: BlobAddress, size: Int64, terms: LeaseTerms, bytesUnderWay: Int64 = 0, limits: LeaseLimits,
        bytes: StoredBytes, resumable: (id: UploadID, lifetime: Lifetime)? = nil
    ) {
        self.address = address
        self.size = size
        self.terms = terms
        self.bytesUnderWay = bytesUnderWay
        self.limits = limits
        self.bytes = bytes
        self.resumable = resumable
    }

    package func request(on page: inout CatalogPage) {
        page.requestLease(on: address, terms)
        if let resumable { page.uploads.request(resumable.id) }
    }

    /// Where the outcome `isNew`, the bytes have to be at the blob's place before any of this is committed.
    package func apply(to page: inout CatalogPage) throws(StoreError) -> StoredBlob {
        let isHeld = page.holds(address, size: size, bytes)
        let wasHidden = page.blobs.row(address).map { $0.end(at: page.now) != nil } ?? false
        let (lease, isNew) = try page.giveLease(
            on: address, size: size, terms, bytesUnderWay: bytesUnderWay, limits, committing: resumable?.id)
        let stored = StoredBlob(
            address: address, size: size, isNew: !isHeld, wasHidden: wasHidden, uploaded: lease.created,
            expires: lease.expires)
        if let (id, lifetime) = resumable {
            let upload = try page.openUpload(id)
            // Its row stays for a while, for a lease that was there already too.
            if !isNew { page.countMade(by: terms.subject) }
            page.set(
                upload, state: .committed(stored), length: size, offset: size,
                expires: page.now.advanced(by: lifetime))
        }
        return stored
    }
}

/// Notes a new upload that outlives its requests, and whose empty file is there; returns when it expires.
package struct CreateUpload: CatalogChange {
    package let id: UploadID
    package let announcement: UploadAnnouncement
    package let lifetime: Lifetime

    package init(id: UploadID, announcement: UploadAnnouncement, lifetime: Lifetime) {
        self.id = id
        self.announcement = announcement
        self.lifetime = lifetime
    }

    package func request(on page: inout CatalogPage) {}

    package func apply(to page: inout CatalogPage) -> Timestamp {
        let expires = page.now.advanced(by: lifetime)
        // Nobody has this id: it is 128 random bits.
        page.set(
            ResumableUpload(
                id: id, state: .open, length: announcement.size, offset: 0, announcement: announcement,
                expires: expires), for: id)
        return expires
    }
}

/// Notes that the first `offset` bytes of an upload are synced and, where it is known by now, how many there are in all.
package struct AdvanceUpload: CatalogChange {
    package let id: UploadID
    package let offset: Int64
    package let length: Int64?
    package let lifetime: Lifetime

    package init(id: UploadID, offset: Int64, length: Int64?, lifetime: Lifetime) {
        self.id = id
        self.offset = offset
        self.length = length
        self.lifetime = lifetime
    }

    package func request(on page: inout CatalogPage) { page.uploads.request(id) }

    package func apply(to page: inout CatalogPage) throws(StoreError) {
        let upload = try page.openUpload(id)
        page.set(
            upload, state: .open, length: upload.length ?? length, offset: offset,
            expires: page.now.advanced(by: lifetime))
    }
}

/// Notes that an upload can never be taken. Its file goes afterwards.
package struct RefuseUpload: CatalogChange {
    package let id: UploadID
    /// Whose upload it is: a row that stays counts as a lease that was made.
    package let subject: String
    package let error: StoreError
    package let lifetime: Lifetime

    /// - Parameter error: one that does not pass (`StoreError.refusal`).
    package init(id: UploadID, of subject: String, because error: StoreError, lifetime: Lifetime) {
        precondition(error.refusal != nil, "only what never passes ends an upload")
        self.id = id
        self.subject = subject
        self.error = error
        self.lifetime = lifetime
    }

    package func request(on page: inout CatalogPage) {
        page.uploads.request(id)
        page.usages.request(subject)
    }

    package func apply(to page: inout CatalogPage) throws(StoreError) {
        let upload = try page.openUpload(id)
        page.countMade(by: subject)
        page.set(
            upload, state: .refused(error), length: upload.length, offset: upload.offset,
            expires: page.now.advanced(by: lifetime))
    }
}

/// Forgets an upload, whatever its state. Its file goes afterwards.
package struct DropUpload: CatalogChange {
    package let id: UploadID

    package init(id: UploadID) {
        self.id = id
    }

    package func request(on page: inout CatalogPage) { page.uploads.request(id) }

    package func apply(to page: inout CatalogPage) {
        if page.uploads.row(id) != nil { page.set(nil, for: id) }
    }
}

extension CatalogPage {
    /// The upload, if it is open; throws `.notFound` where it is not any more.
    fileprivate mutating func openUpload(_ id: UploadID) throws(StoreError) -> ResumableUpload {
        guard let upload = uploads.row(id), case .open = upload.state else { throw .notFound }
        return upload
    }

    fileprivate mutating func set(
        _ upload: ResumableUpload, state: ResumableUpload.State, length: Int64?, offset: Int64, expires: Timestamp
    ) {
        set(
            ResumableUpload(
                id: upload.id, state: state, length: length, offset: offset, announcement: upload.announcement,
                expires: expires), for: upload.id)
    }
}
