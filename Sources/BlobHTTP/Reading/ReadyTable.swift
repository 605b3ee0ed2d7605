import Blobs
import NIOCore

/// The held blobs that one event loop keeps ready, bounded in number and in bytes. Used on that loop alone.
///
/// It has two halves: what is asked for goes into the young one; when that is full it becomes the old one, and what
/// nobody asked for meanwhile goes. There is no entry for what is not held, and every entry is asked before every use
/// whether it may still be served.
final class ReadyTable {
    /// How much a table keeps.
    struct Limits: Sendable {
        /// Blobs, of which each may hold two descriptors.
        var blobs = 1024
        /// Bytes of bodies in memory.
        var bodyBytes = 16 << 20
    }

    private let limits: Limits
    private var young: [BlobAddress: ReadyBlob] = [:]
    private var old: [BlobAddress: ReadyBlob] = [:]
    private var youngBytes = 0

    init(limits: Limits) {
        self.limits = limits
    }

    var isEmpty: Bool { young.isEmpty && old.isEmpty }

    /// Blobs in the table.
    var count: Int { young.count + old.count }

    /// The blob at `address` if it is ready and may be served at `now`.
    func blob(_ address: BlobAddress, now: Timestamp) -> ReadyBlob? {
        if let blob = young[address] {
            if blob.isServable(at: now) { return blob }
            remove(address)
            return nil
        }
        guard let blob = old.removeValue(forKey: address), blob.isServable(at: now) else { return nil }
        insert(blob)
        return blob
    }

    /// Keeps a blob from now on.
    func insert(_ blob: ReadyBlob) {
        old[blob.facts.address] = nil
        if let former = young.updateValue(blob, forKey: blob.facts.address) { youngBytes -= former.bodyBytes }
        youngBytes += blob.bodyBytes
        guard young.count > limits.blobs / 2 || youngBytes > limits.bodyBytes / 2 else { return }
        old = young
        young = [:]
        youngBytes = 0
    }

    /// Lets go of everything that may not be served any more, so that no removed file keeps its place on the disk.
    func dropEnded(at now: Timestamp) {
        for (address, blob) in young where !blob.isServable(at: now) { remove(address) }
        for (address, blob) in old where !blob.isServable(at: now) { old[address] = nil }
    }

    func removeAll() {
        young = [:]
        old = [:]
        youngBytes = 0
    }

    private func remove(_ address: BlobAddress) {
        if let blob = young.removeValue(forKey: address) { youngBytes -= blob.bodyBytes }
    }
}
