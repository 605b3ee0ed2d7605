@testable import Cleaning

/// A PNG from anywhere, as it is and with checks that are right: those no fuzzer finds.
func fuzzPNG(_ bytes: [UInt8]) {
    checkCleanedTwice(bytes, PNG.clean)
    checkCleanedTwice(withRightChecks(bytes), PNG.clean)
}

/// Every chunk but a last one that is cut short gets its check.
private func withRightChecks(_ bytes: [UInt8]) -> [UInt8] {
    var result = Array(bytes.prefix(8))
    var rest = bytes.dropFirst(8)
    while let length = rest.bigEndian32(at: 0), let name = rest.name(at: 4), let contents = rest.piece(length, at: 8),
        rest.count >= length + 12
    {
        result += PNGChunk.made(name, Array(contents))
        rest = rest.dropFirst(length + 12)
    }
    return result + rest
}
