import Blobs
import CLinux
import Glibc
import NIOCore

/// The socket of a connection, which its channel owns. What is ready is sent here, past the channel, while nothing waits in
/// the channel: its queue and its promises cost more than the rest of a small response. Used on the connection's event loop,
/// and only while the channel is open.
struct ConnectionSocket {
    let descriptor: CInt

    /// How many of `bytes` the kernel takes now. None where the client is behind, or where there is an error, which the
    /// channel will meet next.
    ///
    /// It is not told that more follows (MSG_MORE): behind a head that is held back, sendfile takes three to four times as
    /// long.
    func send(_ bytes: ByteBuffer) -> Int {
        // Safe: the call reads no more bytes than there are.
        let count = unsafe bytes.withUnsafeReadableBytes { bytes in
            unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL | MSG_DONTWAIT))
        }
        return max(0, count)
    }

    /// The same for a part of a file.
    func send(_ file: CInt, _ range: ByteRange) -> Int {
        max(0, clinux_send_file(descriptor, file, Int(range.offset), UInt(range.count)))
    }
}

extension ByteBuffer {
    /// What is left behind the first `count` bytes; nil where nothing is.
    func dropping(_ count: Int) -> ByteBuffer? {
        getSlice(at: readerIndex + count, length: readableBytes - count).flatMap { $0.readableBytes > 0 ? $0 : nil }
    }
}
