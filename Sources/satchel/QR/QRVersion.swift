/// A size of QR code, and what it holds at error correction level L: tables 1, 7 and 9, and annex E, of ISO/IEC
/// 18004:2015.
struct QRVersion: Hashable, Sendable {
    /// 1…40.
    let number: Int

    /// The smallest version that holds so many bytes; nil if none does.
    init?(holding byteCount: Int) {
        guard let fitting = (1...40).map(QRVersion.init(number:)).first(where: { $0.byteLimit >= byteCount }) else {
            return nil
        }
        self = fitting
    }

    private init(number: Int) { self.number = number }

    /// Modules on each side.
    var size: Int { 17 + 4 * number }

    /// Bits that write how many bytes there are.
    var lengthBits: Int { number < 10 ? 8 : 16 }

    /// Blocks that are corrected each for itself.
    var blockCount: Int { Self.blockCounts[number - 1] }

    /// Check codewords of each block.
    var checkCount: Int { Self.checkCounts[number - 1] }

    /// Codewords in all: what is left of the square beside its patterns, its format and its version.
    var codewordCount: Int {
        let centres = alignmentCentres.count
        let finders = 3 * 64
        let timing = 2 * (size - 16)
        // Three of the alignment patterns would lie on a finder; others share five modules with a timing pattern.
        let alignment = centres == 0 ? 0 : 25 * (centres * centres - 3) - 10 * (centres - 2)
        let words = 31 + (number < 7 ? 0 : 36)
        return (size * size - finders - timing - alignment - words) / 8
    }

    var dataCount: Int { codewordCount - blockCount * checkCount }

    /// The most bytes in byte mode.
    var byteLimit: Int { (8 * dataCount - 4 - lengthBits) / 8 }

    /// Rows, and columns, of the middles of alignment patterns: 6, the last but six, and between them at even distances.
    var alignmentCentres: [Int] {
        if number == 1 { return [] }
        let gaps = number / 7 + 1
        let span = size - 13
        // The distance is even, and the same for all gaps but the first, which takes what is left. Version 32 is the one
        // that is not rounded up.
        let step = number == 32 ? 26 : (span + 2 * gaps - 1) / (2 * gaps) * 2
        return [6] + (0..<gaps).reversed().map { size - 7 - $0 * step }
    }

    private static let checkCounts = [
        7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28,
        28, 28, 30, 30, 26, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30,
    ]

    private static let blockCounts = [
        1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8,
        8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22, 24, 25,
    ]
}
