package import Blobs
import Store

/// Ends every lease on an address as removed; if so wished nobody may hold it again.
package struct TakeDownBlob: CatalogChange {
    package let address: BlobAddress
    package let isBanned: Bool

    package init(_ address: BlobAddress, banning isBanned: Bool) {
        self.address = address
        self.isBanned = isBanned
    }

    package func request(on page: inout CatalogPage) {
        page.blobs.request(address)
        page.finds.request(.leases(on: address, .all))
        if isBanned { page.bans.request(address) }
    }

    /// How many leases lived; nil where nothing is known of the address.
    package func apply(to page: inout CatalogPage) -> Int? {
        if isBanned, page.bans.row(address) == nil { page.bans.set(page.now, for: address) }
        guard page.blobs.row(address) != nil else { return nil }
        return page.endAllLeases(on: address, because: .removed)
    }
}

/// What of a subject's leases was ended.
package struct EndedLeases: Sendable {
    /// How many were looked at; none where none is left.
    package var found = 0
    /// Those of them that lived, and bytes that the subject was charged for them.
    package var lived = 0
    package var chargedBytes: Int64 = 0
    /// The blobs that nobody holds any more.
    package var unheld: [BlobAddress] = []
}

/// Ends leases of one subject as removed, so many at most.
package struct EndLeasesOfSubject: CatalogChange {
    private let query: PageQuery

    package init(_ subject: String, limit: Int) {
        query = .leasesOfSubject(subject, limit: limit)
    }

    package func request(on page: inout CatalogPage) { page.finds.request(query) }

    package func apply(to page: inout CatalogPage) -> EndedLeases {
        let places = page.finds.row(query) ?? []
        let rows = places.compactMap { page.leases[$0] }
        let addresses = Set(rows.map(\.address)).sorted()
        // What others have on a blob is left as it is where only names of this subject led there.
        let shown = Set(rows.filter { $0.via == nil }.map(\.address)).sorted()
        for address in shown { page.requestEnds(on: address) }
        // Judged again once all of that is here.
        guard page.isComplete else { return EndedLeases() }
        var ended = EndedLeases(found: places.count)
        for address in shown { page.endDueLeases(on: address) }
        for place in places {
            guard let lease = page.leases[place], lease.ended == nil else { continue }
            ended.lived += 1
            ended.chargedBytes += Usage.bytes(for: page.blobs.row(lease.address)?.size ?? 0)
            page.end(leaseAt: place, because: .removed)
        }
        for address in shown { page.sumUp(address) }
        ended.unheld = addresses.filter { page.blobs.row($0)?.isUnheld ?? false }
        return ended
    }
}

/// Lets an address be held again; returns false if it was not banned.
package struct LiftBan: CatalogChange {
    package let address: BlobAddress

    package init(_ address: BlobAddress) {
        self.address = address
    }

    package func request(on page: inout CatalogPage) { page.bans.request(address) }

    package func apply(to page: inout CatalogPage) -> Bool {
        guard page.bans.row(address) != nil else { return false }
        page.bans.set(nil, for: address)
        return true
    }
}

/// Writes down that a held blob's file is not the blob; returns false if it was not held.
package struct MarkDamaged: CatalogChange {
    package let address: BlobAddress

    package init(_ address: BlobAddress) {
        self.address = address
    }

    package func request(on page: inout CatalogPage) { page.blobs.request(address) }

    package func apply(to page: inout CatalogPage) -> Bool {
        guard var blob = page.blobs.row(address), blob.state == .held else { return false }
        blob.state = .damaged
        page.blobs.set(blob, for: address)
        return true
    }
}

/// Changes nothing: for finding out whether a change can be made.
package struct NoChange: CatalogChange {
    package init() {}

    package func request(on page: inout CatalogPage) {}

    package func apply(to page: inout CatalogPage) {}
}

/// Notes the clocks of a sweep that was allowed to remove.
package struct RecordPass: CatalogChange {
    package let clocks: ClockReading

    package init(_ clocks: ClockReading) {
        self.clocks = clocks
    }

    package func request(on page: inout CatalogPage) {}

    package func apply(to page: inout CatalogPage) { page.noteStore { $0.lastPass = clocks } }
}

/// Takes a time as the latest that was ever committed, even where a later one was.
package struct ResetLatest: CatalogChange {
    package let time: Timestamp

    package init(_ time: Timestamp) {
        self.time = time
    }

    package func request(on page: inout CatalogPage) {}

    package func apply(to page: inout CatalogPage) { page.noteStore { $0.latest = time } }
}

/// Notes whether this catalog was put back from a copy.
package struct SetRestored: CatalogChange {
    package let isRestored: Bool

    package init(_ isRestored: Bool) {
        self.isRestored = isRestored
    }

    package func request(on page: inout CatalogPage) {}

    package func apply(to page: inout CatalogPage) { page.noteStore { $0.isRestored = isRestored } }
}

/// Writes down how far the background check has come; at its end none is under way any more.
package struct NoteScrub: CatalogChange {
    package let row: ScrubRow
    package let isEnd: Bool

    package init(_ row: ScrubRow, isEnd: Bool) {
        self.row = row
        self.isEnd = isEnd
    }

    package func request(on page: inout CatalogPage) {}

    package func apply(to page: inout CatalogPage) {
        page.scrubs.set(isEnd ? nil : row, for: .underWay)
        if isEnd { page.scrubs.set(row, for: .finished) }
    }
}
