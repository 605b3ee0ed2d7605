/// Whether a profile of a standard space tells no more than the names that the space has everywhere.
enum ProfileIdentity {
    /// Tags that describe a space and its viewing conditions.
    private static let descriptive: Set<ChunkName> = [
        "cprt", "wtpt", "bkpt", "chad", "chrm", "cicp", "lumi", "meas", "view", "vued", "tech",
        "rXYZ", "gXYZ", "bXYZ", "rTRC", "gTRC", "bTRC", "kTRC",
    ]
    /// Tags that are names: of the space, or of a device that may be somebody's.
    private static let names: Set<ChunkName> = ["desc", "dscm", "dmnd", "dmdd"]
    private static let makers: Set<ChunkName> = ["none", "IEC ", "sRGB", "APPL", "ADBE", "GOOG", "MSFT"]
    private static let words = ["sRGB", "IEC", "Display P3", "Adobe RGB", "AdobeRGB"]

    static func isOfNobody(_ profile: ProfileReader) -> Bool {
        let header = [profile.deviceMaker, profile.deviceModel]
        guard header.allSatisfy({ $0.map { $0.code == 0 || makers.contains($0) } ?? false }) else { return false }
        return profile.tags.allSatisfy { tag in
            descriptive.contains(tag.name) || names.contains(tag.name) && isStandardName(profile, tag)
        }
    }

    /// Text of two bytes a character has zeros between its letters.
    private static func isStandardName(_ profile: ProfileReader, _ tag: ProfileReader.Tag) -> Bool {
        let contents = profile.bytes.dropFirst(tag.range.lowerBound).prefix(min(tag.range.count, 4096))
        let text = String(decoding: contents.filter { $0 >= 0x20 && $0 < 0x7F }, as: UTF8.self)
        return words.contains { text.contains($0) }
    }
}
