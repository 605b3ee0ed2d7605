import Files
import Foundation
import Testing

/// A folder that goes with this value.
final class TestFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "cleaning-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A new file with these bytes, open for reading and writing.
    func file(_ bytes: [UInt8], named name: String = UUID().uuidString) throws -> OpenFile {
        let file = try OpenFile("\(path)/\(name)", .create(permissions: 0o600))
        try file.write(bytes)
        return file
    }

    /// All bytes of a file.
    static func bytes(of file: borrowing OpenFile) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(try file.size()))
        #expect(try file.read(into: &bytes, at: 0) == bytes.count)
        return bytes
    }
}
