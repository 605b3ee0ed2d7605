import Cleaning

/// How much of a picture its file still has.
package enum PictureCondition: Hashable, Sendable {
    case sound
    /// Something in the file is not as it should be, and every row came out nevertheless.
    case damaged
    case incomplete(PictureLoss)

    /// What a sender should know; nil if there is nothing.
    package var notice: String? {
        switch self {
        case .sound: nil
        case .damaged: "the file was damaged; all of the picture could be read"
        case .incomplete(let loss): loss.description
        }
    }
}

/// What of a picture is missing or wrong.
package enum PictureLoss: Hashable, Sendable, CustomStringConvertible {
    /// The edge of a picture as displayed.
    package enum PictureEdge: String, Sendable { case lowest, uppermost, leftmost, rightmost }

    /// All of the picture at one edge: so many percent, 1…100, where 100 means nearly all.
    case edge(PictureEdge, percent: Int)
    /// Something, and it cannot be told where.
    case parts
    /// What a progressive picture adds at last.
    case details
    /// The file is damaged, and no decoder can look at the picture.
    case unknown

    package var description: String {
        switch self {
        case .edge(_, percent: 100): "nearly all of the picture is missing"
        case .edge(let edge, percent: 1): "the \(edge.rawValue) 1 % of the picture is missing"
        case .edge(let edge, let percent): "the \(edge.rawValue) \(percent) % of the picture are missing"
        case .parts: "parts of the picture are missing or wrong"
        case .details: "details of the picture are missing"
        case .unknown: "the file was damaged, and whether all of the picture is there cannot be told"
        }
    }

    /// The loss of all rows below the first `soundRows` of `height`, as stored.
    static func rows(below soundRows: Int, of height: Int, _ orientation: Orientation) -> PictureLoss {
        let edge: PictureEdge =
            switch (orientation.swapsEdges, orientation.mirrorsRows) {
            case (false, false): .lowest
            case (false, true): .uppermost
            case (true, false): .rightmost
            case (true, true): .leftmost
            }
        let percent = ((height - soundRows) * 200 + height) / (2 * height)
        return .edge(edge, percent: soundRows == 0 ? 100 : min(99, max(1, percent)))
    }
}
