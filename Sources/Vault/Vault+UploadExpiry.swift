import Blobs
import Catalog
package import Store

/// Uploads whose time was up.
package struct ExpiredUploads: Sendable, Hashable {
    /// Those that were open, and what of them was here.
    package var open = Removed()
    /// Those that had ended and were remembered long enough.
    package var finished = 0

    package init() {}

    /// Counts one more.
    package mutating func add(_ upload: ResumableUpload) {
        guard case .open = upload.state else {
            finished += 1
            return
        }
        open.count += 1
        open.bytes += upload.offset
    }
}

extension Vault {
    /// The most uploads that are looked for at once.
    private static let expiryBatch = 64

    /// Forgets uploads whose time is up, finished ones too, and what is kept for those that are open no more.
    package func expireUploads() async throws(StoreError) -> ExpiredUploads {
        var expired = ExpiredUploads()
        var last: ResumableUpload?
        while !Task.isCancelled {
            let (now, from) = (time.now, last)
            let due = try await read { try $0.dueUploads(at: now, after: from, limit: Self.expiryBatch) }
            guard let next = due.last else { break }
            last = next
            // One after the other: there are few, and each has a place in the order of durable steps that is always the same.
            for upload in due { if let ended = try await expire(upload.id) { expired.add(ended) } }
        }
        try await releaseEnded()
        return expired
    }

    private func expire(_ id: UploadID) async throws(StoreError) -> ResumableUpload? {
        try await uploadLocks.withLock(id) { () async throws(StoreError) in
            let now = time.now
            // Somebody may have gone on with it meanwhile, or be about to.
            guard let upload = try await read({ try $0.upload(id) }), upload.expires <= now,
                !(kept[id]?.turn?.isAlive(at: now) ?? false)
            else { return nil }
            try await drop(id)
            return upload
        }
    }

    /// Gives back what is kept for uploads that are open no more: an end that was told as unknown may have come.
    private func releaseEnded() async throws(StoreError) {
        let idle = kept.idle
        for start in stride(from: 0, to: idle.count, by: Catalog.pageRows) {
            let page = Array(idle[start..<min(start + Catalog.pageRows, idle.count)])
            for id in try await read({ reader in try page.filter { try !reader.isOpenUpload($0) } }) {
                kept.forget(id)
            }
        }
    }
}
