package import Cleaning

/// What the decision on a picture's form is made from.
package struct StillFacts: Hashable, Sendable {
    /// Whether it can become a WebP.
    package enum WebPUse: Hashable, Sendable {
        case possible
        /// libwebp is not installed.
        case noLibrary
        /// Its profile is of gray, for which WebP has no place.
        case noSuchColours
    }

    package var format: PictureTraits.Format
    package var isAnimated = false
    package var isLossless = true
    /// Its colours cannot be told by any other format.
    package var hasOtherColours = false
    package var width: Int
    package var height: Int
    /// Of the cleaned copy.
    package var bytes: Int64
    /// A pixel lets something through: looked at, not believed.
    package var hasAlphaInUse = false
    package var webP = WebPUse.possible

    package init(_ format: PictureTraits.Format, width: Int, height: Int, bytes: Int64) {
        (self.format, self.width, self.height, self.bytes) = (format, width, height, bytes)
    }
}

/// The form in which a picture is sent.
package enum StillPlan: Hashable, Sendable {
    /// As cleaned.
    case stripped(StillReason)
    /// JPEG, as a photo of the same quality.
    case photo
    /// WebP of at most `longEdge` pixels: without loss if that takes at most `losslessLimit` bytes, at `quality` if not.
    case webP(losslessLimit: Int?, quality: Int, longEdge: Int)
}

/// Why a picture is sent as cleaned.
package enum StillReason: Hashable, Sendable, CustomStringConvertible {
    case asked
    case small
    case animated
    case colours
    case noLibrary
    case wouldNotShrink
    /// It cannot be decoded, so there is no preview either.
    case undecodable(String)

    package var description: String {
        switch self {
        case .asked: "every pixel kept, as requested"
        case .small: "it is small already"
        case .animated: "its frames are sent as they are"
        case .colours: "no smaller format can tell its colours"
        case .noLibrary: "WebP would make it smaller, but libwebp is not installed (Debian: libwebp7)"
        case .wouldNotShrink: "compression would not make it smaller"
        case .undecodable(let reason): "no preview: \(reason)"
        }
    }
}

extension StillPlan {
    /// What becomes of a picture: the rows of the table in `docs/media.md`.
    package init(_ facts: StillFacts, _ quality: Quality) {
        guard let rule = StillRule(quality) else {
            self = .stripped(.asked)
            return
        }
        if facts.isAnimated {
            self = .stripped(.animated)
        } else if facts.format == .gif {
            self = .stripped(.small)
        } else if facts.hasOtherColours {
            self = .stripped(.colours)
        } else if facts.isLossless {
            self = rule.plan(ofLossless: facts)
        } else {
            self = rule.plan(ofLossy: facts)
        }
    }
}

/// What a quality means for pictures that are not JPEG.
private struct StillRule {
    /// Up to here a picture without loss is sent as cleaned.
    let smallBytes: Int64
    let losslessLimit: Int
    /// The long edge and the quality of WebP.
    let webPLongEdge: Int
    let webPQuality: Int
    /// Larger ones without alpha are photos.
    let hasPhotos: Bool
    /// The same for pictures that have lost something already.
    let lossyBytes: Int64
    let lossyLongEdge: Int
    let lossyQuality: Int

    /// Nil for `original`, for which there is nothing to decide.
    init?(_ quality: Quality) {
        switch quality {
        case .standard:
            (smallBytes, losslessLimit, webPLongEdge, webPQuality, hasPhotos) = (256 << 10, 320 << 10, 2560, 90, true)
            (lossyBytes, lossyLongEdge, lossyQuality) = (512 << 10, 1600, 85)
        case .high:
            (smallBytes, losslessLimit, webPLongEdge, webPQuality, hasPhotos) = (1 << 20, 1536 << 10, 4096, 95, false)
            (lossyBytes, lossyLongEdge, lossyQuality) = (2 << 20, 4096, 92)
        case .original: return nil
        }
    }

    func plan(ofLossless facts: StillFacts) -> StillPlan {
        if facts.bytes <= smallBytes { return .stripped(.small) }
        let limit = longEdge(for: facts)
        let fits = max(facts.width, facts.height) <= limit
        if hasPhotos && !fits && !facts.hasAlphaInUse && !isStrip(facts) { return .photo }
        return webP(facts, losslessLimit: mayBeLossless(facts, fits) ? losslessLimit : nil, webPQuality, limit)
    }

    func plan(ofLossy facts: StillFacts) -> StillPlan {
        let fits = max(facts.width, facts.height) <= lossyLongEdge
        if fits && (facts.bytes <= lossyBytes || facts.hasAlphaInUse) { return .stripped(.small) }
        return facts.hasAlphaInUse ? webP(facts, losslessLimit: nil, lossyQuality, lossyLongEdge) : .photo
    }

    private func webP(
        _ facts: StillFacts, losslessLimit: Int?, _ quality: Int, _ longEdge: Int
    ) -> StillPlan {
        switch facts.webP {
        case .noLibrary: .stripped(.noLibrary)
        case .noSuchColours: .stripped(.colours)
        case .possible: .webP(losslessLimit: losslessLimit, quality: quality, longEdge: longEdge)
        }
    }

    /// A screenshot that was scrolled: made to fit a square, nobody could read it.
    private func isStrip(_ facts: StillFacts) -> Bool {
        max(facts.width, facts.height) >= 3 * min(facts.width, facts.height)
    }

    /// A strip may have as many pixels as a square may.
    private func longEdge(for facts: StillFacts) -> Int {
        guard isStrip(facts) else { return webPLongEdge }
        let ratio = Double(max(facts.width, facts.height)) / Double(max(1, min(facts.width, facts.height)))
        return min(StillLimits.webPLongEdge, Int(Double(webPLongEdge) * ratio.squareRoot()))
    }

    /// Whether it is worth trying. The time for this is bounded by pixels, not by a clock, so that what comes out does not
    /// depend on how busy the machine is: the worst pictures take 0.15 s of a slow core a million pixels, so 1 s here. One
    /// of eight times the limit never gets below it: lossless WebP takes a sixth of a PNG at best.
    private func mayBeLossless(_ facts: StillFacts, _ fits: Bool) -> Bool {
        fits && facts.width * facts.height <= 2560 * 2560 && (facts.format == .bmp || facts.bytes <= 8 * losslessLimit)
    }
}
