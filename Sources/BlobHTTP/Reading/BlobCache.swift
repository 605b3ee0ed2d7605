import Blobs
import NIOCore
import Store

/// How much a cache holds.
struct BlobCacheLimits: Sendable {
    /// Blobs whose file is open, which takes two descriptors each.
    var files = 1024
    /// All blobs; each takes 3 to 4 KiB of memory besides its body.
    var blobs = 8192
    /// Bytes of bodies in memory.
    var bodyBytes = 16 << 20

    /// For a cache beside another one, of which there is less need.
    var quarter: BlobCacheLimits {
        BlobCacheLimits(files: files / 4, blobs: blobs / 4, bodyBytes: bodyBytes / 4)
    }
}

/// The held blobs that one event loop caches by their addresses, or by the names of slots, bounded in number and in
/// bytes. Used on that loop only.
///
/// It has two generations: what is asked for goes into the young one; when that is full it becomes the old one, and
/// what nobody asked for meanwhile is dropped. Misses are not cached, and no entry is used before it has been checked
/// that it may still be served.
final class BlobCache<Key: Hashable> {
    private let limits: BlobCacheLimits
    private var young: [Key: CachedBlob] = [:]
    private var old: [Key: CachedBlob] = [:]
    private var youngBytes = 0
    private var youngFiles = 0

    init(limits: BlobCacheLimits) {
        self.limits = limits
    }

    var isEmpty: Bool { young.isEmpty && old.isEmpty }

    /// Blobs in the cache.
    var count: Int { young.count + old.count }

    /// Those of them whose file is open.
    var fileCount: Int { youngFiles + old.values.count { $0.content != nil } }

    /// The blob at `key` if it is cached and may be served at `now`. Whoever serves it notes that.
    func blob(_ key: Key, now: Timestamp) -> CachedBlob? {
        if let blob = young[key] {
            if blob.isServable(at: now) { return blob }
            remove(key)
            return nil
        }
        guard let blob = old.removeValue(forKey: key), blob.isServable(at: now) else { return nil }
        insert(blob, for: key)
        return blob
    }

    /// Tells where the blobs came from how often they were read.
    func reportReads() {
        for blob in young.values { blob.reportReads() }
    }

    /// Caches a blob.
    func insert(_ blob: CachedBlob, for key: Key) {
        old[key] = nil
        if let former = young.updateValue(blob, forKey: key) { count(former, -1) }
        count(blob, 1)
        guard young.count > limits.blobs / 2 || youngBytes > limits.bodyBytes / 2 || youngFiles > limits.files / 2
        else { return }
        old = young
        forgetYoung()
    }

    private func count(_ blob: CachedBlob, _ change: Int) {
        youngBytes += change * blob.bodyBytes
        if blob.content != nil { youngFiles += change }
    }

    private func forgetYoung() {
        young = [:]
        youngBytes = 0
        youngFiles = 0
    }

    /// Drops everything that may no longer be served, so that no removed file goes on taking up disk space.
    func dropEnded(at now: Timestamp) {
        for (key, blob) in young where !blob.isServable(at: now) { remove(key) }
        for (key, blob) in old where !blob.isServable(at: now) { old[key] = nil }
    }

    func removeAll() {
        forgetYoung()
        old = [:]
    }

    private func remove(_ key: Key) {
        if let blob = young.removeValue(forKey: key) { count(blob, -1) }
    }
}
