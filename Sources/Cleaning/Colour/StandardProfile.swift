/// The profile that is written for a standard space.
struct StandardProfile {
    let bytes: [UInt8]

    /// Adobe RGB has version 2, which every program reads; the curve of Display P3 is short in version 4 only.
    init(of space: StandardSpace) {
        let isFour = space == .displayP3
        let white = isFour ? ProfileWriter.d50 : [0xF351, 0x10000, 0x116CC]  // D65 where it is not adapted
        var tags = [ProfileTag("wtpt", made: Self.numbers("XYZ ", white))]
        if isFour { tags.append(ProfileTag("chad", made: Self.numbers("sf32", Self.d65ToD50))) }
        for (index, name) in (["rXYZ", "gXYZ", "bXYZ"] as [ChunkName]).enumerated() {
            tags.append(ProfileTag(name, made: Self.numbers("XYZ ", Array(space.matrix[3 * index..<3 * index + 3]))))
        }
        for name in ["rTRC", "gTRC", "bTRC"] as [ChunkName] { tags.append(ProfileTag(name, made: space.curve)) }
        bytes = ProfileWriter(
            majorVersion: isFour ? 4 : 2, deviceClass: "mntr", colours: .rgb, connectionSpace: "XYZ ",
            renderingIntent: 0, tags: tags
        ).write()
    }

    /// The linear Bradford matrix from D65 to D50 (ICC.1:2022, annex E), by rows, in units of 1/65536.
    private static let d65ToD50 = [0x10C42, 0x05DE, -0x0CDB, 0x0793, 0xFD90, -0x0471, -0x025D, 0x03DC, 0xC06E]

    private static func numbers(_ type: ChunkName, _ numbers: [Int]) -> [UInt8] {
        type.bytes + [0, 0, 0, 0] + numbers.flatMap { UInt32(truncatingIfNeeded: $0).bigEndianBytes }
    }
}
