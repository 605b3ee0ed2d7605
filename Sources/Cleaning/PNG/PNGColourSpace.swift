/// What a PNG says of its colours beside a profile (PNG, third edition, 4.3: cICP comes before iCCP and sRGB, and these
/// before gAMA and cHRM).
struct PNGColourSpace {
    private var isOfOtherCodePoints = false
    private var isOfOtherCurve = false
    private var isOfOtherPrimaries = false

    /// sRGB's white, red, green and blue, times 100,000.
    private static let primaries = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000]

    mutating func note(_ name: ChunkName, _ contents: ArraySlice<UInt8>) {
        switch name {
        // Primaries of BT.709 with the curve of sRGB, or its own, which is shown in the same way.
        case "cICP": isOfOtherCodePoints = !([[1, 13, 0, 1], [1, 1, 0, 1]].contains(Array(contents)))
        // 1/2.2, and what programs round it to.
        case "gAMA": isOfOtherCurve = !(contents.bigEndian32(at: 0).map { (43_000...48_000).contains($0) } ?? false)
        case "cHRM":
            isOfOtherPrimaries = Self.primaries.enumerated().contains { index, value in
                abs((contents.bigEndian32(at: 4 * index) ?? 0) - value) > 500
            }
        default: break
        }
    }

    func isNotSRGB(isOtherwiseTold: Bool) -> Bool {
        isOfOtherCodePoints || !isOtherwiseTold && (isOfOtherCurve || isOfOtherPrimaries)
    }
}
