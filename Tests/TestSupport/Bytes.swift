package import Files

/// `count` bytes, each by its place. Tests are not optimized, and there `map` takes ten times as long.
package func makeBytes(_ count: Int, _ byte: (Int) -> UInt8) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var place = 0
    while place < count {
        bytes[place] = byte(place)
        place &+= 1
    }
    return bytes
}

/// The whole of a small file.
package func bytes(ofFile path: String) throws(FileError) -> [UInt8] {
    let file = try OpenFile(path, .read)
    var bytes = [UInt8](repeating: 0, count: Int(try file.size()))
    var span = bytes.mutableSpan
    // Safe: every byte pattern is a byte, here and below.
    var raw = unsafe span.mutableBytes
    let count = try file.read(into: &raw, at: 0)
    bytes.removeLast(bytes.count - count)
    return bytes
}

/// Writes a small new file, or over one that is there.
package func write(_ bytes: [UInt8], toFile path: String) throws(FileError) {
    let file = try OpenFile(path, .openOrCreate(permissions: 0o600))
    try file.truncate(to: 0)
    try unsafe file.write(bytes.span.bytes)
}
