import Blobs
import Catalog
import Store

/// A background check as a person sees it.
package struct ScrubProgress: Codable, Sendable, Hashable {
    /// When it began, in seconds since 1970.
    package let began: Int64
    /// When this was noted; of one that came to its end, that end.
    package let latest: Int64
    package let blobs: Int64
    package let bytes: Int64
    package let damaged: Int64

    init(_ row: ScrubRow) {
        began = row.began.seconds
        latest = row.latest.seconds
        blobs = row.blobs
        bytes = row.bytes
        damaged = row.damaged
    }
}
