/// What one cache sees: blobs that are read, and blobs that pass through it as they are uploaded.
struct Trace {
    struct Event {
        /// In seconds from the beginning.
        let time: Int64
        let blob: Int
        let isUpload: Bool
    }

    let events: [Event]
    /// Bytes of each blob.
    let sizes: [Int64]

    var reads: Int { events.count { !$0.isUpload } }

    var readBytes: Int64 { events.reduce(0) { $0 + ($1.isUpload ? 0 : sizes[$1.blob]) } }

    /// The same reads, as a cache sees them that keeps no uploads.
    var withoutUploads: Trace { Trace(events: events.filter { !$0.isUpload }, sizes: sizes) }

    /// The same events, each blob of one byte.
    var ofEqualSizes: Trace { Trace(events: events, sizes: sizes.map { _ in 1 }) }

    /// Bytes of all blobs that are read.
    var uniqueBytes: Int64 {
        var isRead = [Bool](repeating: false, count: sizes.count)
        for event in events where !event.isUpload { isRead[event.blob] = true }
        return zip(sizes, isRead).reduce(0) { $0 + ($1.1 ? $1.0 : 0) }
    }
}
