import Blobs
import NIOCore
import Store

/// The held blobs that one event loop caches, bounded in number and in bytes. Used on that loop only.
///
/// It has two generations: what is asked for goes into the young one; when that is full it becomes the old one, and
/// what nobody asked for meanwhile is dropped. Misses are not cached, and no entry is used before it has been checked
/// that it may still be served.
final class BlobCache {
    /// How much a cache holds.
    struct Limits: Sendable {
        /// Blobs whose file is open, which takes two descriptors each.
        var files = 1024
        /// All blobs; each takes 3 to 4 KiB of memory besides its body.
        var blobs = 8192
        /// Bytes of bodies in memory.
        var bodyBytes = 16 << 20
    }

    private let limits: Limits
    private var young: [BlobAddress: CachedBlob] = [:]
    private var old: [BlobAddress: CachedBlob] = [:]
    private var youngBytes = 0
    private var youngFiles = 0

    init(limits: Limits) {
        self.limits = limits
    }

    var isEmpty: Bool { young.isEmpty && old.isEmpty }

    /// Blobs in the cache.
    var count: Int { young.count + old.count }

    /// Those of them whose file is open.
    var fileCount: Int { youngFiles + old.values.count { $0.content != nil } }

    /// The blob at `address` if it is cached and may be served at `now`.
    func blob(_ address: BlobAddress, now: Timestamp) -> CachedBlob? {
        if let blob = young[address] {
            if blob.isServable(at: now) {
                blob.noteRead(at: now)
                return blob
            }
            remove(address)
            return nil
        }
        guard let blob = old.removeValue(forKey: address), blob.isServable(at: now) else { return nil }
        blob.noteRead(at: now)
        insert(blob)
        return blob
    }

    /// Tells where the blobs came from how often they were read.
    func reportReads() {
        for blob in young.values { blob.reportReads() }
    }

    /// Caches a blob.
    func insert(_ blob: CachedBlob) {
        old[blob.metadata.address] = nil
        if let former = young.updateValue(blob, forKey: blob.metadata.address) { count(former, -1) }
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
        for (address, blob) in young where !blob.isServable(at: now) { remove(address) }
        for (address, blob) in old where !blob.isServable(at: now) { old[address] = nil }
    }

    func removeAll() {
        forgetYoung()
        old = [:]
    }

    private func remove(_ address: BlobAddress) {
        if let blob = young.removeValue(forKey: address) { count(blob, -1) }
    }
}
