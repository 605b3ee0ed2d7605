/// Parameter sets of H.264 up to where their syntax ends (ITU-T H.264, 7.3.2.1, 7.3.2.2 and E.1): decoders look at nothing
/// behind.
enum AVCParameterSets {
    /// The unit without what follows; the same where it is not understood.
    static func bounded(_ unit: [UInt8]) -> [UInt8] {
        var bits = UnitBits(EscapedUnit.unescaped(unit.dropFirst()))
        let isRead: Bool? =
            switch unit[0] & 0x1F {
            case 7: sequence(&bits)
            case 8: picture(&bits)
            default: nil
            }
        return isRead == nil ? unit : [unit[0]] + EscapedUnit.escaped(bits.taken)
    }

    /// Profiles that tell of chroma and depth.
    private static let high: Set<Int> = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]

    private static func sequence(_ bits: inout UnitBits) -> Bool? {
        guard let profile = bits.number(8), bits.number(16) != nil, bits.unsigned() != nil else { return nil }
        if high.contains(profile) {
            guard let chroma = bits.unsigned(), chroma <= 3, chroma < 3 || bits.flag() != nil,
                skip(2, &bits), bits.flag() != nil, let hasLists = bits.flag(),
                !hasLists || scalingLists(chroma == 3 ? 12 : 8, &bits)
            else { return nil }
        }
        guard skip(1, &bits), let order = bits.unsigned() else { return nil }
        switch order {
        case 0: if !skip(1, &bits) { return nil }
        case 1:
            guard bits.flag() != nil, skip(2, &bits), let count = bits.unsigned(), count <= 255, skip(count, &bits)
            else { return nil }
        case 2: break
        default: return nil
        }
        guard skip(1, &bits), bits.flag() != nil, skip(2, &bits), let isOfFrames = bits.flag(),
            isOfFrames || bits.flag() != nil, bits.flag() != nil, let isCropped = bits.flag(),
            !isCropped || skip(4, &bits), let hasUsability = bits.flag()
        else { return nil }
        return hasUsability ? usability(&bits) : true
    }

    /// E.1.1.
    private static func usability(_ bits: inout UnitBits) -> Bool? {
        guard let hasAspect = bits.flag() else { return nil }
        if hasAspect {
            guard let aspect = bits.number(8), aspect != 255 || bits.number(32) != nil else { return nil }
        }
        guard let hasOverscan = bits.flag(), !hasOverscan || bits.flag() != nil, let hasSignal = bits.flag() else {
            return nil
        }
        if hasSignal {
            guard bits.number(4) != nil, let hasColours = bits.flag(), !hasColours || bits.number(24) != nil else {
                return nil
            }
        }
        guard let hasPlaces = bits.flag(), !hasPlaces || skip(2, &bits), let hasTimes = bits.flag(),
            !hasTimes || bits.number(32) != nil && bits.number(32) != nil && bits.flag() != nil,
            let hasUnits = bits.flag(), !hasUnits || reference(&bits), let hasCoded = bits.flag(),
            !hasCoded || reference(&bits), !(hasUnits || hasCoded) || bits.flag() != nil, bits.flag() != nil,
            let hasRestriction = bits.flag(), !hasRestriction || bits.flag() != nil && skip(6, &bits)
        else { return nil }
        return true
    }

    /// E.1.2: the hypothetical reference decoder.
    private static func reference(_ bits: inout UnitBits) -> Bool {
        guard let count = bits.unsigned(), count < 32, bits.number(8) != nil else { return false }
        for _ in 0...count { guard skip(2, &bits), bits.flag() != nil else { return false } }
        return bits.number(20) != nil
    }

    private static func picture(_ bits: inout UnitBits) -> Bool? {
        guard skip(2, &bits), bits.number(2) != nil, let groups = bits.unsigned(), groups < 8,
            groups == 0 || sliceGroups(groups, &bits), skip(2, &bits), bits.number(3) != nil, skip(3, &bits),
            bits.number(3) != nil
        else { return nil }
        guard bits.hasMore else { return true }
        // Where chroma has all samples there are four more lists, which only the sequence tells.
        guard let hasEights = bits.flag(), let hasLists = bits.flag(),
            !hasLists || scalingLists(hasEights ? 8 : 6, &bits),
            skip(1, &bits)
        else { return nil }
        return hasLists && hasEights ? nil : true
    }

    private static func sliceGroups(_ count: Int, _ bits: inout UnitBits) -> Bool {
        switch bits.unsigned() {
        case 0: return skip(count + 1, &bits)
        case 1: return true
        case 2: return skip(2 * count, &bits)
        case 3, 4, 5: return bits.flag() != nil && skip(1, &bits)
        case 6:
            let width = count > 3 ? 3 : count > 1 ? 2 : 1
            guard let size = bits.unsigned(), size < 1 << 20 else { return false }
            for _ in 0...size { guard bits.number(width) != nil else { return false } }
            return true
        default: return false
        }
    }

    /// Passes over numbers in the code of Exp-Golomb.
    private static func skip(_ count: Int, _ bits: inout UnitBits) -> Bool {
        for _ in 0..<count { guard bits.unsigned() != nil else { return false } }
        return true
    }

    /// 7.3.2.1.1.1: six lists of 16 numbers, others of 64; a next one of 0 ends a list.
    private static func scalingLists(_ count: Int, _ bits: inout UnitBits) -> Bool {
        for list in 0..<count {
            guard let isThere = bits.flag() else { return false }
            if !isThere { continue }
            var last = 8
            for _ in 0..<(list < 6 ? 16 : 64) {
                guard let change = bits.signed() else { return false }
                last = (last + change % 256 + 256) % 256
                if last == 0 { break }
            }
        }
        return true
    }
}
