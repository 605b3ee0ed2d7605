/// How a stored picture is rotated for display: the values of the EXIF tag 0x0112 (Exif 2.32, 4.6.4 A).
package enum Orientation: UInt16, CaseIterable, Sendable {
    case upright = 1
    case mirrored = 2
    case halfTurn = 3
    case flipped = 4
    case transposed = 5
    /// A quarter turn clockwise.
    case rightTurn = 6
    case transversed = 7
    case leftTurn = 8

    /// Rows are displayed as columns.
    package var swapsEdges: Bool { rawValue >= 5 }

    /// Stored columns are displayed from the last to the first.
    package var mirrorsColumns: Bool {
        switch self {
        case .mirrored, .halfTurn, .transversed, .leftTurn: true
        default: false
        }
    }

    /// Stored rows are displayed from the last to the first.
    package var mirrorsRows: Bool {
        switch self {
        case .halfTurn, .flipped, .rightTurn, .transversed: true
        default: false
        }
    }

    /// Rows are displayed in the order in which they are stored, so none has to be kept.
    package var keepsRowOrder: Bool { !swapsEdges && !mirrorsRows }
}
