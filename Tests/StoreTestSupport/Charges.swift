import DiskStore
import GRDB

/// What a store should have charged each subject, and what it has.
package struct Charges: Equatable {
    /// Leases and bytes of one subject.
    package struct Sum: Equatable {
        package let leases: Int
        package let bytes: Int64
    }

    package let charged: [String: Sum]
    package let owed: [String: Sum]

    init(charged: [String: Sum], owed: [String: Sum]) {
        self.charged = charged
        self.owed = owed
    }

    /// From the rows of the closed catalog of a store on a disk, by other statements than the store's own.
    package init(ofStore path: String) throws {
        let queue = try DatabaseQueue(path: DiskLayout(root: path).catalog)
        defer { try? queue.close() }
        (charged, owed) = try queue.read { database in
            (
                // Who holds nothing stays for a day.
                try Self.charges(
                    database, "SELECT subject, leases, bytes FROM charge WHERE leases <> 0 OR bytes <> 0"),
                try Self.charges(
                    database,
                    """
                    SELECT lease.subject, count(*) AS leases, sum(max(blob.size, 4096)) AS bytes
                    FROM lease JOIN blob ON blob.id = lease.blob WHERE lease.ended IS NULL GROUP BY lease.subject
                    """)
            )
        }
    }

    /// How many rows of a closed store disagree about names: those that lead to no lease, leases that lost theirs, live ones
    /// without bytes, and blobs that count their leases wrongly.
    package static func strayAliases(ofStore path: String) throws -> Int {
        let queue = try DatabaseQueue(path: DiskLayout(root: path).catalog)
        defer { try? queue.close() }
        return try queue.read { database in
            try Int.fetchOne(
                database,
                sql: """
                    SELECT (SELECT count(*) FROM alias WHERE lease NOT IN (SELECT id FROM lease WHERE via IS NOT NULL))
                        + (SELECT count(*) FROM lease WHERE via IS NOT NULL AND id NOT IN (SELECT lease FROM alias))
                        + (SELECT count(*) FROM lease JOIN blob ON blob.id = lease.blob
                            WHERE lease.ended IS NULL AND blob.state NOT IN (1, 3))
                        + (SELECT count(*) FROM blob WHERE aliased <> (
                            SELECT count(*) FROM lease WHERE lease.blob = blob.id AND lease.ended IS NULL AND via IS NOT NULL))
                        + (SELECT count(*) FROM blob WHERE leases <> (
                            SELECT count(*) FROM lease WHERE lease.blob = blob.id AND lease.ended IS NULL AND via IS NULL))
                    """) ?? -1
        }
    }

    private static func charges(_ database: Database, _ sql: String) throws -> [String: Sum] {
        try Row.fetchAll(database, sql: sql).reduce(into: [:]) { charges, row in
            charges[row["subject"]] = Sum(leases: row["leases"], bytes: row["bytes"])
        }
    }
}
