package import Blobs
import MemoryStore
package import SharedStore
package import Store
import StoreRules
package import Vault

/// What a test can choose about a store of any kind.
package struct TestSettings: Sendable {
    package var acceptance = BlobAcceptance.any
    package var blobLimitBytes: Int64 = 2 << 30
    package var defaultLifetime = Lifetime.days(30)
    package var maximumLifetime = Lifetime.days(30)
    package var deliveryGrace = Lifetime.days(1)
    package var tombstoneLifetime = Lifetime.days(90)
    package var leasesPerAddress = 1000
    package var leasesPerSubject = 10_000
    package var leasesPerSubjectAndAddress = 1000
    package var leasesPerSubjectAndDay = 10_000
    package var bytesPerSubject: Int64?
    package var bytesPerSharedSubject: Int64?
    package var leasesPerSharedSubject: Int?
    package var openUploads = 10_000
    package var keptUploads = 10_000
    package var openUploadsPerSubject = 10_000
    package var uploadLifetime = Lifetime.days(1)
    package var finishedUploadLifetime = Lifetime.days(1)

    package init() {}

    var vault: VaultSettings {
        var settings = VaultSettings.small
        settings.acceptance = acceptance
        settings.blobLimitBytes = blobLimitBytes
        settings.defaultLifetime = defaultLifetime
        settings.maximumLifetime = maximumLifetime
        settings.deliveryGrace = deliveryGrace
        settings.tombstoneLifetime = tombstoneLifetime
        settings.leasesPerAddress = leasesPerAddress
        settings.leasesPerSubject = leasesPerSubject
        settings.leasesPerSubjectAndAddress = leasesPerSubjectAndAddress
        settings.leasesPerSubjectAndDay = leasesPerSubjectAndDay
        settings.bytesPerSubject = bytesPerSubject
        settings.bytesPerSharedSubject = bytesPerSharedSubject.map { .bytes($0) } ?? .unlimited
        settings.leasesPerSharedSubject = leasesPerSharedSubject
        settings.openUploads = openUploads
        settings.keptUploads = keptUploads
        settings.openUploadsPerSubject = openUploadsPerSubject
        settings.uploadLifetime = uploadLifetime
        settings.finishedUploadLifetime = finishedUploadLifetime
        return settings
    }

    package var shared: SharedStoreSettings {
        var settings = SharedStoreSettings()
        settings.store = vault.store
        settings.keepFreeBytes = 0
        settings.removalDelaySeconds = 0
        // A database that other tests keep busy answers in the end.
        settings.silencePatience = .seconds(900)
        return settings
    }

    var memory: MemoryStoreSettings {
        let limits = LeaseLimits(
            defaultLifetime: defaultLifetime, maximumLifetime: maximumLifetime, leasesPerAddress: leasesPerAddress,
            leasesPerSubject: leasesPerSubject, leasesPerSubjectAndAddress: leasesPerSubjectAndAddress,
            leasesPerSubjectAndDay: leasesPerSubjectAndDay, bytesPerSubject: bytesPerSubject,
            bytesPerSharedSubject: bytesPerSharedSubject, leasesPerSharedSubject: leasesPerSharedSubject)
        var settings = MemoryStoreSettings(limits: limits)
        settings.acceptance = acceptance
        settings.blobLimitBytes = blobLimitBytes
        settings.deliveryGrace = deliveryGrace
        settings.tombstoneLifetime = tombstoneLifetime
        settings.openUploads = openUploads
        settings.keptUploads = keptUploads
        settings.openUploadsPerSubject = openUploadsPerSubject
        settings.uploadLifetime = uploadLifetime
        settings.finishedUploadLifetime = finishedUploadLifetime
        return settings
    }
}

extension VaultSettings {
    /// Settings for stores of a few blobs.
    package static var small: VaultSettings {
        var settings = VaultSettings()
        settings.acceptance = .any
        settings.ballastBytes = 64 << 10
        settings.keepFreeBytes = 0
        settings.threads = 4
        settings.bytesPerSubject = nil
        settings.leasesPerSubject = 1_000_000_000
        settings.leasesPerSubjectAndDay = 1_000_000_000
        settings.openUploads = 10_000
        settings.openUploadsPerSubject = 10_000
        settings.firstProbe = .milliseconds(5)
        settings.longestProbe = .milliseconds(40)
        // A disk that other tests keep busy answers in the end.
        settings.probePatience = .seconds(900)
        return settings
    }
}
