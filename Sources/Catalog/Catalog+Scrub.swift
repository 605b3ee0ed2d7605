package import Blobs
import GRDB
import Store

/// One time of going through all blobs in the background, as far as it has come.
package struct ScrubRow: Sendable, Hashable {
    /// Which of the two that are remembered.
    package enum Place: Int, Sendable {
        case underWay = 1
        /// The last one that came to its end.
        case finished = 2
    }

    package var began: Timestamp
    /// When this was written down; of a finished one its end.
    package var latest: Timestamp
    /// The address looked at last; nil before the first.
    package var cursor: BlobAddress?
    package var blobs: Int64 = 0
    package var bytes: Int64 = 0
    /// Blobs that were not as they should be.
    package var damaged: Int64 = 0

    package init(began: Timestamp) {
        self.began = began
        latest = began
    }
}

extension Catalog {
    /// At most two rows, `id` as in `ScrubRow.Place`.
    static let scrubTable = """
        CREATE TABLE scrub (
            id INTEGER PRIMARY KEY CHECK (id IN (1, 2)),
            began INTEGER NOT NULL,
            latest INTEGER NOT NULL,
            cursor BLOB,
            blobs INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            damaged INTEGER NOT NULL
        ) STRICT;
        """
}

extension CatalogReader {
    /// What is remembered at `place`.
    package func scrub(_ place: ScrubRow.Place) throws -> ScrubRow? {
        try database.row("SELECT * FROM scrub WHERE id = ?", [place.rawValue]).map(ScrubRow.init)
    }
}

extension CatalogWriter {
    /// Writes down how far the one under way has come.
    package func keep(_ scrub: ScrubRow) throws { try put(scrub, at: .underWay) }

    /// Writes down that it has come to its end: none is under way then.
    package func finish(_ scrub: ScrubRow) throws {
        try put(scrub, at: .finished)
        try database.run("DELETE FROM scrub WHERE id = ?", [ScrubRow.Place.underWay.rawValue])
    }

    private func put(_ scrub: ScrubRow, at place: ScrubRow.Place) throws {
        try database.run(
            "INSERT OR REPLACE INTO scrub VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                place.rawValue, scrub.began.seconds, scrub.latest.seconds, scrub.cursor?.data, scrub.blobs, scrub.bytes,
                scrub.damaged,
            ])
    }
}

extension ScrubRow {
    init(_ row: Row) throws {
        began = Timestamp(seconds: row["began"])
        latest = Timestamp(seconds: row["latest"])
        cursor = row["cursor"] == nil ? nil : try row.address("cursor")
        blobs = row["blobs"]
        bytes = row["bytes"]
        damaged = row["damaged"]
    }
}
