import DiskStore
import GRDB
import Testing

/// What a store should have charged each subject, and what it has: from the rows of the closed catalogue, by other
/// statements than the store's own.
struct Charges: Equatable {
    /// Leases and bytes of one subject.
    struct Sum: Equatable {
        let leases: Int
        let bytes: Int64
    }

    let charged: [String: Sum]
    let owed: [String: Sum]

    init(ofStore path: String) throws {
        let queue = try DatabaseQueue(path: DiskLayout(root: path).catalog)
        defer { try? queue.close() }
        (charged, owed) = try queue.read { database in
            (
                try Self.charges(database, "SELECT subject, leases, bytes FROM charge"),
                try Self.charges(
                    database,
                    """
                    SELECT lease.subject, count(*) AS leases, sum(max(blob.size, 4096)) AS bytes
                    FROM lease JOIN blob ON blob.id = lease.blob WHERE lease.ended IS NULL GROUP BY lease.subject
                    """)
            )
        }
    }

    private static func charges(_ database: Database, _ sql: String) throws -> [String: Sum] {
        try Row.fetchAll(database, sql: sql).reduce(into: [:]) { charges, row in
            charges[row["subject"]] = Sum(leases: row["leases"], bytes: row["bytes"])
        }
    }

    /// Records an issue unless every subject is charged exactly what it owes.
    static func expectExact(inStore path: String, _ when: Comment? = nil) throws {
        let charges = try Charges(ofStore: path)
        #expect(charges.charged == charges.owed, when)
    }
}
