import Blobs
import Foundation
import TestSupport
import Testing

@testable import Sealing

/// The second implementation, in Python, and whether it can run here.
private enum Peer {
    static let isHere = (try? run("-c", "import cryptography")) == 0

    /// Runs Python and waits for it; gives its exit code.
    static func run(_ arguments: String...) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3"] + arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }

    static func call(_ arguments: String...) throws -> Bool { try call(arguments) }

    static func call(_ arguments: [String]) throws -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", folderOfThisTarget + "/Peer/sealed_blob.py"] + arguments
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}

@Suite(.enabled(if: Peer.isHere, "python3 with the package cryptography (Debian: python3-cryptography) is not here"))
struct PeerTests {
    /// Whether other suites can run it too.
    static let isPeerHere = Peer.isHere

    /// The last one gets an index.
    static let sizes = [0, 65_529, 65_531, 300_000, 1_048_568]

    @Test(arguments: sizes, Padding.allCases)
    func `opens what is sealed here, the whole and a range`(_ size: Int, _ padding: Padding) throws {
        let folder = try TemporaryFolder()
        var generator = SeededGenerator(seed: UInt64(size))
        let sample = try Sample(
            generator.bytes(size), padding: padding, key: generator.bytes(32), salt: generator.bytes(24))
        #expect((sample.root != nil) == (size > 1_000_000))
        let root = sample.root.map { [Hexadecimal.encode($0.bytes)] } ?? []
        try write(sample.blob, toFile: folder.path("blob"))
        let key = Hexadecimal.encode(sample.key)
        #expect(try Peer.call(["open", key, folder.path("blob"), folder.path("plain")] + root))
        #expect(try bytes(ofFile: folder.path("plain")) == sample.plaintext)
        guard size > 0 else { return }
        let range = ["range", key, folder.path("blob"), "\(size)", "\(size / 3)", "\(size - 1)", folder.path("part")]
        #expect(try Peer.call(range + root))
        #expect(try bytes(ofFile: folder.path("part")) == Array(sample.plaintext[(size / 3)...]))
    }

    @Test func `writes the vectors of indexed blobs as they are here`() throws {
        let folder = try TemporaryFolder()
        #expect(try Peer.run(folderOfThisTarget + "/Peer/indexed_vectors.py", folder.path("vectors")) == 0)
        let committed = folderOfThisTarget + "/Vectors/sealed-blob-v1-indexed.json"
        #expect(try bytes(ofFile: folder.path("vectors")) == bytes(ofFile: committed))
    }

    @Test(arguments: sizes, Padding.allCases)
    func `seals what is opened here, to the same bytes`(_ size: Int, _ padding: Padding) throws {
        let folder = try TemporaryFolder()
        var generator = SeededGenerator(seed: UInt64(size))
        var sample = try Sample(generator.bytes(size), padding: padding, key: generator.bytes(32), salt: Sample.salt)
        try write(sample.plaintext, toFile: folder.path("plain"))
        let isSealed = try Peer.call(
            "seal", Hexadecimal.encode(sample.key), Hexadecimal.encode(Sample.salt), padding.rawValue,
            folder.path("plain"), folder.path("blob"))
        #expect(isSealed)
        let theirs = try bytes(ofFile: folder.path("blob"))
        #expect(theirs == sample.blob)
        sample.blob = theirs
        #expect(try sample.opened().get() == sample.plaintext)
    }

    /// Without the commitment this blob would open under both keys: the tag of its one chunk is right under both.
    @Test func `makes a blob with a right tag under two keys, which opens under the one it is committed to`() throws {
        let folder = try TemporaryFolder()
        let other = [UInt8](repeating: 0xaa, count: 32)
        let isMade = try Peer.call(
            "salamander", Hexadecimal.encode(Sample.keyBytes), Hexadecimal.encode(other),
            Hexadecimal.encode(Sample.salt), folder.path("blob"), folder.path("plain"))
        try #require(isMade)
        var sample = try Sample([])
        sample.blob = try bytes(ofFile: folder.path("blob"))
        sample.plaintext = try bytes(ofFile: folder.path("plain"))
        sample.address = address(of: sample.blob)
        #expect(try sample.opened().get() == sample.plaintext)
        #expect(try sample.opened(key: other) == .failure(.commitment))

        // That the tag is right under the other key too shows when the commitment is exchanged: no `.chunk` any more.
        let prefix = SealedHeader.prefix(salt: Sample.salt, isIndexed: false)
        let commitment = ChunkKey(try mediaKey(other), headerPrefix: prefix).commitment
        let exchanged = sample.with { $0.replaceSubrange(32..<64, with: commitment) }
        #expect(try exchanged.opened(key: other) == .failure(.trailer))
        #expect(try exchanged.opened() == .failure(.commitment))
    }
}
