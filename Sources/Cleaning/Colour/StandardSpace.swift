/// Colour spaces that need no profile of the file's own, and how they are recognised: by matrix and curves, never by
/// name.
enum StandardSpace: CaseIterable {
    /// IEC 61966-2-1.
    case sRGB
    /// SMPTE EG 432-1 primaries with the white and the curve of sRGB.
    case displayP3
    /// Adobe RGB (1998), version 2005-05.
    case adobeRGB

    /// Red, green and blue primaries, adapted to D50 (X, Y, Z of each), in units of 1/65536.
    var matrix: [Int] {
        switch self {
        case .sRGB: [0x6FA2, 0x38F5, 0x0390, 0x6299, 0xB785, 0x18DA, 0x24A0, 0x0F84, 0xB6CF]
        case .displayP3: [0x83DF, 0x3DBF, -0x45, 0x4ABF, 0xB137, 0x0AB9, 0x2838, 0x110B, 0xC8B9]
        case .adobeRGB: [0x9C18, 0x4FA5, 0x04FC, 0x348D, 0xA02C, 0x0F95, 0x2631, 0x102F, 0xBE9C]
        }
    }

    /// The curve that is written: sRGB's as parameters, Adobe's gamma 2 + 51/256.
    var curve: [UInt8] {
        switch self {
        case .sRGB, .displayP3:
            Array("para".utf8) + [0, 0, 0, 0, 0, 3, 0, 0]
                + [0, 2, 0x66, 0x66, 0, 0, 0xF2, 0xA7, 0, 0, 0x0D, 0x59, 0, 0, 0x13, 0xD0, 0, 0, 0x0A, 0x5B]
        case .adobeRGB: Array("curv".utf8) + [0, 0, 0, 0, 0, 0, 0, 1, 0x02, 0x33]
        }
    }

    /// How far each number may be away. What is nearly sRGB is shown as sRGB: half a step of ΔE at most.
    private var matrixTolerance: Int { self == .sRGB ? 48 : 8 }
    private var curveTolerance: Double { (self == .sRGB ? 48 : 8) / 65536 }

    /// The code points of primaries, curve, matrix and range (ITU-T H.273), where a profile has them.
    private var codePoints: [UInt8]? {
        switch self {
        case .sRGB: [1, 13, 0, 1]
        case .displayP3: [12, 13, 0, 1]
        case .adobeRGB: nil
        }
    }

    /// The space with these primaries (as above), curves and code points; nil if it is none of these.
    init?(matrix: [Int], curves: [ToneCurve], codePoints: [UInt8]?) {
        let found = Self.allCases.first { space in
            zip(matrix, space.matrix).allSatisfy { abs($0 - $1) <= space.matrixTolerance }
                && (codePoints == nil || codePoints == space.codePoints)
                && Set(curves).allSatisfy(space.fits)
        }
        guard let found else { return nil }
        self = found
    }

    /// Whether a curve is this space's, looked at in as many places as a table may have.
    func fits(_ curve: ToneCurve) -> Bool {
        guard let own = ToneCurve(self.curve[...]) else { return false }
        return (0...4095).allSatisfy { step in
            let x = Double(step) / 4095
            guard let one = curve.value(at: x), let other = own.value(at: x) else { return false }
            return abs(one - other) <= curveTolerance
        }
    }
}
