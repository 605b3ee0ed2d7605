import Blobs
import NIOCore
import Store

/// A blob's file as one event loop sends it: nobody else uses this descriptor, and it is closed when nobody needs it
/// any more.
final class LoopFile {
    private let handle: NIOFileHandle

    /// Takes over a descriptor.
    init(owning descriptor: Int32) {
        handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor)
    }

    deinit {
        // Closing a descriptor for reading loses nothing.
        try? handle.close()
    }

    /// The bytes of a range, for `sendfile`.
    func region(_ range: ByteRange) -> FileRegion {
        FileRegion(fileHandle: handle, readerIndex: Int(range.offset), endIndex: Int(range.end))
    }
}
