import Files

extension OpenFile {
    /// Hands out every line of the file, without its end; those of more than `limitBytes` are left aside.
    borrowing func forEachLine(
        limitBytes: Int, _ body: ([UInt8]) throws(FileError) -> Void
    ) throws(FileError) {
        var line: [UInt8] = []
        var isTooLong = false
        var offset: Int64 = 0
        while true {
            let piece = try bytes(64 * 1024, at: offset)
            if piece.isEmpty { break }
            offset += Int64(piece.count)
            var rest = piece[...]
            while let end = rest.firstIndex(of: 0x0a) {
                if !isTooLong, line.count + rest[..<end].count <= limitBytes { try body(line + rest[..<end]) }
                line = []
                isTooLong = false
                rest = rest[(end + 1)...]
            }
            isTooLong = isTooLong || line.count + rest.count > limitBytes
            if isTooLong { line = [] } else { line += rest }
        }
        if !line.isEmpty { try body(line) }
    }
}
