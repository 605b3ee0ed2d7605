/// A QR code of bytes at error correction level L (ISO/IEC 18004:2015): a square of dark and light modules, without the
/// light zone that has to surround it.
struct QRCode: Sendable {
    /// Modules on each side.
    let size: Int
    /// Row by row; true is dark.
    private(set) var modules: [Bool]
    /// Modules of patterns, format and version, which no mask changes.
    private var fixed: [Bool]

    /// Nil for more bytes than the largest version holds: 2953.
    init?(_ bytes: [UInt8]) {
        guard let version = QRVersion(holding: bytes.count) else { return nil }
        size = version.size
        modules = [Bool](repeating: false, count: size * size)
        fixed = modules
        drawPatterns(version)
        place(QRCodewords.make(bytes, version))
        let plain = self
        let candidates = QRMask.allCases.map { plain.masked($0) }
        if let best = candidates.min(by: { $0.penalty < $1.penalty }) { modules = best.modules }
    }

    /// Whether a module is dark; none is outside.
    func isDark(_ row: Int, _ column: Int) -> Bool {
        (0..<size).contains(row) && (0..<size).contains(column) && modules[row * size + column]
    }

    // MARK: What does not depend on the bytes

    private mutating func fix(_ row: Int, _ column: Int, _ isDark: Bool) {
        guard (0..<size).contains(row), (0..<size).contains(column) else { return }
        modules[row * size + column] = isDark
        fixed[row * size + column] = true
    }

    private mutating func drawPatterns(_ version: QRVersion) {
        for index in 0..<size {
            fix(6, index, index % 2 == 0)
            fix(index, 6, index % 2 == 0)
        }
        // Finders with the light line around them.
        for (row, column) in [(3, 3), (3, size - 4), (size - 4, 3)] { drawSquares(row, column, radius: 4) }
        let centres = version.alignmentCentres
        for row in centres {
            for column in centres where !isFinder(row, column) { drawSquares(row, column, radius: 2) }
        }
        drawFormat(.checkerboard)
        if version.number >= 7 { drawVersion(version.number) }
    }

    private func isFinder(_ row: Int, _ column: Int) -> Bool {
        (row == 6 && (column == 6 || column == size - 7)) || (row == size - 7 && column == 6)
    }

    /// Squares inside each other around a dark middle: of radius 1 and 3 dark for a finder, of radius 2 for an alignment
    /// pattern.
    private mutating func drawSquares(_ row: Int, _ column: Int, radius: Int) {
        for down in -radius...radius {
            for right in -radius...radius {
                let distance = max(abs(down), abs(right))
                let isDark = radius == 4 ? distance != 2 && distance != 4 : distance != 1
                fix(row + down, column + right, isDark)
            }
        }
    }

    /// Level L and the mask with their ten check bits, twice; and the module that is always dark (7.9).
    private mutating func drawFormat(_ mask: QRMask) {
        let word = Self.checked(0b01 << 3 | mask.rawValue, 10, 0b101_0011_0111) ^ 0b101_0100_0001_0010
        let around = Array(0...5) + [7, 8]
        for (bit, line) in around.enumerated() {
            fix(line, 8, word >> bit & 1 != 0)
            fix(8, line, word >> (14 - bit) & 1 != 0)
        }
        for bit in 0..<8 { fix(8, size - 1 - bit, word >> bit & 1 != 0) }
        for bit in 8..<15 { fix(size - 15 + bit, 8, word >> bit & 1 != 0) }
        fix(size - 8, 8, true)
    }

    /// The version with its twelve check bits, twice (7.10).
    private mutating func drawVersion(_ number: Int) {
        let word = Self.checked(number, 12, 0b1_1111_0010_0101)
        for bit in 0..<18 {
            let (line, place) = (bit / 3, size - 11 + bit % 3)
            fix(line, place, word >> bit & 1 != 0)
            fix(place, line, word >> bit & 1 != 0)
        }
    }

    /// The bits with those of their remainder behind them.
    private static func checked(_ bits: Int, _ checkCount: Int, _ divisor: Int) -> Int {
        var rest = bits << checkCount
        while rest >= 1 << checkCount {
            rest ^= divisor << (rest.bitWidth - rest.leadingZeroBitCount - 1 - checkCount)
        }
        return bits << checkCount | rest
    }

    // MARK: The bytes

    /// Fills pairs of columns from the right, upwards and downwards in turn, around the timing pattern (7.7.3).
    private mutating func place(_ codewords: [UInt8]) {
        var bit = 0
        var isUpwards = true
        for right in stride(from: size - 1, through: 1, by: -2).map({ $0 > 6 ? $0 : $0 - 1 }) {
            for step in 0..<size {
                let row = isUpwards ? size - 1 - step : step
                for column in [right, right - 1] where !fixed[row * size + column] && bit < 8 * codewords.count {
                    modules[row * size + column] = codewords[bit / 8] >> (7 - bit % 8) & 1 != 0
                    bit += 1
                }
            }
            isUpwards.toggle()
        }
    }

    private func masked(_ mask: QRMask) -> QRCode {
        var code = self
        for row in 0..<size {
            for column in 0..<size where !fixed[row * size + column] && mask.inverts(row, column) {
                code.modules[row * size + column].toggle()
            }
        }
        code.drawFormat(mask)
        return code
    }
}
