package import Blobs

/// How an edge behaves.
package struct EdgeSettings: Sendable {
    /// How long a blob is served after the origin last answered for it, where the change feed does not say more.
    package var maximumAge = Lifetime.minutes(5)
    /// For how much longer where the origin cannot be asked; nil for not at all.
    package var staleIfError: Lifetime?
    /// Blobs on their way at once.
    package var fills = 1024
    /// Bytes of all blobs in the cache.
    package var cacheBytes: Int64 = 10 << 30
    /// Bytes that stay free on its disk.
    package var keepFreeBytes: Int64 = 1 << 30
    /// Threads that read, write and hash.
    package var threads = 8
    /// Bytes a second that the check of large blobs reads; 0 for no check.
    package var scrubBytesPerSecond: Int64 = 8 << 20
    /// Whether what is not read is passed on to the origin.
    package var passesUploads = true

    package init() {}
}
