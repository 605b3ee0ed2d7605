/// How a stored picture is turned to be displayed: the values of the EXIF tag 0x0112 (Exif 2.32, 4.6.4 A).
enum Orientation: UInt16, CaseIterable, Sendable {
    case upright = 1
    case mirrored = 2
    case halfTurn = 3
    case flipped = 4
    case transposed = 5
    /// A quarter clockwise.
    case rightTurn = 6
    case transversed = 7
    case leftTurn = 8

    /// Rows are displayed as columns.
    var swapsEdges: Bool { rawValue >= 5 }

    /// Stored columns are displayed from the last to the first.
    var mirrorsColumns: Bool {
        switch self {
        case .mirrored, .halfTurn, .transversed, .leftTurn: true
        default: false
        }
    }

    /// Stored rows are displayed from the last to the first.
    var mirrorsRows: Bool {
        switch self {
        case .halfTurn, .flipped, .rightTurn, .transversed: true
        default: false
        }
    }

    /// Rows are displayed in the order they are stored in, so that none needs to be kept.
    var keepsRowOrder: Bool { !swapsEdges && !mirrorsRows }
}
