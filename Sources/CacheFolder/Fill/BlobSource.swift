package import Blobs
package import NIOCore

/// Where the bytes of a fill come from.
package protocol BlobSource: Sendable {
    /// Asks for the bytes of `address` from `start` up to `end`, of `size` in all; returns when they begin to come. What it
    /// gives is exactly those bytes, unless it throws.
    func bytes(
        of address: BlobAddress, from start: Int64, to end: Int64, size: Int64
    ) async throws(SourceError) -> any ByteStream
}

/// Bytes as they come. Used by one task at a time.
package protocol ByteStream: AnyObject, Sendable {
    /// What has come, at least one byte and at most `limit`; nil at the end. Nothing more is taken from the network than
    /// fits into a buffer while nobody asks.
    func next(atMost limit: Int) async throws(SourceError) -> ByteBuffer?

    /// What has come by now, as `next` gives it; nil where nothing has, or `next` has something else to tell. Waits for
    /// nothing.
    func arrived(atMost limit: Int) -> ByteBuffer?

    /// Nobody wants the rest.
    func cancel()
}

/// Why bytes do not come.
package enum SourceError: Error, Hashable, Sendable {
    /// The blob is gone by now, damaged, or never was.
    case gone
    /// Too much is being fetched already.
    case busy
    /// The source could not be reached, went silent or broke off; it may be tried again.
    case broken(String)
    /// It sent something else than was asked for.
    case wrong(String)
}
