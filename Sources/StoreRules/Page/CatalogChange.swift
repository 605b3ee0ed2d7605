package import Blobs
package import Store

/// A change of the catalog as a value: the rows that it looks at, and what it makes of them.
///
/// It knows no database and no disk, so any number of changes can share one look at the catalog and one writing, and
/// a change can be judged without being made.
package protocol CatalogChange: Sendable {
    associatedtype Outcome: Sendable

    /// Asks for the rows that it will look at, so that they are loaded together with those of others.
    func request(on page: inout CatalogPage)

    /// Judges and changes the rows, and nothing else. Throws where it cannot be; the page is put back then.
    /// It may be called more than once, with rows it did not ask for before.
    func apply(to page: inout CatalogPage) throws(StoreError) -> Outcome
}

/// One transaction of whatever keeps a catalog, or one consistent look at it.
package protocol CatalogTransaction {
    associatedtype Failure: Error

    /// Loads every row that was asked for and is not loaded yet (`takeRequests` of each table).
    func load(_ page: inout CatalogPage) throws(Failure)

    /// Writes what has changed on the page: the rows (`changed` of each table), the sums, and what is new about the store.
    func write(_ page: CatalogPage) throws(Failure)
}

extension CatalogTransaction {
    /// Applies a change to the page, whose rows it has asked for; undone where it throws.
    package func apply<Change: CatalogChange>(
        _ change: Change, to page: inout CatalogPage
    ) throws(Failure) -> Result<Change.Outcome, StoreError> {
        while true {
            page.begin()
            let result = Result { () throws(StoreError) in try change.apply(to: &page) }
            if page.isComplete {
                if case .failure = result { page.undo() }
                return result
            }
            page.undo()
            try load(&page)
        }
    }

    /// What a change would come to, without making it.
    package func judge<Change: CatalogChange>(
        _ change: Change, at now: Timestamp
    ) throws(Failure) -> Result<Change.Outcome, StoreError> {
        var page = CatalogPage(now: now)
        change.request(on: &page)
        try load(&page)
        return try apply(change, to: &page)
    }
}
