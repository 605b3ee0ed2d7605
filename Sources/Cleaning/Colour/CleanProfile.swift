/// What becomes of the ICC profile of a picture: colour is kept, identity is dropped.
///
/// * sRGB, in whatever dress, needs no profile; a gray one with its curve neither.
/// * Display P3 and Adobe RGB get one that is written here, of about 0.5 KiB.
/// * Any other profile by matrix, or of gray, is made anew from `wtpt chad rXYZ gXYZ bXYZ rTRC gTRC bTRC kTRC cicp`;
///   one with lookup tables from `A2B0 A2B1 A2B2 B2A0 B2A1 B2A2 gamt` as well. Each is read and written again
///   (`ProfileTag`); all other tags, and what the header tells of maker, model, program and time, are not copied.
/// * What is damaged, of another colour space, larger than 4 MiB, or a link, abstract or named one, is dropped.
///
/// Specification: ICC.1:2022 (version 4.4) and ICC.1:2001-04 (version 2).
package struct CleanProfile: Hashable, Sendable {
    package enum Replacement: Hashable, Sendable {
        /// The picture needs no profile.
        case none
        case rebuilt([UInt8])
        case dropped
    }

    package let replacement: Replacement
    /// `profile` if more went than names of a standard space; `icc` if the profile was dropped.
    package let removed: Set<RemovedMetadata>

    /// The most bytes of a profile that is kept.
    package static let limitBytes = 4 << 20

    /// Decides on a profile for a picture with samples of `colours`.
    package init(_ profile: ArraySlice<UInt8>, of colours: PictureColours) {
        let reader = profile.count <= Self.limitBytes ? ProfileReader(profile) : nil
        guard let reader, reader.colourSpace == colours.signature, let rebuilt = Self.rebuild(reader, colours) else {
            replacement = .dropped
            removed = [.icc]
            return
        }
        replacement = rebuilt.replacement
        let isUnchanged = rebuilt.replacement == .rebuilt(Array(profile))
        removed = isUnchanged || rebuilt.isStandard && ProfileIdentity.isOfNobody(reader) ? [] : [.profile]
    }

    private static let tableTags: [ChunkName] = ["A2B0", "A2B1", "A2B2", "B2A0", "B2A1", "B2A2", "gamt"]
    private static let primaryTags: [ChunkName] = ["rXYZ", "gXYZ", "bXYZ"]

    private static func curveTags(_ colours: PictureColours) -> [ChunkName] {
        switch colours {
        case .gray: ["kTRC"]
        case .rgb: ["rTRC", "gTRC", "bTRC"]
        case .cmyk: []
        }
    }

    /// Nil for what is dropped.
    private static func rebuild(
        _ reader: ProfileReader, _ colours: PictureColours
    ) -> (replacement: Replacement, isStandard: Bool)? {
        guard let deviceClass = reader.deviceClass, ["mntr", "scnr", "prtr", "spac"].contains(deviceClass),
            let connectionSpace = reader.connectionSpace, ["XYZ ", "Lab "].contains(connectionSpace),
            let intent = reader.renderingIntent
        else { return nil }
        let primaries = colours == .rgb ? primaryTags : []
        var tags: [ProfileTag] = []
        var size = 0
        for name in ["wtpt", "chad", "cicp"] + primaries + curveTags(colours) + tableTags where reader.has(name) {
            guard let contents = reader.contents(of: name), let tag = ProfileTag(name, contents, in: colours) else {
                return nil
            }
            tags.append(tag)
            // Tags that share their bytes are made one by one, so this may be more than the profile has.
            size += tag.bytes.count
            if size > 4 * limitBytes { return nil }
        }
        let names = Set(tags.map(\.name))
        let hasTables = !names.isDisjoint(with: tableTags)
        let hasCurves = colours != .cmyk && names.isSuperset(of: primaries + curveTags(colours))
        guard names.contains("wtpt"),
            names.contains("A2B0") || hasCurves && (colours == .gray || connectionSpace == "XYZ ")
        else { return nil }
        if !hasTables, let standard = replacement(ofStandard: tags, colours) { return (standard, true) }
        let writer = ProfileWriter(
            majorVersion: reader.majorVersion, deviceClass: deviceClass, colours: colours,
            connectionSpace: connectionSpace, renderingIntent: intent, tags: tags)
        let bytes = writer.write()
        return bytes.count <= limitBytes ? (.rebuilt(bytes), false) : nil
    }

    /// What becomes of a profile without lookup tables if it is of a standard space; nil if it is not.
    private static func replacement(ofStandard tags: [ProfileTag], _ colours: PictureColours) -> Replacement? {
        let codePoints = tags.first { $0.name == "cicp" }.map { Array($0.bytes.suffix(4)) }
        let curves = tags.filter { curveTags(colours).contains($0.name) }.compactMap { ToneCurve($0.bytes[...]) }
        if colours == .gray {
            return codePoints == nil && curves.allSatisfy(StandardSpace.sRGB.fits) ? Replacement.none : nil
        }
        let matrix = primaryTags.flatMap { name in
            let number: ArraySlice<UInt8> = tags.first { $0.name == name }?.bytes.suffix(12) ?? []
            return (0..<3).compactMap { number.bigEndian32(at: 4 * $0).map { Int(Int32(truncatingIfNeeded: $0)) } }
        }
        guard matrix.count == 9,
            let space = StandardSpace(matrix: matrix, curves: curves, codePoints: codePoints)
        else { return nil }
        return space == .sRGB ? Replacement.none : .rebuilt(StandardProfile(of: space).bytes)
    }
}
