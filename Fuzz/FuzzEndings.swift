import Blobs
import Files

@testable import Sealing

/// Numbers: sizes, and then what stands behind the plaintext in a blob that its sender sealed as nobody should.
///
/// A sender may seal what it likes: it opens only if padding and size are what the format says.
func fuzzEndings(_ bytes: [UInt8]) {
    var numbers = Numbers(bytes)
    let padded = 8 + numbers.number(below: 70_000)
    let isIndexed = numbers.byte() % 2 == 1
    guard let geometry = SealedGeometry(paddedBytes: Int64(padded), isIndexed: isIndexed) else { return }
    let size = numbers.number(below: padded)
    var plain = [UInt8](repeating: 7, count: size) + [UInt8](repeating: 0, count: padded - size)
    let told = numbers.byte() % 2 == 0 ? UInt64(size) : UInt64(numbers.number(below: 1 << 24)) << (numbers.byte() % 41)
    plain.replaceSubrange(padded - 8..<padded, with: told.bigEndianBytes)
    while !numbers.isEmpty { plain[numbers.number(below: padded)] = numbers.byte() }
    let blob = sealed(plain, geometry)
    do {
        try checkEnding(blob, plain, size: Int64(size))
    } catch {
        preconditionFailure("the harness cannot work: \(error)")
    }
}

private func sealed(_ plain: [UInt8], _ geometry: SealedGeometry) -> [UInt8] {
    let salt = [UInt8](repeating: 9, count: SealedHeader.saltBytes)
    let prefix = SealedHeader.prefix(salt: salt, isIndexed: geometry.isIndexed)
    let key = ChunkKey(Vessel.key(), headerPrefix: prefix)
    var blob = SealedHeader(prefix: prefix, commitment: key.commitment).bytes
    let run = ChunkRun(chunks: 0...geometry.chunkCount - 1, of: geometry)
    var chunks = [UInt8](repeating: 0, count: Int(run.sealed.count))
    plain.withBytes { plain in
        chunks.withMutableBytes { key.seal(plain, into: &$0, as: run) }
    }
    blob += chunks
    return geometry.isIndexed ? blob + run.leaves(of: chunks) : blob
}

private func checkEnding(_ blob: [UInt8], _ plain: [UInt8], size: Int64) throws(FileError) {
    let output = try scratch()
    let input = try scratch(blob)
    let body = plain.dropLast(SealedGeometry.trailerBytes)
    let isGood =
        size <= body.count && plain.suffix(SealedGeometry.trailerBytes).elementsEqual(UInt64(size).bigEndianBytes)
        && body.dropFirst(Int(size)).allSatisfy { $0 == 0 }
    do throws(SealingError) {
        try open(input, address: address(of: blob), plaintextSize: size, key: Vessel.key(), into: output)
        check(isGood, "a blob that ends in another way is not opened")
        let opened = try onFile { () throws(FileError) in try contents(of: output) }
        check(opened == Array(body.prefix(Int(size))), "what comes out is what went in")
    } catch {
        check(!isGood, "a blob that ends as it should is opened")
        check([.trailer, .padding].contains(error), "and its end is what is told: \(error)")
        check(try output.size() == 0, "nothing is left of what did not open")
    }
}
