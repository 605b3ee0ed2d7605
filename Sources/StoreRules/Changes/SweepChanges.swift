package import Blobs
import Store

/// Ends the leases whose time is up, so many at most and those first that are due longest; returns how many.
package struct EndDueLeases: CatalogChange {
    private let query: PageQuery

    package init(limit: Int) {
        query = .dueLeases(limit: limit)
    }

    package func request(on page: inout CatalogPage) { page.finds.request(query) }

    /// In the order of their ends, no other lease on the same blob has to be known: as long as one is left, the last of
    /// them is.
    package func apply(to page: inout CatalogPage) -> Int {
        var count = 0
        for place in page.finds.row(query) ?? [] {
            guard let lease = page.leases[place], lease.ended == nil, let reason = lease.end(at: page.now) else {
                continue
            }
            page.end(leaseAt: place, because: reason)
            count += 1
        }
        return count
    }
}

/// Begins the removal of those of these blobs that no lease holds, and returns them.
package struct MarkForRemoval: CatalogChange {
    package let addresses: [BlobAddress]

    package init(_ addresses: [BlobAddress]) {
        self.addresses = addresses
    }

    package func request(on page: inout CatalogPage) {
        for address in addresses { page.blobs.request(address) }
    }

    /// Those whose removal has begun already, by now or earlier, are among them.
    package func apply(to page: inout CatalogPage) -> [BlobRow] {
        addresses.compactMap { address in
            guard var blob = page.blobs.row(address) else { return nil }
            if blob.state == .removing { return blob }
            guard blob.isUnheld else { return nil }
            blob.state = .removing
            page.blobs.set(blob, for: address)
            return blob
        }
    }
}

/// Ends removals: what stays of each is a tombstone, with the reason where it was shown by its address.
package struct FinishRemovals: CatalogChange {
    package let addresses: [BlobAddress]

    package init(_ addresses: [BlobAddress]) {
        self.addresses = addresses
    }

    package func request(on page: inout CatalogPage) {
        for address in addresses { page.blobs.request(address) }
    }

    package func apply(to page: inout CatalogPage) {
        for address in addresses {
            guard var blob = page.blobs.row(address), blob.state == .removing else { continue }
            blob.state = .gone
            blob.ended = blob.ended ?? page.now
            page.blobs.set(blob, for: address)
        }
    }
}

/// Forgets tombstones and ended leases that are older than a moment, so many of each at most; returns how many. A tombstone
/// stays as long as one of its leases does. Where leases with aliases keep the row, what it was to those who ask by address
/// is forgotten at the same time: they cannot tell that anything is left.
package struct DropForgotten: CatalogChange {
    private let end: Timestamp
    private let leases: PageQuery
    private let formerlyShown: PageQuery
    private let tombstones: PageQuery

    /// For each lease of the limit so many receipts and receipt hashes: a lease may have over a thousand, and whoever
    /// waits for the catalog meanwhile should not wait for all of those.
    private static let receiptsPerLease = 16

    package init(endedBefore end: Timestamp, limit: Int) {
        self.end = end
        leases = .endedLeases(before: end, limit: limit, receipts: limit * Self.receiptsPerLease)
        formerlyShown = .formerlyShown(before: end, limit: limit)
        tombstones = .tombstones(before: end, limit: limit)
    }

    package func request(on page: inout CatalogPage) {
        page.finds.request(leases)
        page.finds.request(formerlyShown)
        page.finds.request(tombstones)
    }

    package func apply(to page: inout CatalogPage) -> Int {
        var count = 0
        for place in page.finds.row(leases) ?? [] where page.leases[place]?.ended.map({ $0 < end }) ?? false {
            page.leases.set(nil, at: place)
            count += 1
        }
        for place in page.finds.row(formerlyShown) ?? [] {
            // One that has been shown again since is young, or has a lease that shows it.
            guard let blob = page.blobs[place], blob.ended.map({ $0 < end }) ?? false else { continue }
            page.blobs.set(blob.hidden, at: place)
            count += 1
        }
        for place in page.finds.row(tombstones) ?? [] {
            // One that has come alive since may have leases, even if it has gone again.
            guard let blob = page.blobs[place], blob == page.blobs.entries[place].stored else { continue }
            page.blobs.set(nil, at: place)
            count += 1
        }
        return count
    }
}

/// Forgets subjects that hold nothing and whose last day is over by a moment, so many at most; returns how many.
package struct DropIdleSubjects: CatalogChange {
    private let begin: Timestamp
    private let query: PageQuery

    package init(overBy end: Timestamp, limit: Int) {
        begin = LeaseDay.lastBegin(overBy: end)
        query = .idleSubjects(since: begin, limit: limit)
    }

    package func request(on page: inout CatalogPage) { page.finds.request(query) }

    /// One that has made a lease since has a new day.
    package func apply(to page: inout CatalogPage) -> Int {
        let idle = (page.finds.row(query) ?? []).filter { page.days[$0].map { $0.began < begin } ?? false }
        for place in idle { page.days.set(nil, at: place) }
        return idle.count
    }
}

/// Notes that pass `pass` saw these files without a row.
package struct SightOrphans: CatalogChange {
    package let addresses: [BlobAddress]
    package let pass: Int64

    package init(_ addresses: [BlobAddress], pass: Int64) {
        self.addresses = addresses
        self.pass = pass
    }

    package func request(on page: inout CatalogPage) {
        for address in addresses { page.sightings.request(address) }
    }

    package func apply(to page: inout CatalogPage) {
        for address in addresses {
            var sighting = page.sightings.row(address) ?? OrphanSighting(firstSeen: page.now, lastPass: pass)
            sighting.lastPass = pass
            page.sightings.set(sighting, for: address)
        }
    }
}

/// Drops the sightings of these files.
package struct DropSightings: CatalogChange {
    package let addresses: [BlobAddress]

    package init(of addresses: [BlobAddress]) {
        self.addresses = addresses
    }

    package func request(on page: inout CatalogPage) {
        for address in addresses { page.sightings.request(address) }
    }

    package func apply(to page: inout CatalogPage) {
        for address in addresses where page.sightings.row(address) != nil { page.sightings.set(nil, for: address) }
    }
}

/// Drops sightings that pass `pass` did not confirm, so many at most; returns how many.
package struct DropOldSightings: CatalogChange {
    private let query: PageQuery

    package init(notOf pass: Int64, limit: Int) {
        query = .sightings(notOf: pass, limit: limit)
    }

    package func request(on page: inout CatalogPage) { page.finds.request(query) }

    package func apply(to page: inout CatalogPage) -> Int {
        let places = page.finds.row(query) ?? []
        for place in places { page.sightings.set(nil, at: place) }
        return places.count
    }
}
