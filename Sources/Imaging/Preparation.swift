import Cleaning
import Files

/// One picture in preparation, and what its markers say.
struct Preparation {
    let structure: PictureStructure
    let acceptsCorruption: Bool
    /// Of a picture in CMYK that has a profile.
    private let inks: InkTransform?

    init(_ structure: PictureStructure, acceptsCorruption: Bool, canConvert: Bool = true) {
        self.structure = structure
        self.acceptsCorruption = acceptsCorruption
        inks = structure.hasInks && canConvert ? InkTransform(structure.profile) : nil
    }

    /// Why the picture cannot be encoded; nil if it can. CMYK becomes sRGB, by its profile if it has one.
    var obstacle: StrippingReason? {
        structure.hasInks && (structure.profile.isEmpty || inks != nil) ? nil : structure.obstacle
    }

    /// The profile of the encoded picture.
    private var profile: [UInt8] { structure.hasInks ? [] : structure.profile }

    private var orientation: Orientation { structure.orientation ?? .upright }

    /// What the markers and the decoder say together. Throws if that is less than the sender accepts.
    ///
    /// Where something is amiss, the picture is decoded once more with care, before it is said that nothing is lost.
    private func condition(
        _ damage: PictureDamage, of input: borrowing OpenFile
    ) throws(ImagingError) -> PictureCondition {
        if damage.notice == nil && !structure.isDamaged { return .sound }
        var lost = damage.loss
        if lost == nil && structure.isDecodable {
            lost = try Self.damage(of: input, end: structure.end, isCareful: true).loss
        }
        let loss: PictureLoss
        switch lost {
        case nil: return .damaged
        case .rows(let first): loss = .rows(below: first, of: structure.frame?.size.height ?? 1, orientation)
        case .parts: loss = .parts
        case .details: loss = .details
        }
        guard acceptsCorruption else { throw .incomplete(loss) }
        return .incomplete(loss)
    }

    private static func damage(
        of file: borrowing OpenFile, end: Int64, isCareful: Bool
    ) throws(ImagingError) -> PictureDamage {
        let decoder = try PictureDecoder(file, end: end, isCareful: isCareful)
        var source = try RowSource(decoder) { $0.fitting(longEdge: ImagingLimits.thumbhashLongEdge) }
        return try source.finish()
    }

    // MARK: Stripping

    /// Strips a picture that cannot be encoded.
    func strip(
        _ input: borrowing OpenFile, into output: borrowing OpenFile, _ reason: StrippingReason
    ) throws(ImagingError) -> PreparedPicture {
        let (miniature, condition) = try look(input)
        if condition != .sound && !acceptsCorruption { throw .unsound(obstacle ?? reason) }
        return try writeStripped(input, into: output, reason, miniature, condition)
    }

    /// Strips a sound picture, and encodes a damaged one anew, unless that is accepted and its copy is sound.
    func keep(
        _ input: borrowing OpenFile, into output: borrowing OpenFile
    ) throws(ImagingError) -> PreparedPicture {
        let (miniature, condition) = try look(input)
        if condition == .sound || condition == .damaged && acceptsCorruption {
            let copy = try writeStripped(input, into: output, .asked, miniature, condition)
            if condition == .sound { return copy }
            if try Self.isSound(output) { return copy }
            do { try output.truncate(to: 0) } catch { throw .file(error) }
        }
        return try encodeAnew(input, into: output, miniature)
    }

    /// Reads all of the picture at a small size, if it can be decoded.
    private func look(_ input: borrowing OpenFile) throws(ImagingError) -> (Miniature, PictureCondition) {
        guard structure.isDecodable else { return (.none, structure.isDamaged ? .incomplete(.unknown) : .sound) }
        let decoder = try PictureDecoder(input, end: structure.end)
        var source = try RowSource(decoder, inks: inks) { $0.fitting(longEdge: ImagingLimits.thumbhashLongEdge) }
        var raster = Raster(size: source.size, components: source.components)
        var row = source.emptyRow()
        for _ in 0..<source.size.height {
            try source.next(into: &row)
            raster.append(row)
        }
        let condition = try condition(source.finish(), of: input)
        return (try Miniature(raster.displayed(orientation)), condition)
    }

    /// Whether nothing at all is noticed in a picture.
    private static func isSound(_ file: borrowing OpenFile) throws(ImagingError) -> Bool {
        do {
            let structure = try StructureReader.read(file)
            if structure.isDamaged { return false }
            return try damage(of: file, end: structure.end, isCareful: true).notice == nil
        } catch {
            if case .file = error { throw error }
            return false
        }
    }

    private func writeStripped(
        _ input: borrowing OpenFile, into output: borrowing OpenFile, _ reason: StrippingReason,
        _ miniature: Miniature, _ condition: PictureCondition
    ) throws(ImagingError) -> PreparedPicture {
        guard let frame = structure.frame else { throw .corrupt("it has no frame") }
        try StrippedPicture(structure).write(from: input, to: output)
        return prepared(frame.size.oriented(orientation), .stripped(reason), miniature, condition)
    }

    // MARK: Encoding

    func compress(
        _ input: borrowing OpenFile, into output: borrowing OpenFile, _ compression: Compression
    ) throws(ImagingError) -> PreparedPicture {
        let decoder = try PictureDecoder(input, end: structure.end)
        let keepsChroma = compression.keepsFullChroma && decoder.header.hasFullChroma
        var source = try RowSource(decoder, inks: inks) { $0.fitting(longEdge: compression.longEdge) }
        let displayedSize = source.size.oriented(orientation)
        let options = PictureEncoder.Options(
            size: displayedSize, components: source.components, quality: compression.encoderQuality,
            hasFullChroma: keepsChroma, profile: profile)
        var miniatureMaker = try MiniatureMaker(source.size, components: source.components)
        let (size, condition) =
            orientation.keepsRowOrder
            ? try encodeRows(of: &source, input, into: output, options, &miniatureMaker)
            : try encodeTurned(&source, input, into: output, options, &miniatureMaker)
        let miniature = try Miniature(miniatureMaker.finished().displayed(orientation))
        // Only a sound picture may be copied; and not every viewer shows CMYK.
        if condition != .sound || structure.hasInks || size < StrippedPicture(structure).size {
            return prepared(displayedSize, .compressed, miniature, condition)
        }
        do { try output.truncate(to: 0) } catch { throw .file(error) }
        return try writeStripped(input, into: output, .wouldNotShrink, miniature, condition)
    }

    /// Encodes the picture at full size, as stored: turning it would take room for all of it.
    private func encodeAnew(
        _ input: borrowing OpenFile, into output: borrowing OpenFile, _ miniature: Miniature
    ) throws(ImagingError) -> PreparedPicture {
        let decoder = try PictureDecoder(input, end: structure.end)
        let keepsChroma = decoder.header.hasFullChroma
        var source = try RowSource(decoder, inks: inks) { $0 }
        let options = PictureEncoder.Options(
            size: source.size, components: source.components, quality: Compression.repair.encoderQuality,
            hasFullChroma: keepsChroma,
            isStreamed: source.size.width * source.size.height > Compression.mostHeldPixels,
            exif: orientation == .upright ? [] : ExifReader.label + ExifReader.minimal(orientation),
            profile: profile)
        var encoder = try PictureEncoder(output, options)
        var row = source.emptyRow()
        for _ in 0..<source.size.height {
            try source.next(into: &row)
            try encoder.writeRow(row)
        }
        let condition = try condition(source.finish(), of: input)
        _ = try encoder.finish()
        return prepared(source.size.oriented(orientation), .encodedAnew, miniature, condition)
    }

    /// Passes on each row as it is decoded.
    private func encodeRows(
        of source: inout RowSource, _ input: borrowing OpenFile, into output: borrowing OpenFile,
        _ options: PictureEncoder.Options, _ miniatureMaker: inout MiniatureMaker
    ) throws(ImagingError) -> (size: Int64, condition: PictureCondition) {
        var encoder = try PictureEncoder(output, options)
        var row = source.emptyRow()
        for _ in 0..<source.size.height {
            try source.next(into: &row)
            miniatureMaker.take(row)
            if orientation.mirrorsColumns { Raster.mirror(&row, components: source.components) }
            try encoder.writeRow(row)
        }
        let condition = try condition(source.finish(), of: input)
        return (try encoder.finish(), condition)
    }

    /// Keeps the scaled picture until its last row is decoded, which may be displayed first.
    private func encodeTurned(
        _ source: inout RowSource, _ input: borrowing OpenFile, into output: borrowing OpenFile,
        _ options: PictureEncoder.Options, _ miniatureMaker: inout MiniatureMaker
    ) throws(ImagingError) -> (size: Int64, condition: PictureCondition) {
        var picture = TurnedPicture(stored: source.size, components: source.components, orientation)
        var row = source.emptyRow()
        for index in 0..<source.size.height {
            try source.next(into: &row)
            miniatureMaker.take(row)
            picture.put(row, at: index)
        }
        let condition = try condition(source.finish(), of: input)
        var encoder = try PictureEncoder(output, options)
        row = [UInt8](repeating: 0, count: options.size.width * options.components)
        for index in 0..<options.size.height {
            picture.take(index, into: &row)
            try encoder.writeRow(row)
        }
        return (try encoder.finish(), condition)
    }

    private func prepared(
        _ size: PixelSize, _ treatment: Treatment, _ miniature: Miniature, _ condition: PictureCondition
    ) -> PreparedPicture {
        PreparedPicture(
            width: size.width, height: size.height, treatment: treatment, condition: condition,
            removed: structure.removed.sorted(), thumbhash: miniature.thumbhash, preview: miniature.preview)
    }
}
