import CLinux

/// Sending bytes to the disk ahead of the sync that makes them durable, so that it finds little left to do.
extension OpenFile {
    /// Lets the kernel begin to write `count` bytes from `offset` on, and does not wait for it. Nothing is durable by it.
    package borrowing func startWriteBack(from offset: Int64, count: Int64) throws(FileError) {
        try writeBack(from: offset, count: count, flags: 2)  // SYNC_FILE_RANGE_WRITE
    }

    /// Waits until `count` bytes from `offset` on have left memory. Nothing is durable by it, but an error is final.
    package borrowing func finishWriteBack(from offset: Int64, count: Int64) throws(FileError) {
        // SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER
        try writeBack(from: offset, count: count, flags: 1 | 2 | 4)
    }

    private borrowing func writeBack(from offset: Int64, count: Int64, flags: UInt32) throws(FileError) {
        let descriptor = self.descriptor
        _ = try retrying("sync_file_range", path) { sync_file_range(descriptor, Int(offset), Int(count), flags) }
    }
}
