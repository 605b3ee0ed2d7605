import Blobs
import Files

@testable import Sealing

/// A sealed blob and all it takes to open it.
struct Vessel: Sendable {
    static let keyBytes = [UInt8](0..<32)
    private static let sizes = [0, 1, 8, 100, 65_528, 65_536, 131_064, 140_000]
    /// One for each size and padding, with an index and without, sealed once: the harness is about opening.
    private static let all = sizes.flatMap { size in
        Padding.allCases.flatMap { padding in
            [false, true].map { isIndexed in
                Vessel(
                    size: size, padding: padding, isIndexed: isIndexed,
                    salt: [UInt8](repeating: UInt8(size % 251), count: 24))
            }
        }
    }

    let plaintext: [UInt8]
    let blob: [UInt8]
    let address: BlobAddress
    /// Nil for a blob without an index.
    let root: IndexRoot?

    /// One that is there already.
    static func chosen(by number: UInt8) -> Vessel { all[Int(number) % all.count] }

    private init(size: Int, padding: Padding, isIndexed: Bool, salt: [UInt8]) {
        plaintext = (0..<size).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8) }
        do {
            let output = try scratch()
            let sealed = try seal(
                scratch(plaintext), into: output, key: Self.key(), salt: salt, padding: padding, isIndexed: isIndexed,
                progress: { _ in })
            address = sealed.address
            root = sealed.root
            blob = try contents(of: output)
        } catch {
            preconditionFailure("what is good can be sealed: \(error)")
        }
    }

    static func key() -> MediaKey {
        guard let key = MediaKey(bytes: keyBytes) else { preconditionFailure("32 bytes are a key") }
        return key
    }
}

/// A file that has no name and goes when it is closed.
func scratch(_ bytes: [UInt8] = []) throws(FileError) -> OpenFile {
    let file = try OpenFile.unnamed(in: "/dev/shm")
    try file.write(bytes, at: 0)
    return file
}

/// All that a file holds.
func contents(of file: borrowing OpenFile) throws(FileError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Int(try file.size()))
    _ = try file.read(into: &bytes, at: 0)
    return bytes
}

func address(of bytes: [UInt8]) -> BlobAddress {
    var hasher = BlobHasher()
    bytes.withBytes { hasher.update($0) }
    return hasher.address()
}
