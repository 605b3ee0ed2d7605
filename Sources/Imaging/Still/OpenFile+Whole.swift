import Files

extension OpenFile {
    /// All bytes of the file, which are not many.
    borrowing func wholeContents() throws(ImagingError) -> [UInt8] {
        let size: Int64
        do throws(FileError) { size = try self.size() } catch { throw .file(error) }
        guard size <= StillLimits.fileBytes else {
            throw .unsupported("its file has more than \(StillLimits.fileBytes >> 20) MiB")
        }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        let count: Int
        do throws(FileError) { count = try read(into: &bytes, at: 0) } catch { throw .file(error) }
        bytes.removeLast(bytes.count - count)
        return bytes
    }
}
