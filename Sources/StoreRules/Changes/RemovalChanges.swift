package import Blobs
package import Store

/// Blobs that became tombstones.
package struct RemovedBlobs: Sendable, Hashable {
    package var count = 0
    /// Bytes of the blobs.
    package var bytes: Int64 = 0

    package init(count: Int = 0, bytes: Int64 = 0) {
        self.count = count
        self.bytes = bytes
    }

    package static func += (left: inout RemovedBlobs, right: RemovedBlobs) {
        left.count += right.count
        // The bytes of a store stay far from the end of the numbers.
        left.bytes += right.bytes
    }
}

/// Makes tombstones of those of these blobs that no lease holds, in one step: for a catalog whose rows go before their
/// bytes, which are removed later by what the catalog notes of them.
package struct RemoveUnheld: CatalogChange {
    package let addresses: [BlobAddress]

    package init(_ addresses: [BlobAddress]) {
        self.addresses = addresses
    }

    package func request(on page: inout CatalogPage) { MarkForRemoval(addresses).request(on: &page) }

    package func apply(to page: inout CatalogPage) -> RemovedBlobs { page.removeUnheld(addresses) }
}

/// Ends the leases whose time is up, so many at most and those first that are due longest, and makes tombstones of the
/// blobs that none holds any more.
package struct EndDueLeasesAndRemove: CatalogChange {
    private let ends: EndDueLeases
    private let query: PageQuery

    package init(limit: Int) {
        ends = EndDueLeases(limit: limit)
        query = .dueLeases(limit: limit)
    }

    package func request(on page: inout CatalogPage) { ends.request(on: &page) }

    /// How many leases were ended, and which blobs went with them.
    package func apply(to page: inout CatalogPage) -> (leases: Int, removed: RemovedBlobs) {
        let count = ends.apply(to: &page)
        let places = page.finds.row(query) ?? []
        let addresses = Set(places.compactMap { page.leases[$0]?.address }).sorted()
        return (count, page.removeUnheld(addresses))
    }
}

/// Forgets those of these uploads whose time is up, whatever their state; returns them as they were.
package struct DropDueUploads: CatalogChange {
    package let ids: [UploadID]

    package init(_ ids: [UploadID]) {
        self.ids = ids
    }

    package func request(on page: inout CatalogPage) {
        for id in ids { page.uploads.request(id) }
    }

    /// One that has gone on since is not among them.
    package func apply(to page: inout CatalogPage) -> [ResumableUpload] {
        ids.compactMap { id in
            guard let upload = page.uploads.row(id), upload.expires <= page.now else { return nil }
            page.set(nil, for: id)
            return upload
        }
    }
}

extension CatalogPage {
    fileprivate mutating func removeUnheld(_ addresses: [BlobAddress]) -> RemovedBlobs {
        let marked = MarkForRemoval(addresses).apply(to: &self)
        FinishRemovals(marked.map(\.address)).apply(to: &self)
        return marked.reduce(into: RemovedBlobs()) { $0 += RemovedBlobs(count: 1, bytes: $1.size) }
    }
}
