package import Blobs
package import Store

/// What an operator can choose about any store, whatever it keeps its bytes in; the defaults are those of the programs.
package struct StoreSettings: Sendable {
    /// What kind of bytes are taken.
    package var acceptance = BlobAcceptance.sealedOnly
    /// The largest blob that is taken.
    package var blobLimitBytes: Int64 = 2 << 30
    /// How long a lease lasts when the uploader names no time.
    package var defaultLifetime = Lifetime.days(30)
    /// The longest that a lease may last.
    package var maximumLifetime = Lifetime.days(30)
    /// How long a blob stays at least once everybody expected has reported it with a secret that all of them share.
    package var deliveryGrace = Lifetime.days(1)
    /// How long an ended lease and the trace of a removed blob are kept.
    package var tombstoneLifetime = Lifetime.days(90)
    /// The most leases on one blob.
    package var leasesPerAddress = 1000
    /// The most leases of one subject.
    package var leasesPerSubject = 10_000
    /// The most leases of one subject on one blob.
    package var leasesPerSubjectAndAddress = 64
    /// The most leases that one subject makes in a day.
    package var leasesPerSubjectAndDay = 10_000
    /// The most bytes that the leases of one subject hold; nil for any number.
    package var bytesPerSubject: Int64? = 20 << 30
    /// The same of a subject that stands for many people, as a part of the disk or in bytes; and the most of its leases, nil
    /// for any number.
    package var bytesPerSharedSubject = DiskShare.part(of: 5)
    package var leasesPerSharedSubject: Int?
    /// The most uploads in progress, and the most resumable ones that are kept from one request to the next.
    package var openUploads = 1000
    package var keptUploads = 10_000
    /// The most uploads of one subject: in one request, or kept.
    package var openUploadsPerSubject = 256
    /// How long a resumable upload waits for more bytes.
    package var uploadLifetime = Lifetime.days(1)
    /// How long its outcome is remembered after it was committed or refused.
    package var finishedUploadLifetime = Lifetime.days(1)
    /// Threads that hash, write, sync and read.
    package var threads = 16

    package init() {}

    /// What whoever holds leases is allowed.
    ///
    /// - Parameter diskBytes: of the disk that bytes are kept on; nil where there is none, and no part of one either.
    package func leaseLimits(diskBytes: Int64?) -> LeaseLimits {
        LeaseLimits(
            defaultLifetime: defaultLifetime, maximumLifetime: maximumLifetime, leasesPerAddress: leasesPerAddress,
            leasesPerSubject: leasesPerSubject, leasesPerSubjectAndAddress: leasesPerSubjectAndAddress,
            leasesPerSubjectAndDay: leasesPerSubjectAndDay, bytesPerSubject: bytesPerSubject,
            bytesPerSharedSubject: bytesPerSharedSubject.bytes(ofDisk: diskBytes),
            leasesPerSharedSubject: leasesPerSharedSubject)
    }
}

/// How much of a disk somebody may use.
package enum DiskShare: Hashable, Sendable {
    /// One of so many equal parts.
    case part(of: Int64)
    case bytes(Int64)
    case unlimited

    /// Nil for any number.
    func bytes(ofDisk diskBytes: Int64?) -> Int64? {
        switch self {
        case .part(let parts): diskBytes.map { $0 / parts }
        case .bytes(let bytes): bytes
        case .unlimited: nil
        }
    }
}

extension UploadRule {
    /// Judges an upload that has announced so many bytes, or none, by what the store takes.
    package init(announced: Int64?, settings: StoreSettings) throws(StoreError) {
        try self.init(announced: announced, acceptance: settings.acceptance, limitBytes: settings.blobLimitBytes)
    }

    /// Judges what was announced by what this upload may be.
    package init(_ announcement: UploadAnnouncement, settings: StoreSettings) throws(StoreError) {
        try self.init(
            announced: announcement.size, acceptance: announcement.acceptance ?? settings.acceptance,
            limitBytes: settings.blobLimitBytes)
    }

    /// Goes on where `upload` stands, of which these are the first bytes; nil where they have been judged.
    package init(resuming upload: ResumableUpload, head: [UInt8]?, settings: StoreSettings) throws(StoreError) {
        try self.init(
            resuming: upload, head: head, acceptance: settings.acceptance, limitBytes: settings.blobLimitBytes)
    }
}
