import Blobs
import Files
import Foundation
import TestSupport
import Testing

@testable import Sealing

/// Files as other chat clients encrypt them, by the vectors of the Python package `cryptography`.
@Suite
struct GCMFileTests {
    struct Vectors: Decodable {
        struct Case: Decodable, Sendable, CustomTestStringConvertible {
            let plaintextBytes: Int
            let nonce: String
            let sha256: String
            let tag: String

            var testDescription: String { "\(plaintextBytes) bytes, a nonce of \(nonce.count / 2)" }
        }

        let key: String
        let cases: [Case]
    }

    private static let vectors = Result {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(
            Vectors.self, from: Data(contentsOf: URL(filePath: folderOfThisTarget + "/Vectors/aesgcm.json")))
    }
    static var cases: [Vectors.Case] { (try? vectors.get().cases) ?? [] }

    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A new file with these bytes.
    private func file(_ bytes: [UInt8] = []) throws -> OpenFile {
        let path = folder.path("\(UInt64.random(in: .min ... .max))")
        try write(bytes, toFile: path)
        return try OpenFile(path, .update)
    }

    private func encrypted(_ plaintext: [UInt8], _ key: [UInt8], _ nonce: [UInt8]) throws -> [UInt8] {
        let output = try file()
        try GCMFile.encrypt(try file(plaintext), into: output, key: try mediaKey(key), nonce: nonce)
        return try bytes(ofFile: output.path)
    }

    /// What decrypting leaves behind over an older and longer file.
    private func decrypted(_ bytes: [UInt8], _ key: [UInt8], _ nonce: [UInt8]) throws -> Result<[UInt8], SealingError> {
        let output = try file([UInt8](repeating: 7, count: bytes.count + 100))
        let input = try file(bytes)
        let key = try mediaKey(key)
        do throws(SealingError) {
            try GCMFile.decrypt(input, into: output, key: key, nonce: nonce)
        } catch {
            let left = try output.size()
            #expect(left == 0, "\(left) bytes of plaintext were left behind after \(error)")
            return .failure(error)
        }
        return .success(try TestSupport.bytes(ofFile: output.path))
    }

    @Test func `vectors are all there`() throws { #expect(try Self.vectors.get().cases.count == 20) }

    @Test(arguments: cases)
    func `are encrypted to the same bytes, and decrypted again`(_ vector: Vectors.Case) throws {
        let key = try #require(Hexadecimal.decode(Self.vectors.get().key))
        let nonce = try #require(Hexadecimal.decode(vector.nonce))
        let plaintext = patternBytes(vector.plaintextBytes)
        let file = try encrypted(plaintext, key, nonce)
        #expect(file.count == plaintext.count + 16 && Hexadecimal.encode(file.suffix(16)) == vector.tag)
        #expect(address(of: file).hex == vector.sha256)
        #expect(try decrypted(file, key, nonce) == .success(plaintext))
    }

    @Test(
        .enabled(
            if: PeerTests.isPeerHere, "python3 with the package cryptography (Debian: python3-cryptography) is not here"
        ))
    func `are the vectors that the peer writes`() throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", folderOfThisTarget + "/Peer/aesgcm_vectors.py", folder.path("vectors")]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let committed = folderOfThisTarget + "/Vectors/aesgcm.json"
        #expect(try bytes(ofFile: folder.path("vectors")) == bytes(ofFile: committed))
    }

    @Test(arguments: [0, 262_000, 524_300, 600_000, 600_015])
    func `with one wrong bit give nothing`(place: Int) throws {
        let (key, nonce) = (Sample.keyBytes, [UInt8](1...12))
        var file = try encrypted(patternBytes(600_000), key, nonce)
        file[place] ^= 1
        #expect(try decrypted(file, key, nonce) == .failure(.tag))
    }

    @Test func `give nothing for another key or nonce, nor if something is missing`() throws {
        let (key, nonce) = (Sample.keyBytes, [UInt8](1...12))
        let file = try encrypted(patternBytes(1000), key, nonce)
        #expect(try decrypted(file, key.reversed(), nonce) == .failure(.tag))
        #expect(try decrypted(file, key, nonce.reversed()) == .failure(.tag))
        #expect(try decrypted(file, key, nonce + [0, 0, 0, 1]) == .failure(.tag))
        #expect(try decrypted(file.dropLast(), key, nonce) == .failure(.tag))
        #expect(try decrypted(Array(file.dropFirst()), key, nonce) == .failure(.tag))
        #expect(try decrypted(Array(file.prefix(15)), key, nonce) == .failure(.noTag(15)))
        #expect(try decrypted([], key, nonce) == .failure(.noTag(0)))
    }

    @Test func `have a limit, which is looked at before a byte is read`() throws {
        let key = try mediaKey(Sample.keyBytes)
        let large = try file()
        try large.truncate(to: GCMFile.limitBytes + 1)
        let output = try file()
        #expect(throws: SealingError.tooLarge(limitBytes: 512 << 20)) {
            try GCMFile.encrypt(large, into: output, key: key, nonce: GCMFile.freshNonce())
        }
        try large.truncate(to: GCMFile.limitBytes + 17)
        #expect(throws: SealingError.tooLarge(limitBytes: 512 << 20)) {
            try GCMFile.decrypt(large, into: output, key: key, nonce: GCMFile.freshNonce())
        }
        #expect(try output.size() == 0)
    }

    @Test func `have a nonce of their own each`() {
        let nonces = (0..<100).map { _ in GCMFile.freshNonce() }
        #expect(Set(nonces).count == 100 && nonces.allSatisfy { $0.count == 12 })
    }
}
