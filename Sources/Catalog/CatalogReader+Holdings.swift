package import Blobs
import GRDB
import Store

/// As much of a blob's row as counting it takes.
package struct Holding: Sendable {
    package let id: Int64
    package let size: Int64
    package let uploaded: Timestamp
    /// The latest end of its leases; nil where there are none.
    package let sunset: Timestamp?
    package let isDamaged: Bool
}

extension CatalogReader {
    /// The next blobs that are held, or damaged, from row `id` on: at most `pageRows`.
    package func holdings(after id: Int64) throws -> [Holding] {
        try database.rows(
            """
            SELECT id, size, uploaded, sunset, state = 3 AS damaged FROM blob
            WHERE id > ? AND state IN (1, 3) ORDER BY id LIMIT ?
            """, [id, Catalog.pageRows]
        ).map { row in
            Holding(
                id: row["id"], size: row["size"], uploaded: Timestamp(seconds: row["uploaded"]),
                sunset: row.timestamp("sunset"), isDamaged: row["damaged"])
        }
    }
}
