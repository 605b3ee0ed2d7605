package import Blobs
import Foundation
import GRDB
package import Store

/// Changes inside one transaction; it must not leave the closure that it was given to.
package struct CatalogWriter {
    let database: Database
    let touched: TouchedAddresses

    /// Questions to the state as changed so far.
    package var reader: CatalogReader { CatalogReader(database: database) }

    /// Runs `body` in a savepoint of its own: when it throws a `StoreError` or breaks a constraint, its changes, and
    /// no others, are undone.
    package func attempt<Value>(_ body: () throws -> Value) throws -> Result<Value, StoreError> {
        try database.run("SAVEPOINT change")
        do {
            let value = try body()
            try database.run("RELEASE change")
            return .success(value)
        } catch let error as StoreError {
            try undo()
            return .failure(error)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            try undo()
            return .failure(.io(CatalogError(error).description))
        }
    }

    private func undo() throws {
        try database.run("ROLLBACK TO change")
        try database.run("RELEASE change")
    }

    // MARK: Blobs

    /// Notes that the file of `address` is in place, whole and synced; tells the row.
    package func hold(_ address: BlobAddress, size: Int64, now: Timestamp) throws -> Int64 {
        touched.insert(address)
        let id = try database.number(
            """
            INSERT INTO blob (address, size, state, uploaded) VALUES (?, ?, 1, ?)
            ON CONFLICT (address) DO UPDATE SET
                uploaded = CASE WHEN state = 1 THEN uploaded ELSE excluded.uploaded END,
                state = 1, size = excluded.size, ended = NULL
            RETURNING id
            """, [address.data, size, now.seconds])
        guard let id else { throw CatalogError.failed("catalogue: a blob got no row") }
        return id
    }

    /// Moves the row of `address` from one state to another; false if it was in another state than `from`.
    package func move(_ address: BlobAddress, from: [BlobState], to state: BlobState) throws -> Bool {
        guard let row = try reader.blob(address), from.contains(row.state) else { return false }
        touched.insert(address)
        return try database.run("UPDATE blob SET state = ? WHERE id = ?", [state.rawValue, row.id]) == 1
    }

    // MARK: Leases

    /// Makes a lease on the blob of row `blob` and charges it.
    package func addLease(
        on blob: Int64, size: Int64, terms: LeaseTerms, limit: Lifetime, created: Timestamp, expires: Timestamp
    ) throws {
        try database.run(
            """
            INSERT INTO lease (blob, owner, subject, created, expires, limit_seconds, recipients, hashes)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                blob, terms.owner?.data, terms.subject, created.seconds, expires.seconds, limit.seconds,
                terms.recipients, terms.receipts.count,
            ])
        try admit(terms.receipts, to: database.lastInsertedRowID, on: blob)
        try database.run(
            """
            INSERT INTO charge VALUES (?, 1, ?)
            ON CONFLICT (subject) DO UPDATE SET leases = leases + 1, bytes = bytes + excluded.bytes
            """, [terms.subject, Charge.bytes(for: size)])
        // What `sumUp` would find, without going through all leases of a blob that has many.
        try database.run(
            """
            UPDATE blob SET
                leases = leases + 1, sunset = max(coalesce(sunset, ?2), ?2),
                reason = CASE WHEN ?2 >= coalesce(sunset, ?2) THEN NULL ELSE reason END
            WHERE id = ?1
            """, [blob, expires.seconds])
    }

    /// Ends a lease that has not been ended: it keeps its row, but not who was charged. No change otherwise.
    package func endLease(_ lease: LeaseRow, reason: EndReason, at now: Timestamp) throws {
        let changed = try database.run(
            "UPDATE lease SET ended = ?, reason = ?, subject = NULL WHERE id = ? AND ended IS NULL",
            [now.seconds, reason.rawValue, lease.id])
        guard changed == 1 else { return }
        if let subject = lease.subject {
            let size = try database.number("SELECT size FROM blob WHERE id = ?", [lease.blob]) ?? 0
            try database.run(
                "UPDATE charge SET leases = leases - 1, bytes = bytes - ? WHERE subject = ?",
                [Charge.bytes(for: size), subject])
            try database.run("DELETE FROM charge WHERE subject = ? AND leases <= 0", [subject])
        }
        try sumUp(lease.blob)
        try database.run("UPDATE blob SET reason = ? WHERE id = ? AND leases = 0", [reason.rawValue, lease.blob])
    }

    /// Counts the leases of a blob anew after one has ended or changed: the latest end may have been that one's.
    func sumUp(_ blob: Int64) throws {
        let row = try database.row(
            """
            UPDATE blob SET
                leases = (SELECT count(*) FROM lease WHERE blob = ?1 AND ended IS NULL),
                sunset = (SELECT max(expires) FROM lease WHERE blob = ?1 AND ended IS NULL)
            WHERE id = ?1 RETURNING address
            """, [blob])
        if let address = try row?.address() { touched.insert(address) }
        try database.run(
            """
            UPDATE blob SET reason = (
                SELECT CASE WHEN delivered IS NULL THEN NULL ELSE 'delivered' END FROM lease
                WHERE blob = ?1 AND ended IS NULL ORDER BY expires DESC, id DESC LIMIT 1)
            WHERE id = ?1 AND leases > 0
            """, [blob])
    }

    // MARK: What the sweep remembers

    /// Notes that pass `pass` saw these files without a row.
    package func sight(_ addresses: [BlobAddress], now: Timestamp, pass: Int64) throws {
        for address in addresses {
            try database.run(
                """
                INSERT INTO orphan VALUES (?, ?, ?)
                ON CONFLICT (address) DO UPDATE SET last_pass = excluded.last_pass
                """, [address.data, now.seconds, pass])
        }
    }

    /// Drops at most `limit` sightings that pass `pass` did not confirm; tells how many.
    package func dropSightings(notOf pass: Int64, limit: Int) throws -> Int {
        try database.run(
            """
            DELETE FROM orphan WHERE address IN (
                SELECT address FROM orphan WHERE last_pass <> ? ORDER BY address LIMIT ?)
            """, [pass, limit])
    }

    /// Drops the sighting of one file.
    package func dropSighting(_ address: BlobAddress) throws {
        try database.run("DELETE FROM orphan WHERE address = ?", [address.data])
    }

    /// Notes the clocks of a sweep that was allowed to remove.
    package func recordPass(_ clocks: ClockReading) throws {
        try database.run(
            "UPDATE store SET pass_wall = ?, pass_monotonic = ?, pass_boot = ?",
            [clocks.wall.seconds, clocks.monotonicSeconds, clocks.boot])
    }

    /// Takes `time` as the latest that was ever committed, even where a later one was.
    package func resetLatest(_ time: Timestamp) throws {
        try database.run("UPDATE store SET latest = ?", [time.seconds])
    }

    /// Notes whether this catalogue was put back from a copy.
    package func setRestored(_ isRestored: Bool) throws {
        try database.run("UPDATE store SET restored = ?", [isRestored ? 1 : 0])
    }
}
