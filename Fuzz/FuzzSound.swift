@testable import Cleaning

/// Sound from anywhere that is no film's: frames of MPEG and AAC with their tags, AMR, FLAC, Ogg. Those with checks are
/// tried with right ones as well.
func fuzzSound(_ bytes: [UInt8]) {
    _ = MediaType.sniff(bytes)
    checkCleanedTwice(bytes, MP3.clean)
    checkCleanedTwice(bytes, AAC.clean)
    checkCleanedTwice(bytes, AMR.clean)
    checkCleanedTwice(bytes, FLAC.clean)
    checkCleanedTwice(withRightEnd(bytes), FLAC.clean)
    checkCleanedTwice(bytes, Ogg.clean)
    checkCleanedTwice(withRightPages(bytes), Ogg.clean)
}

/// The last two bytes become the check of a last frame, which is all that follows the first mark of one.
private func withRightEnd(_ bytes: [UInt8]) -> [UInt8] {
    guard let start = bytes[...].firstPlace(of: [0xFF, 0xF8]), start < bytes.count - 2 else { return bytes }
    var sum = CyclicCheck(.flac)
    sum.add(bytes[start...].dropLast(2))
    return bytes.dropLast(2) + [UInt8(sum.state & 0xFF), UInt8(sum.state >> 8 & 0xFF)]
}

/// Every page of Ogg gets its check.
private func withRightPages(_ bytes: [UInt8]) -> [UInt8] {
    var result = bytes
    var start = 0
    while bytes.count - start >= OggPage.headerBytes, bytes[start...].starts(with: "OggS".utf8) {
        let lacing = bytes[(start + OggPage.headerBytes)...].prefix(Int(bytes[start + 26]))
        let end = lacing.reduce(start + OggPage.headerBytes + lacing.count) { $0 + Int($1) }
        if end > bytes.count { break }
        result.replaceSubrange(start + 22..<start + 26, with: [0, 0, 0, 0])
        var sum = CyclicCheck(.ogg)
        sum.add(result[start..<end])
        result.replaceSubrange(start + 22..<start + 26, with: sum.state.bigEndianBytes)
        start = end
    }
    return result
}
