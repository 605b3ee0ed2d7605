/// How much of a picture the recipient gets.
package enum Quality: String, CaseIterable, Sendable {
    /// Long edge at most 1,600 pixels: a screenful.
    case standard
    /// Long edge at most 4,096 pixels: a print.
    case high
    /// Every pixel as it was; only what describes the sender is taken out.
    case original
}

/// What a quality means to the encoder.
struct Compression: Sendable {
    /// The longest edge that comes out, in pixels; smaller pictures stay as they are.
    let longEdge: Int
    /// On libjpeg's scale of 1…100.
    let encoderQuality: Int
    /// A source that carries every chroma sample keeps them: drawings and screenshots look ragged without.
    let keepsFullChroma: Bool
}

extension Quality {
    /// nil: not compressed at all.
    var compression: Compression? {
        switch self {
        case .standard: Compression(longEdge: 1600, encoderQuality: 80, keepsFullChroma: false)
        case .high: Compression(longEdge: 4096, encoderQuality: 88, keepsFullChroma: true)
        case .original: nil
        }
    }
}
