/// The patterns by which data is inverted, so that no area looks like a part of the code's frame (ISO/IEC 18004:2015,
/// table 10).
enum QRMask: Int, CaseIterable {
    case checkerboard, rows, columns, diagonals, bricks, flowers, knots, weave

    func inverts(_ row: Int, _ column: Int) -> Bool {
        let product = row * column
        return switch self {
        case .checkerboard: (row + column) % 2 == 0
        case .rows: row % 2 == 0
        case .columns: column % 3 == 0
        case .diagonals: (row + column) % 3 == 0
        case .bricks: (row / 2 + column / 3) % 2 == 0
        case .flowers: product % 2 + product % 3 == 0
        case .knots: (product % 2 + product % 3) % 2 == 0
        case .weave: ((row + column) % 2 + product % 3) % 2 == 0
        }
    }
}

/// How hard a code is to read (7.8.3): the mask with the least is taken.
extension QRCode {
    var penalty: Int {
        let lines = (0..<size).flatMap { line in
            [(0..<size).map { isDark(line, $0) }, (0..<size).map { isDark($0, line) }]
        }
        return lines.reduce(blocks + balance) { $0 + Self.runs($1) + Self.finders($1) }
    }

    /// Three for five of one colour in a row, and one for each more.
    private static func runs(_ line: [Bool]) -> Int {
        var (penalty, length) = (0, 0)
        for (index, isDark) in line.enumerated() {
            length = index > 0 && line[index - 1] == isDark ? length + 1 : 1
            if length == 5 { penalty += 3 } else if length > 5 { penalty += 1 }
        }
        return penalty
    }

    /// Three for each square of four of one colour.
    private var blocks: Int {
        var count = 0
        for row in 0..<size - 1 {
            for column in 0..<size - 1 {
                let isDark = isDark(row, column)
                let isBlock =
                    self.isDark(row, column + 1) == isDark && self.isDark(row + 1, column) == isDark
                    && self.isDark(row + 1, column + 1) == isDark
                if isBlock { count += 1 }
            }
        }
        return 3 * count
    }

    /// Forty for what looks like a finder, with four light modules before or behind it.
    private static func finders(_ line: [Bool]) -> Int {
        var (penalty, window) = (0, 0)
        for (index, isDark) in line.enumerated() {
            window = (window << 1 | (isDark ? 1 : 0)) & 0x7FF
            if index >= 10, window == 0b101_1101_0000 || window == 0b000_0101_1101 { penalty += 40 }
        }
        return penalty
    }

    /// Ten for each full five per cent that dark modules are away from one half.
    private var balance: Int {
        let dark = modules.count { $0 }
        return abs(dark * 100 / modules.count - 50) / 5 * 10
    }
}
