import Files
import Glibc

/// What can happen to the bytes of a blob behind the back of its store.
package enum Harm: String, CaseIterable, Sendable {
    case flipped, cut, gone

    /// What is left of `bytes`; nil for nothing.
    func applied(to bytes: [UInt8]) -> [UInt8]? {
        switch self {
        case .flipped:
            var bytes = bytes
            bytes[bytes.count / 2] ^= 0x10
            return bytes
        case .cut: return Array(bytes.prefix(3))
        case .gone: return nil
        }
    }

    /// Does it to a file.
    package func inflict(onFile path: String) throws {
        switch self {
        case .flipped: try flipBit(ofFile: path)
        case .cut:
            try OpenFile(path, .read).setPermissions(0o600)
            try OpenFile(path, .update).truncate(to: 3)
        case .gone: try Folder.remove(path)
        }
    }
}

/// Flips one bit in the middle of a file, which is read-only before and after.
package func flipBit(ofFile path: String) throws {
    let size = try Folder.status(path)?.size ?? 0
    _ = unsafe chmod(path, 0o600)
    let file = try OpenFile(path, .update)
    var byte: [UInt8] = [0]
    _ = try file.read(into: &byte, at: size / 2)
    try file.write([byte[0] ^ 0x10], at: size / 2)
    try file.setPermissions(0o400)
}
