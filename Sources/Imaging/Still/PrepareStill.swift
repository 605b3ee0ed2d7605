package import Cleaning
package import Files

/// A cleaned picture that is ready to be sealed.
package struct PreparedStill: Sendable {
    package let form: StillForm
    /// Nil if it could not be decoded.
    package let look: PictureLook?
}

/// What a picture is sent as.
package enum StillForm: Hashable, Sendable {
    case stripped(StillReason)
    case jpeg
    case webP(isLossless: Bool)

    /// The media type of what is sent; nil if it is the same as before.
    package var type: String? {
        switch self {
        case .stripped: nil
        case .jpeg: "image/jpeg"
        case .webP: "image/webp"
        }
    }
}

/// Prepares a cleaned picture for sealing: writes a smaller form of it to `output`, which must be empty, from its first
/// byte, where the quality asks for one; leaves that empty where the picture is to be sent as cleaned.
///
/// `clean` is the copy that `Cleaning` has written, `traits` what that has found, `hasWebP` whether libwebp may be used;
/// nil asks for it when it is needed. A picture that cannot be decoded is sent
/// as cleaned: nothing but pixels is left in it.
package func prepareStill(
    _ clean: borrowing OpenFile, _ traits: PictureTraits, into output: borrowing OpenFile, quality: Quality,
    hasWebP: Bool? = nil
) throws(ImagingError) -> PreparedStill {
    do throws(ImagingError) {
        let still = try Still(clean, traits)
        let plan = try still.plan(clean, quality, hasWebP: { hasWebP ?? WebPLibrary.isAtHand })
        return try still.carryOut(plan, clean, into: output, quality)
    } catch {
        if case .file = error { throw error }
        do throws(FileError) { try output.truncate(to: 0) } catch { throw .file(error) }
        return PreparedStill(form: .stripped(.undecodable(error.description)), look: nil)
    }
}

/// How a cleaned picture looks that is sent as it is; nil if it cannot be decoded.
package func look(at clean: borrowing OpenFile, _ traits: PictureTraits) -> PictureLook? {
    guard let source = try? openStill(clean, traits, longEdge: ImagingLimits.thumbhashLongEdge) else { return nil }
    return try? look(at: source)
}

/// A decoder of a cleaned picture. One that can scale at little cost gives rows of at least `longEdge`, if there are.
private func openStill(
    _ clean: borrowing OpenFile, _ traits: PictureTraits, longEdge: Int
) throws(ImagingError) -> any PixelSource {
    switch traits.format {
    case .png: try PNGSource(clean, traits)
    case .webP: try WebPSource(clean, traits, longEdge: longEdge)
    case .gif: try GIFSource(clean, traits)
    case .bmp: try BMPSource(clean, traits)
    }
}

/// One picture in preparation.
private struct Still {
    let traits: PictureTraits
    let bytes: Int64

    init(_ clean: borrowing OpenFile, _ traits: PictureTraits) throws(ImagingError) {
        self.traits = traits
        do throws(FileError) { bytes = try clean.size() } catch { throw .file(error) }
    }

    // MARK: Deciding

    /// Alpha is looked for only where the decision depends on it: that takes a decoder's whole time.
    func plan(
        _ clean: borrowing OpenFile, _ quality: Quality, hasWebP: () -> Bool
    ) throws(ImagingError) -> StillPlan {
        if quality == .original { return .stripped(.asked) }
        if traits.isAnimated { return .stripped(.animated) }
        let source = try openStill(clean, traits, longEdge: .max)
        let header = source.header
        var facts = StillFacts(
            traits.format, width: header.size.width, height: header.size.height, bytes: bytes)
        (facts.isAnimated, facts.isLossless) = (traits.isAnimated, traits.isLossless)
        facts.hasOtherColours = traits.hasOtherColours
        facts.webP = header.components < 3 && !header.profile.isEmpty ? .noSuchColours : .possible
        if facts.webP == .possible, needsWebP(facts, quality), !hasWebP() { facts.webP = .noLibrary }
        let opaque = StillPlan(facts, quality)
        guard header.hasAlpha else { return opaque }
        facts.hasAlphaInUse = true
        let transparent = StillPlan(facts, quality)
        if opaque == transparent { return opaque }
        return try isAlphaInUse(source) ? transparent : opaque
    }

    /// The library is loaded only for pictures that may need it.
    private func needsWebP(_ facts: StillFacts, _ quality: Quality) -> Bool {
        var facts = facts
        return [false, true].contains { alpha in
            facts.hasAlphaInUse = alpha
            if case .webP = StillPlan(facts, quality) { return true }
            return false
        }
    }

    private func isAlphaInUse(_ source: any PixelSource) throws(ImagingError) -> Bool {
        var source = source
        let header = source.header
        var row = [UInt8](repeating: 0, count: header.rowCount)
        for _ in 0..<header.size.height {
            try source.readRow(into: &row)
            if AlphaRow.isInUse(row, components: header.components) { return true }
        }
        return false
    }

    // MARK: Doing

    func carryOut(
        _ plan: StillPlan, _ clean: borrowing OpenFile, into output: borrowing OpenFile, _ quality: Quality
    ) throws(ImagingError) -> PreparedStill {
        switch plan {
        case .stripped(let reason): return try stripped(clean, reason)
        case .photo:
            let longEdge = (quality.compression ?? .everyPixel).longEdge
            let look = try preparePhoto(
                try openStill(clean, traits, longEdge: longEdge), into: output, quality: quality)
            return try ifSmaller(.jpeg, look, output)
        case .webP(let losslessLimit, let webPQuality, let longEdge):
            let source = try openStill(clean, traits, longEdge: longEdge)
            let (form, look) = try prepareWebP(
                source, into: output, longEdge: longEdge, losslessLimit: losslessLimit, quality: webPQuality,
                limit: Int(clamping: bytes))
            return try ifSmaller(form, look, output)
        }
    }

    private func stripped(_ clean: borrowing OpenFile, _ reason: StillReason) throws(ImagingError) -> PreparedStill {
        let source = try openStill(clean, traits, longEdge: ImagingLimits.thumbhashLongEdge)
        return PreparedStill(form: .stripped(reason), look: try look(at: source))
    }

    /// What has been written, unless the picture as cleaned is no larger.
    private func ifSmaller(
        _ form: StillForm, _ look: PictureLook, _ output: borrowing OpenFile
    ) throws(ImagingError) -> PreparedStill {
        do throws(FileError) {
            if try (1..<bytes).contains(output.size()) { return PreparedStill(form: form, look: look) }
            try output.truncate(to: 0)
        } catch {
            throw .file(error)
        }
        return PreparedStill(form: .stripped(.wouldNotShrink), look: look)
    }
}
