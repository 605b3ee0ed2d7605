/// The colour space that a picture's samples have, whatever its profile says.
package enum PictureColours: Sendable {
    case gray
    case rgb
    case cmyk

    /// The colour space in the header of a fitting profile (ICC.1:2022, table 19).
    var signature: ChunkName {
        switch self {
        case .gray: "GRAY"
        case .rgb: "RGB "
        case .cmyk: "CMYK"
        }
    }

    var channels: Int {
        switch self {
        case .gray: 1
        case .rgb: 3
        case .cmyk: 4
        }
    }

    /// How a rebuilt profile describes itself.
    var description: String {
        switch self {
        case .gray: "Gray"
        case .rgb: "RGB"
        case .cmyk: "CMYK"
        }
    }
}
