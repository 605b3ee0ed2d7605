import Blobs
import Store
import StoreRules

/// Reads how an upload stands, holding its row: for a request that takes its turn at it.
struct LookAtUpload: CatalogChange {
    let id: UploadID

    func request(on page: inout CatalogPage) { page.uploads.request(id) }

    func apply(to page: inout CatalogPage) throws(StoreError) -> ResumableUpload {
        guard let upload = page.uploads.row(id) else { throw .notFound }
        return upload
    }
}

/// Admits an upload that outlives its requests, and notes it; returns when it expires. Whatever node admits it, all of its
/// subject's are counted.
struct KeepUpload: CatalogChange {
    let id: UploadID
    let announcement: UploadAnnouncement
    let lifetime: Lifetime
    /// Of the subject's other uploads on this node, which the catalog does not know.
    let bytesUnderWay: Int64
    let uploadsUnderWay: Int
    /// The most uploads of one subject.
    let limitPerSubject: Int
    let limits: LeaseLimits

    func request(on page: inout CatalogPage) { admission(uploadsUnderWay: 0).request(on: &page) }

    func apply(to page: inout CatalogPage) throws(StoreError) -> Timestamp {
        let terms = announcement.terms
        let count = uploadsUnderWay + (page.kept(by: terms.subject)?.uploads ?? 0)
        guard terms.isShared || count < limitPerSubject else { throw StoreError.noPlaceOfSubject }
        try admission(uploadsUnderWay: count).apply(to: &page)
        return CreateUpload(id: id, announcement: announcement, lifetime: lifetime).apply(to: &page)
    }

    private func admission(uploadsUnderWay: Int) -> AdmitLease {
        AdmitLease(
            address: announcement.address, size: announcement.size, terms: announcement.terms,
            bytesUnderWay: bytesUnderWay, uploadsUnderWay: uploadsUnderWay, limits: limits)
    }
}

/// Moves an upload on from where a request knows it to be; returns it as it is then. One whose length was not announced is
/// judged by its length where that is known now, else by what there is, so that no two of its subject's exceed what it
/// may have.
struct MoveUpload: CatalogChange {
    let upload: ResumableUpload
    /// Where it stands, and where it will.
    let start: Int64
    let end: Int64
    let length: Int64?
    let lifetime: Lifetime
    /// Of the subject's other uploads on this node, which the catalog does not know.
    let bytesUnderWay: Int64
    let limits: LeaseLimits

    func request(on page: inout CatalogPage) {
        page.uploads.request(upload.id)
        if upload.length == nil { admission.request(on: &page) }
    }

    func apply(to page: inout CatalogPage) throws(StoreError) -> ResumableUpload {
        let current = try page.upload(upload.id, at: start)
        if current.length == nil { try admission.apply(to: &page) }
        try AdvanceUpload(id: upload.id, offset: end, length: length, lifetime: lifetime).apply(to: &page)
        return page.uploads.row(upload.id) ?? current
    }

    private var admission: AdmitLease {
        AdmitLease(
            address: upload.announcement.address, size: length ?? end, terms: upload.announcement.terms,
            bytesUnderWay: bytesUnderWay, resumed: upload.id, limits: limits)
    }
}

/// Ends an upload as a blob, or for good, from where a request knows it to be.
struct EndUpload<Change: CatalogChange>: CatalogChange {
    let id: UploadID
    /// Where it stands.
    let start: Int64
    let change: Change

    func request(on page: inout CatalogPage) {
        page.uploads.request(id)
        change.request(on: &page)
    }

    func apply(to page: inout CatalogPage) throws(StoreError) -> Change.Outcome {
        _ = try page.upload(id, at: start)
        return try change.apply(to: &page)
    }
}

/// Forgets an upload whose time is not up, or that is known to be alive; throws `.notFound` where there is none.
struct CancelUpload: CatalogChange {
    let id: UploadID
    let isAlive: Bool

    func request(on page: inout CatalogPage) { page.uploads.request(id) }

    func apply(to page: inout CatalogPage) throws(StoreError) {
        guard let upload = page.uploads.row(id), isAlive || upload.expires > page.now else { throw .notFound }
        DropUpload(id: id).apply(to: &page)
    }
}

/// Forgets an upload if it is open, since another one gets its place or it has lost bytes; returns whether it was.
struct DropOpenUpload: CatalogChange {
    let id: UploadID

    func request(on page: inout CatalogPage) { page.uploads.request(id) }

    func apply(to page: inout CatalogPage) -> Bool {
        guard let upload = page.uploads.row(id), case .open = upload.state else { return false }
        DropUpload(id: id).apply(to: &page)
        return true
    }
}

extension CatalogPage {
    /// The upload, where it is open and stands at `offset`; throws `.superseded` where another request has been at it.
    fileprivate mutating func upload(_ id: UploadID, at offset: Int64) throws(StoreError) -> ResumableUpload {
        guard let upload = uploads.row(id), case .open = upload.state, upload.offset == offset else {
            throw .superseded
        }
        return upload
    }
}
