/// One tag of a profile that is kept: its bytes are made anew from what was understood, so nothing else can be in them.
struct ProfileTag: Hashable {
    let name: ChunkName
    let bytes: [UInt8]

    /// Reads a tag that may be kept; nil if it is not of a type that the tag can have, or incomplete.
    init?(_ name: ChunkName, _ contents: ArraySlice<UInt8>, in colours: PictureColours) {
        self.name = name
        let made: [UInt8]? =
            switch name {
            case "wtpt", "rXYZ", "gXYZ", "bXYZ": Self.fixed("XYZ ", contents, bytes: 12)
            case "chad": Self.fixed("sf32", contents, bytes: 36)
            case "cicp": Self.fixed("cicp", contents, bytes: 4)
            case "rTRC", "gTRC", "bTRC", "kTRC": ToneCurve(contents)?.bytes
            case "A2B0", "A2B1", "A2B2": LookupTable(contents, inputs: colours.channels, outputs: 3)?.bytes
            case "B2A0", "B2A1", "B2A2": LookupTable(contents, inputs: 3, outputs: colours.channels)?.bytes
            case "gamt": LookupTable(contents, inputs: 3, outputs: 1)?.bytes
            default: nil
            }
        guard let made else { return nil }
        bytes = made
    }

    init(_ name: ChunkName, made bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }

    /// A type, four reserved bytes and numbers of a fixed size (ICC.1:2022, 10.3, 10.22, 10.31).
    private static func fixed(_ type: ChunkName, _ contents: ArraySlice<UInt8>, bytes: Int) -> [UInt8]? {
        guard contents.name(at: 0) == type, let numbers = contents.piece(bytes, at: 8) else { return nil }
        return type.bytes + [0, 0, 0, 0] + numbers
    }
}
