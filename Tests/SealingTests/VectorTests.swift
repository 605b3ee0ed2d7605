import Blobs
import Foundation
import Testing

@testable import Sealing

/// The vectors that every implementation of the format shares.
struct Vectors: Decodable {
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        let plaintextBytes: Int
        let padding: String
        let paddedBytes: Int64
        let chunks: Int64
        let blobBytes: Int64
        let sha256: String

        var testDescription: String { "\(plaintextBytes) bytes, padding \(padding)" }
    }

    let key: String
    let salt: String
    let header: String
    let chunkKey: String
    let commitment: String
    let emptyUnpaddedBlob: String
    let cases: [Case]

    static let shared = Result {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let path = folderOfThisTarget + "/Vectors/sealed-blob-v1.json"
        return try decoder.decode(Vectors.self, from: Data(contentsOf: URL(filePath: path)))
    }
    static var cases: [Case] { (try? shared.get().cases) ?? [] }
}

/// The folder that holds these tests, with what they read.
let folderOfThisTarget = URL(filePath: #filePath).deletingLastPathComponent().path

func environmentHas(_ name: String) -> Bool { ProcessInfo.processInfo.environment[name] != nil }

@Suite
struct VectorTests {
    @Test func `are all there`() throws {
        #expect(try Vectors.shared.get().cases.count == 9)
    }

    @Test(arguments: Vectors.cases)
    func `seal to the same bytes, and open again`(_ vector: Vectors.Case) throws {
        let vectors = try Vectors.shared.get()
        let padding = try #require(Padding(rawValue: vector.padding))
        let sample = try Sample(
            patternBytes(vector.plaintextBytes), padding: padding,
            key: try #require(Hexadecimal.decode(vectors.key)), salt: try #require(Hexadecimal.decode(vectors.salt)),
            isIndexed: false)
        #expect(Hexadecimal.encode(sample.blob.prefix(64)) == vectors.header)
        #expect(sample.blob.count == Int(vector.blobBytes))
        #expect(sample.address.hex == vector.sha256)
        #expect(address(of: sample.blob) == sample.address)
        let geometry = try #require(SealedGeometry(sealedBytes: vector.blobBytes, isIndexed: false))
        #expect(geometry.chunkCount == vector.chunks)
        #expect(geometry.paddedBytes == vector.paddedBytes)
        #expect(try sample.opened().get() == sample.plaintext)
    }

    @Test func `give the key schedule`() throws {
        let vectors = try Vectors.shared.get()
        let prefix = SealedHeader.prefix(salt: try #require(Hexadecimal.decode(vectors.salt)), isIndexed: false)
        let message = Array("sealed-blob/v1".utf8) + [0] + prefix + [1]
        let key = try #require(Hexadecimal.decode(vectors.key))
        let material = authenticator(of: message, key: key)
        #expect(Hexadecimal.encode(material.prefix(32)) == vectors.chunkKey)
        #expect(Hexadecimal.encode(material.suffix(32)) == vectors.commitment)
        #expect(ChunkKey(try mediaKey(key), headerPrefix: prefix).commitment == Array(material.suffix(32)))
    }

    @Test func `give the smallest blob byte for byte`() throws {
        #expect(Hexadecimal.encode(try Sample([]).blob) == (try Vectors.shared.get().emptyUnpaddedBlob))
    }
}

/// HMAC-SHA-512 through the door to libsodium.
func authenticator(of message: [UInt8], key: [UInt8]) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: 64)
    message.withBytes { message in
        key.withBytes { key in
            result.withMutableBytes { Sodium.authenticate(message, key: key, into: &$0) }
        }
    }
    return result
}

@Suite
struct KnownAnswerTests {
    @Test func `agrees with RFC 8439 §2.8.2`() throws {
        let key = [UInt8](0x80...0x9f)
        let nonce: [UInt8] = [7, 0, 0, 0] + (0x40...0x47)
        let data = try #require(Hexadecimal.decode("50515253c0c1c2c3c4c5c6c7"))
        let plaintext = Array(
            """
            Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
            sunscreen would be it.
            """.utf8)
        let expected = """
            d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b\
            1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc\
            3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691
            """
        var sealed = [UInt8](repeating: 0, count: plaintext.count + 16)
        withAll(plaintext, nonce, key, data) { plaintext, nonce, key, data in
            sealed.withMutableBytes {
                Sodium.seal(plaintext, into: &$0, nonce: nonce, key: key, associatedData: data)
            }
        }
        #expect(Hexadecimal.encode(sealed) == expected)
        var opened = [UInt8](repeating: 0, count: plaintext.count)
        let isGenuine = withAll(sealed, nonce, key, data) { sealed, nonce, key, data in
            opened.withMutableBytes { Sodium.open(sealed, into: &$0, nonce: nonce, key: key, associatedData: data) }
        }
        #expect(isGenuine && opened == plaintext)
    }

    /// Keys shorter than a block are filled with zeros (RFC 2104 §2), so those below 32 bytes can be tried here.
    @Test(
        arguments: [
            (
                "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", Array("Hi There".utf8),
                """
                87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde\
                daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854
                """
            ),
            (
                "4a656665", Array("what do ya want for nothing?".utf8),
                """
                164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
                9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737
                """
            ),
            (
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", [UInt8](repeating: 0xdd, count: 50),
                """
                fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39\
                bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb
                """
            ),
            (
                "0102030405060708090a0b0c0d0e0f10111213141516171819", [UInt8](repeating: 0xcd, count: 50),
                """
                b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db\
                a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd
                """
            ),
        ] as [(String, [UInt8], String)])
    func `agrees with RFC 4231 §4.2 to §4.5`(_ key: String, _ message: [UInt8], _ expected: String) throws {
        let short = try #require(Hexadecimal.decode(key))
        let key = short + [UInt8](repeating: 0, count: 32 - short.count)
        #expect(Hexadecimal.encode(authenticator(of: message, key: key)) == expected)
    }

    private func withAll<Result>(
        _ a: [UInt8], _ b: [UInt8], _ c: [UInt8], _ d: [UInt8], _ body: (RawSpan, RawSpan, RawSpan, RawSpan) -> Result
    ) -> Result {
        a.withBytes { a in b.withBytes { b in c.withBytes { c in d.withBytes { d in body(a, b, c, d) } } } }
    }
}
