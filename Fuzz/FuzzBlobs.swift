import Blobs
import Files

@testable import Sealing

/// Numbers: which blob, and what is done to it; the one who does it knows its address, and its key only if it has an index.
///
/// A blob that was changed is not opened, and nothing of it is left behind; of a partial one exactly the bytes are kept
/// that are the right ones; a range that is read is the plaintext's, or ends in an error where it no longer is. With an
/// index, what does not verify holds all that is wrong.
func fuzzBlobs(_ bytes: [UInt8]) {
    var numbers = Numbers(bytes)
    let vessel = Vessel.chosen(by: numbers.byte())
    let other = Vessel.chosen(by: numbers.byte())
    var blob = vessel.blob
    var isForged = false
    while !numbers.isEmpty {
        if vessel.root != nil, numbers.byte() % 8 == 0 {
            forge(&blob, by: &numbers)
            isForged = true
        } else {
            change(&blob, with: other, by: &numbers)
        }
    }
    do {
        try checkOpening(blob, of: vessel)
        if !isForged { try checkPrefix(blob, of: vessel) }
        try checkUnverified(blob, of: vessel)
        try checkRange(blob, of: vessel, by: Numbers(bytes.reversed()))
    } catch {
        preconditionFailure("the harness cannot work: \(error)")
    }
}

private func change(_ blob: inout [UInt8], with other: Vessel, by numbers: inout Numbers) {
    let kind = numbers.byte()
    let place = numbers.number(below: blob.count + 1)
    let chunk = SealedGeometry.sealedChunkBytes
    switch kind % 8 {
    case 0 where place < blob.count: blob[place] ^= numbers.byte()
    case 1: blob.removeSubrange(place...)
    case 2: blob.append(contentsOf: [UInt8](repeating: numbers.byte(), count: numbers.number(below: 70_000)))
    case 3: blob.insert(numbers.byte(), at: place)
    case 4 where place < blob.count: blob.remove(at: place)
    case 5 where blob.count >= 64 + 2 * chunk:
        let first = Array(blob[64..<64 + chunk])
        blob.replaceSubrange(64..<64 + chunk, with: blob[64 + chunk..<64 + 2 * chunk])
        blob.replaceSubrange(64 + chunk..<64 + 2 * chunk, with: first)
    case 6 where place < min(blob.count, other.blob.count):
        let end = min(place + numbers.number(below: 2 * chunk), blob.count, other.blob.count)
        if end > place { blob.replaceSubrange(place..<end, with: other.blob[place..<end]) }
    default: blob = Array(other.blob.prefix(place)) + blob.dropFirst(place)
    }
}

/// What an insider can do: a chunk with other contents and the right tag.
private func forge(_ blob: inout [UInt8], by numbers: inout Numbers) {
    guard blob.count >= 64, let header = try? SealedHeader(parsing: blob),
        let geometry = SealedGeometry(sealedBytes: Int64(blob.count), isIndexed: header.isIndexed)
    else { return }
    let index = Int64(numbers.number(below: Int(geometry.chunkCount)))
    let run = ChunkRun(chunks: index...index, of: geometry)
    let plain = [UInt8](repeating: numbers.byte(), count: run.paddedCount)
    var sealed = [UInt8](repeating: 0, count: Int(run.sealed.count))
    let key = ChunkKey(Vessel.key(), headerPrefix: header.prefix)
    plain.withBytes { plain in
        sealed.withMutableBytes { key.seal(plain, into: &$0, as: run) }
    }
    blob.replaceSubrange(Int(run.sealed.offset)..<Int(run.sealed.end), with: sealed)
}

private func checkOpening(_ blob: [UInt8], of vessel: Vessel) throws(FileError) {
    let input = try scratch(blob)
    let output = try scratch([1, 2, 3])
    let size = Int64(vessel.plaintext.count)
    // With the address of what came: that the digest would tell is no excuse for the tags.
    do throws(SealingError) {
        try open(
            input, address: address(of: blob), plaintextSize: size, root: vessel.root, key: Vessel.key(), into: output)
        check(
            blob == vessel.blob || vessel.root == nil && isAnother(blob), "a blob that was changed is not opened")
        let opened = try onFile { () throws(FileError) in try contents(of: output) }
        check(Int64(opened.count) == size, "as much comes out as the message says")
        check(blob != vessel.blob || opened == vessel.plaintext, "what comes out is what went in")
    } catch {
        check(blob != vessel.blob, "a good blob opens")
        check(try output.size() == 0, "nothing is left of what did not open")
    }
}

/// Another blob of the same key, whole: then that one was put into this one's place.
private func isAnother(_ blob: [UInt8]) -> Bool {
    (0...UInt8.max).contains { Vessel.chosen(by: $0).blob == blob }
}

private func checkPrefix(_ blob: [UInt8], of vessel: Vessel) throws(FileError) {
    let partial = try scratch(blob)
    do throws(SealingError) {
        let kept = try verifiedPrefix(of: partial, sealedSize: Int64(vessel.blob.count), key: Vessel.key())
        check(kept >= 0 && kept <= blob.count, "no more is kept than is there")
        if blob.prefix(64) == vessel.blob.prefix(64) {
            check(kept >= min(64, Int64(blob.count)) || blob.count < 64, "a good header is kept")
            check(blob.prefix(Int(kept)) == vessel.blob.prefix(Int(kept)), "only good bytes are kept")
        }
    } catch {
        check(false, "a partial download is looked at without an error: \(error)")
    }
}

private func checkUnverified(_ blob: [UInt8], of vessel: Vessel) throws(FileError) {
    guard let root = vessel.root, blob.count == vessel.blob.count else { return }
    let file = try scratch(blob)
    do throws(SealingError) {
        guard let range = try unverifiedRange(of: file, key: Vessel.key(), root: root) else {
            return check(blob == vessel.blob, "what verifies is right")
        }
        check(blob != vessel.blob, "what is right verifies")
        // Behind a wrong header nothing can be verified.
        guard range.end != Int64(SealedGeometry.headerBytes) else { return }
        let kept = [0..<Int(range.offset), Int(range.end)..<blob.count]
        check(kept.allSatisfy { blob[$0] == vessel.blob[$0] }, "only good bytes are kept")
    } catch {
        check(false, "a download is looked at without an error: \(error)")
    }
}

private func checkRange(_ blob: [UInt8], of vessel: Vessel, by numbers: consuming Numbers) throws(FileError) {
    guard !vessel.plaintext.isEmpty, vessel.root != nil || blob.prefix(64) == vessel.blob.prefix(64) else { return }
    let offset = numbers.number(below: vessel.plaintext.count)
    let count = numbers.number(below: vessel.plaintext.count - offset) + 1
    let size = Int64(vessel.plaintext.count)
    guard let range = ByteRange(offset: Int64(offset), count: Int64(count), within: size) else {
        check(false, "a range within the plaintext")
        return
    }
    var delivered: [UInt8] = []
    let file = try scratch(blob)
    let isWhole: Bool
    do throws(SealingError) {
        try openRange(
            range, of: file, plaintextSize: size, root: vessel.root, key: Vessel.key()
        ) { piece throws(SealingError) in
            delivered += piece
        }
        isWhole = true
    } catch {
        isWhole = false
    }
    check(!isWhole || delivered.count == count, "all of a range comes, or an error")
    check(isWhole || blob != vessel.blob, "a good blob gives every range")
    check(vessel.plaintext[offset..<offset + count].starts(with: delivered), "a range is the plaintext's")
}
