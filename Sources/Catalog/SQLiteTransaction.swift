import Blobs
import GRDB
package import StoreRules

/// One transaction on the database: rows come onto a page, and go from it, by one statement a table. It must not leave
/// the closure that it was given to.
package final class SQLiteTransaction: CatalogTransaction {
    let database: Database
    /// The ids of the blobs and leases on the page, by their places; nobody else sees them.
    var blobs = RowIDs()
    var leases = RowIDs()

    init(_ database: Database) {
        self.database = database
    }

    package func load(_ page: inout CatalogPage) throws(CatalogError) {
        try catalogued { try loadAll(&page) }
    }

    package func write(_ page: CatalogPage) throws(CatalogError) {
        try catalogued { try writeAll(page) }
    }
}

/// Which row of a table each place of a page stands for.
struct RowIDs {
    private var ids: [Int64?] = []
    private var places: [Int64: Int] = [:]

    subscript(_ place: Int) -> Int64? { place < ids.count ? ids[place] : nil }

    /// The place of a row that is on the page already.
    func place(of id: Int64) -> Int? { places[id] }

    mutating func note(_ id: Int64, at place: Int) {
        if place >= ids.count { ids += repeatElement(nil, count: place + 1 - ids.count) }
        ids[place] = id
        places[id] = place
    }
}
