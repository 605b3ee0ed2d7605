package import Cage
package import Cleaning
package import Files

/// What came of a picture that only a caged decoder reads.
package enum CagedOutcome: Sendable {
    /// It was written as JPEG.
    case compressed(PictureLook)
    /// It stays what it is, and why; with its look where it could be decoded.
    case kept(String, PictureLook?)
}

/// Writes a HEIC, HEIF or AVIF as a JPEG, as `preparePhoto` does, from the first byte of `output`, which must be empty.
///
/// It stays what it is at `original`; where alpha is in use, which a JPEG has not; where its colours are more than a
/// JPEG can hold; and where this machine has no decoder or no cage for it. Throws for what is damaged.
package func prepareCaged(
    _ input: borrowing OpenFile, displayed: (width: Int, height: Int)?, traits: HEIFTraits, quality: Quality,
    in program: CageProgram, into output: borrowing OpenFile
) throws(ImagingError) -> CagedOutcome {
    if quality == .original {
        return .kept("\(StrippingReason.asked)", look(atCaged: input, displayed, in: program))
    }
    let limits = CageLimits(displayed)
    let rows: CagedRows
    do throws(CageError) { rows = try CagedRows(input, .heif, in: program, limits) } catch {
        guard error.isAboutThisMachine else { throw ImagingError(error) }
        return .kept("\(error)", nil)
    }
    if rows.header.components == 4 {
        let picture = try CagedPicture(rows, anyColours: true)
        return .kept("a JPEG would lose what is transparent", try look(at: picture))
    }
    let picture: CagedPicture
    do throws(ImagingError) { picture = try CagedPicture(rows, hasFullChroma: traits.hasFullChroma) } catch {
        return .kept("its colours are more than a JPEG can hold", look(atCaged: input, displayed, in: program))
    }
    return .compressed(try preparePhoto(picture, into: output, quality: quality))
}

/// How such a picture looks; nil where that cannot be found out.
package func look(
    atCaged input: borrowing OpenFile, _ displayed: (width: Int, height: Int)?, in program: CageProgram
) -> PictureLook? {
    do {
        let rows = try CagedRows(input, .heif, in: program, CageLimits(displayed))
        return try look(at: try CagedPicture(rows, anyColours: true))
    } catch {
        return nil
    }
}

extension CageLimits {
    /// For a picture of this size; where it is not known, for one of 12 million pixels.
    fileprivate init(_ displayed: (width: Int, height: Int)?) {
        self.init(width: displayed?.width ?? 4000, height: displayed?.height ?? 3000)
    }
}
