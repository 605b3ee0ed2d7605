package import Blobs
package import Store
package import StoreRules

/// Questions to the shared catalog, each a round trip of its own; it must not leave the closure that it was given to.
package struct SharedReader {
    /// The row about the store.
    package func store() throws(SharedCatalogError) -> SharedStoreRow { fatalError("being written") }

    /// Whether nothing was ever kept here, as far as is remembered.
    package func isEmpty() throws(SharedCatalogError) -> Bool { fatalError("being written") }

    // MARK: Blobs

    /// The row of `address`; nil for one never held, or forgotten.
    package func blob(_ address: BlobAddress) throws(SharedCatalogError) -> BlobRow? { fatalError("being written") }

    /// The rows of at most `pageRows` addresses, in their order, with their objects; nil for one never held, or forgotten.
    package func blobs(_ addresses: [BlobAddress]) throws(SharedCatalogError) -> [FoundBlob?] {
        fatalError("being written")
    }

    /// The next rows in the order of their addresses, at most `limit` (up to `pageRows`), with their objects; from the
    /// first where `address` is nil.
    package func blobs(after address: BlobAddress?, limit: Int) throws(SharedCatalogError) -> [FoundBlob] {
        fatalError("being written")
    }

    /// The same of blobs that are held, or damaged.
    package func presentBlobs(after address: BlobAddress?, limit: Int) throws(SharedCatalogError) -> [FoundBlob] {
        fatalError("being written")
    }

    /// The objects of a list, in its order.
    package func parts(of list: ObjectID) throws(SharedCatalogError) -> [ObjectRow] {
        fatalError("being written")
    }

    // MARK: Aliases

    /// The address of the blob that `alias` leads to; nil where it leads nowhere.
    package func address(of alias: AliasName) throws(SharedCatalogError) -> BlobAddress? { fatalError("being written") }

    /// How many live leases have an alias, by where that comes from, among those behind lease number `last`, at most
    /// `pageRows` of them; with the number of the last one, nil at the end.
    package func aliases(
        at now: Timestamp, after last: Int64
    ) throws(SharedCatalogError) -> (counts: [String: Int], last: Int64?) {
        fatalError("being written")
    }

    // MARK: Leases

    /// The lease that `owner` names on `address`, ended or not.
    package func lease(on address: BlobAddress, owner: SecretHash) throws(SharedCatalogError) -> LeaseRow? {
        fatalError("being written")
    }

    /// Who has said "delivered" for the lease that `owner` names on `address`, in the order they did.
    package func receipts(
        on address: BlobAddress, owner: SecretHash
    ) throws(SharedCatalogError) -> [Lease.Receipt] {
        fatalError("being written")
    }

    /// What `subject` holds.
    package func usage(of subject: String) throws(SharedCatalogError) -> Usage { fatalError("being written") }

    /// How many leases `subject` has made in the day that it made the last one in; nil where that is forgotten.
    package func day(of subject: String) throws(SharedCatalogError) -> LeaseDay? { fatalError("being written") }

    /// When the next lease of `subject` is over.
    package func nextEnd(ofSubject subject: String) throws(SharedCatalogError) -> Timestamp? {
        fatalError("being written")
    }
}
