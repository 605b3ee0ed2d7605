/// A marker code: the byte after 0xFF (ITU-T T.81, table B.1).
struct JPEGMarker: Hashable, Sendable {
    let code: UInt8

    static let startOfImage = JPEGMarker(code: 0xD8)
    static let endOfImage = JPEGMarker(code: 0xD9)
    static let startOfScan = JPEGMarker(code: 0xDA)
    static let quantizationTables = JPEGMarker(code: 0xDB)
    static let restartInterval = JPEGMarker(code: 0xDD)
    static let huffmanTables = JPEGMarker(code: 0xC4)
    static let arithmeticConditioning = JPEGMarker(code: 0xCC)
    static let comment = JPEGMarker(code: 0xFE)

    static func application(_ number: UInt8) -> JPEGMarker { JPEGMarker(code: 0xE0 + number) }

    /// SOF0…SOF15, less the three codes in their midst that mean something else.
    var isFrame: Bool { 0xC0...0xCF ~= code && code != 0xC4 && code != 0xC8 && code != 0xCC }
    /// Lossless, differential or both: no more than the markers of these are understood here.
    var isRareProcess: Bool { isFrame && code & 3 == 3 || 0xC5...0xC7 ~= code || 0xCD...0xCF ~= code }
    var isApplication: Bool { 0xE0...0xEF ~= code }
    var isRestart: Bool { 0xD0...0xD7 ~= code }
    /// Stands alone: neither a length nor anything else belongs to it.
    var isAlone: Bool { isRestart || code == 0x01 || code == 0xD8 || code == 0xD9 }
    /// Reserved codes, which no decoder takes.
    var isReserved: Bool { 0x02...0xBF ~= code || code == 0xC8 || 0xF0...0xFD ~= code }

    /// Copied into a stripped picture as they are, with the entropy-coded data that may follow.
    var isCopied: Bool {
        switch self {
        case .quantizationTables, .huffmanTables, .arithmeticConditioning, .restartInterval, .startOfScan: true
        default: isFrame
        }
    }
}
