package import Blobs
package import Store

/// Makes the rows of some addresses what another store says they are, whatever they were; of those that it knows nothing of
/// nothing stays. Sums and charges follow.
package struct ReplaceRecords: CatalogChange {
    package let records: [BlobRecord]
    /// Addresses that are to be forgotten.
    package let dropped: [BlobAddress]

    package init(_ records: [BlobRecord], dropping dropped: [BlobAddress]) {
        self.records = records
        self.dropped = dropped
    }

    private var addresses: [BlobAddress] { records.map(\.row.address) + dropped }

    package func request(on page: inout CatalogPage) {
        for address in addresses {
            page.blobs.request(address)
            page.finds.request(.leases(on: address, .remembered))
        }
        for lease in records.flatMap(\.leases) {
            if let subject = lease.row.subject { page.usages.request(subject) }
        }
    }

    package func apply(to page: inout CatalogPage) {
        for address in addresses { page.forgetLeases(on: address) }
        guard page.isComplete else { return }
        for record in records {
            page.blobs.set(record.row, for: record.row.address)
            for lease in record.leases { page.add(lease, size: record.row.size) }
        }
        for address in dropped where page.blobs.row(address) != nil { page.blobs.set(nil, for: address) }
    }
}

/// Makes what is known of finished uploads what another store says.
package struct ReplaceUploads: CatalogChange {
    package let uploads: [ResumableUpload]
    package let dropped: [UploadID]

    package init(_ uploads: [ResumableUpload], dropping dropped: [UploadID]) {
        self.uploads = uploads
        self.dropped = dropped
    }

    package func request(on page: inout CatalogPage) {
        for id in uploads.map(\.id) + dropped { page.uploads.request(id) }
    }

    package func apply(to page: inout CatalogPage) {
        for id in dropped where page.uploads.row(id) != nil { page.set(nil, for: id) }
        for upload in uploads { page.set(upload, for: upload.id) }
    }
}

/// Makes bans what another store says.
package struct ReplaceBans: CatalogChange {
    package let bans: [BanRecord]
    package let lifted: [BlobAddress]

    package init(_ bans: [BanRecord], lifting lifted: [BlobAddress]) {
        self.bans = bans
        self.lifted = lifted
    }

    package func request(on page: inout CatalogPage) {
        for address in bans.map(\.address) + lifted {
            page.bans.request(address)
            // Whoever brings the address to be holds its row.
            page.blobs.request(address)
        }
    }

    package func apply(to page: inout CatalogPage) {
        for address in lifted where page.bans.row(address) != nil { page.bans.set(nil, for: address) }
        for ban in bans { page.bans.set(ban.since, for: ban.address) }
    }
}

/// Makes the days of subjects what another store says. What a subject holds follows from its leases.
package struct ReplaceDays: CatalogChange {
    package let subjects: [SubjectRecord]

    package init(_ subjects: [SubjectRecord]) {
        self.subjects = subjects
    }

    package func request(on page: inout CatalogPage) {
        for subject in subjects { page.usages.request(subject.subject) }
    }

    package func apply(to page: inout CatalogPage) {
        for subject in subjects {
            page.days.set(subject.day, for: subject.subject)
            page.charge(subject.subject, Usage())
        }
    }
}

extension CatalogPage {
    /// Forgets all leases on an address, with what belongs to them.
    fileprivate mutating func forgetLeases(on address: BlobAddress) {
        let size = blobs.row(address)?.size ?? 0
        for place in finds.row(.leases(on: address, .remembered)) ?? [] {
            guard let lease = leases[place] else { continue }
            if let subject = lease.subject { charge(subject, Usage(leases: -1, bytes: -Usage.bytes(for: size))) }
            leases.set(nil, at: place)
        }
    }

    /// Adds a lease as it is on a blob of so many bytes.
    fileprivate mutating func add(_ lease: LeaseRecord, size: Int64) {
        let row = lease.row
        // One without an owner that has ended has no name.
        let place = leases.add(row, for: row.key ?? LeaseKey(address: row.address, holder: .subject("")))
        if let subject = row.subject { charge(subject, Usage(leases: 1, bytes: Usage.bytes(for: size))) }
        if let alias = lease.alias { aliases.set(place, for: alias) }
        for hash in lease.hashes { receiptHashes.set(place, for: ReceiptHashKey(row.address, hash)) }
        for receipt in lease.receipts {
            let key = ReceiptKey(lease: place, hash: receipt.hash, recipient: receipt.recipient)
            receipts.set(receipt.at, for: key)
        }
    }
}
