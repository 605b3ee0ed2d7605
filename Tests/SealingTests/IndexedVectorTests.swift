import Blobs
import Foundation
import Testing

@testable import Sealing

/// The vectors of indexed blobs, which the peer writes (`Peer/indexed_vectors.py` says what they mean).
struct IndexedVectors: Decodable {
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        let name: String, plaintextBytes: Int, padding: String, paddedBytes: Int64, chunks: Int64, indexOffset: Int64
        let blobBytes: Int, sha256: String, indexSha256: String, firstLeaf: String, lastLeaf: String, root: String
        let blob: String?

        var testDescription: String { name }
    }

    struct Range: Decodable {
        let `case`: String, first: Int, last: Int, sealedFirst: Int64, sealedLast: Int64, sha256: String
    }

    struct Flips: Decodable, Sendable, CustomTestStringConvertible {
        let `case`: String, first: Int, last: Int, xor: String, whole: String?, range: String?

        var testDescription: String { "\(`case`), \(first)…\(last) ^ \(xor)" }
    }

    struct Edit: Decodable, Sendable { let at: Int, hex: String?, from: Int?, count: Int? }

    struct Reading: Decodable, Sendable, CustomTestStringConvertible {
        let name: String, `case`: String, edits: [Edit], root: String?, address: String?, blobBytes: Int?
        let plaintextBytes: Int?, whole: String?, range: String?

        var testDescription: String { name }
    }

    struct BySize: Decodable {
        let plaintextBytes: Int, padding: String, paddedBytes: Int64, indexed: Bool, blobBytes: Int, sha256: String
    }

    let key: String, salt: String, header: String, chunkKey: String, commitment: String
    let bySize: [BySize], cases: [Case], ranges: [Range], flips: [Flips], readings: [Reading]

    static let shared = Result {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let path = folderOfThisTarget + "/Vectors/sealed-blob-v1-indexed.json"
        return try decoder.decode(IndexedVectors.self, from: Data(contentsOf: URL(filePath: path)))
    }
    static var cases: [Case] { (try? shared.get().cases) ?? [] }
    static var flips: [Flips] { (try? shared.get().flips) ?? [] }
    static var readings: [Reading] { (try? shared.get().readings) ?? [] }

    /// The blobs of the cases, sealed here.
    static let samples = Result {
        Dictionary(uniqueKeysWithValues: try shared.get().cases.map { ($0.name, try sample($0)) })
    }

    private static func sample(_ vector: Case) throws -> Sample {
        let padding = try #require(Padding(rawValue: vector.padding))
        return try Sample(patternBytes(vector.plaintextBytes), padding: padding, isIndexed: true)
    }

    static func sample(_ name: String) throws -> Sample { try #require(try samples.get()[name]) }
}

/// What the vectors call the error; nil if there is none.
private func name(_ result: Result<[UInt8], SealingError>) -> String? {
    guard case .failure(let error) = result else { return nil }
    return switch error {
    case .length: "length"
    case .magic: "magic"
    case .version: "version"
    case .suite: "suite"
    case .parameters: "parameters"
    case .commitment: "commitment"
    case .chunk(let number): "chunk(\(number))"
    case .leaf(let number): "leaf(\(number))"
    case .trailer: "trailer"
    case .padding: "padding"
    case .index: "index"
    case .digest: "digest"
    default: error.description
    }
}

@Suite
struct IndexedVectorTests {
    @Test func `are all there`() throws {
        let vectors = try IndexedVectors.shared.get()
        #expect(vectors.cases.map(\.chunks) == [1, 2, 3, 255, 256, 352])
        #expect(vectors.flips.count == 24 && vectors.readings.count == 37)
        let key = try #require(Hexadecimal.decode(vectors.key))
        #expect(key == Sample.keyBytes && Hexadecimal.decode(vectors.salt) == Sample.salt)
        let prefix = SealedHeader.prefix(salt: Sample.salt, isIndexed: true)
        let derived = authenticator(of: Array("sealed-blob/v1".utf8) + [0] + prefix + [1], key: key)
        #expect(Hexadecimal.encode(derived.prefix(32)) == vectors.chunkKey)
        #expect(Hexadecimal.encode(derived.suffix(32)) == vectors.commitment)
        #expect(Hexadecimal.encode(prefix) + vectors.commitment == vectors.header)
    }

    @Test(arguments: IndexedVectors.cases)
    func `seal to the same bytes, and open again`(_ vector: IndexedVectors.Case) throws {
        let sample = try IndexedVectors.sample(vector.name)
        #expect(sample.blob.count == vector.blobBytes && sample.address.hex == vector.sha256)
        #expect(address(of: sample.blob) == sample.address)
        #expect(sample.root.map { Hexadecimal.encode($0.bytes) } == vector.root)
        if let blob = vector.blob { #expect(Hexadecimal.encode(sample.blob) == blob) }
        let geometry = try #require(SealedGeometry(sealedBytes: Int64(vector.blobBytes), isIndexed: true))
        #expect(geometry.chunkCount == vector.chunks && geometry.paddedBytes == vector.paddedBytes)
        #expect(geometry.index?.offset == vector.indexOffset && geometry.index?.end == geometry.sealedBytes)
        let index = Array(sample.blob[Int(vector.indexOffset)...])
        #expect(address(of: index).hex == vector.indexSha256)
        #expect(Hexadecimal.encode(index.prefix(32)) == vector.firstLeaf)
        #expect(Hexadecimal.encode(index.suffix(32)) == vector.lastLeaf)
        #expect(try sample.opened().get() == sample.plaintext)
    }

    @Test func `say what to ask a store for, and what comes of it`() throws {
        let vectors = try IndexedVectors.shared.get()
        #expect(vectors.ranges.count == 16)
        for vector in vectors.ranges {
            let sample = try IndexedVectors.sample(vector.case)
            let size = Int64(sample.plaintext.count)
            let geometry = try #require(SealedGeometry(sealedBytes: Int64(sample.blob.count), isIndexed: true))
            let range = try #require(
                ByteRange(offset: Int64(vector.first), count: Int64(vector.last - vector.first + 1), within: size))
            let sealed = try #require(geometry.sealedRange(forPlaintext: range))
            #expect(sealed.offset == vector.sealedFirst && sealed.last == vector.sealedLast)
            let opened = try sample.openedRange(vector.first..<vector.last + 1).get()
            #expect(address(of: opened).hex == vector.sha256)
        }
    }

    @Test func `say who is indexed: by the padded size alone`() throws {
        for vector in try IndexedVectors.shared.get().bySize {
            let padding = try #require(Padding(rawValue: vector.padding))
            let sample = try Sample(patternBytes(vector.plaintextBytes), padding: padding)
            #expect((sample.root != nil) == vector.indexed && (sample.blob[7] == 1) == vector.indexed)
            #expect(sample.blob.count == vector.blobBytes && sample.address.hex == vector.sha256)
            let geometry = SealedGeometry(paddedBytes: vector.paddedBytes)
            #expect(geometry?.sealedBytes == Int64(vector.blobBytes) && geometry?.isIndexed == vector.indexed)
        }
    }

    /// Every byte of the small blob; of the larger one those at the ends of each stretch, and some between.
    @Test(arguments: IndexedVectors.flips)
    func `each byte turned has its error`(_ flips: IndexedVectors.Flips) throws {
        let sample = try IndexedVectors.sample(flips.case)
        let bits = try #require(UInt8(flips.xor, radix: 16))
        let step = sample.blob.count < 1000 ? 1 : max((flips.last - flips.first) / 3, 1)
        for offset in stride(from: flips.first, through: flips.last, by: step) {
            let turned = sample.with { $0[offset] ^= bits }
            #expect(name(try turned.opened()) == flips.whole, "\(offset)")
            #expect(name(try turned.openedRange()) == flips.range, "\(offset)")
        }
    }

    @Test(arguments: IndexedVectors.readings)
    func `each reading ends as it should, of the whole and of a range`(_ reading: IndexedVectors.Reading) throws {
        let original = try IndexedVectors.sample(reading.case)
        var sample = try original.with { blob in
            for edit in reading.edits {
                let data =
                    try edit.hex.map { try #require(Hexadecimal.decode($0)) }
                    ?? Array(original.blob[try #require(edit.from)...].prefix(try #require(edit.count)))
                blob.replaceSubrange(edit.at..<edit.at + data.count, with: data)
            }
            if let count = reading.blobBytes { blob.removeSubrange(count...) }
        }
        sample.address = try reading.address.map { try #require(BlobAddress(hex: $0)) } ?? address(of: sample.blob)
        sample.root = try reading.root.map { text in
            let bytes = try #require(Hexadecimal.decode(text))
            return try #require(IndexRoot(bytes: bytes))
        }
        let size = reading.plaintextBytes ?? original.plaintext.count
        // Where only one reader refuses, the other is not told of a forgery.
        sample.plaintext = reading.whole == nil && reading.range == nil ? patternBytes(size) : []
        #expect(name(try sample.opened(plaintextSize: Int64(size))) == reading.whole)
        #expect(name(try sample.openedRange(plaintextSize: Int64(size))) == reading.range)
    }
}
