package import Blobs
package import Store
package import StoreRules

/// What an operator can choose about a node of a shared store; the defaults are those of the programs.
package struct SharedStoreSettings: Sendable {
    // MARK: As of every store

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
    /// The same of a subject that stands for many people, and the most of its leases; nil for any number.
    package var bytesPerSharedSubject: Int64?
    package var leasesPerSharedSubject: Int?
    /// The most uploads in progress on this node, and the most resumable ones that are kept from one request to the next.
    package var openUploads = 1000
    package var keptUploads = 10_000
    /// The most uploads of one subject: in one request, or kept.
    package var openUploadsPerSubject = 256
    /// How long a resumable upload waits for more bytes.
    package var uploadLifetime = Lifetime.days(1)
    /// How long its outcome is remembered after it was committed or refused.
    package var finishedUploadLifetime = Lifetime.days(1)
    /// Threads that hash, write and read.
    package var threads = 16

    // MARK: Of a node of a shared store

    /// What the node is called in `node` and in logs.
    package var nodeName = ""
    /// Bytes of blobs that the cache folder keeps, and bytes of its disk that stay free.
    package var cacheBytes: Int64 = 10 << 30
    package var keepFreeBytes: Int64 = 256 << 20
    /// Bytes of large blobs of the cache that are hashed in a second; 0 for none.
    package var cacheScrubBytesPerSecond: Int64 = 0
    /// For how long what is ready may be served while the database does not answer.
    package var outageReads = Duration.zero
    /// How long an object stays after its last row has ended.
    package var removalDelay = Lifetime.minutes(15)
    /// Whether readers of blobs of one object may be sent to the object store.
    package var redirectsReads = false

    package init() {}

    /// What whoever holds leases is allowed.
    var leaseLimits: LeaseLimits {
        LeaseLimits(
            defaultLifetime: defaultLifetime, maximumLifetime: maximumLifetime, leasesPerAddress: leasesPerAddress,
            leasesPerSubject: leasesPerSubject, leasesPerSubjectAndAddress: leasesPerSubjectAndAddress,
            leasesPerSubjectAndDay: leasesPerSubjectAndDay, bytesPerSubject: bytesPerSubject,
            bytesPerSharedSubject: bytesPerSharedSubject, leasesPerSharedSubject: leasesPerSharedSubject)
    }
}
