/// The records that set up a decoder, rebuilt from the parts that it needs. Parameter sets stay bit for bit, those of H.264
/// up to where their syntax ends; messages beside them (SEI, metadata units, user data), which name the encoder and its options, go.
enum DecoderConfiguration {
    static func rebuilt(
        _ type: BoxType, _ bytes: [UInt8], removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) -> [UInt8] {
        var fields = FieldReader(bytes, of: type.description)
        switch type {
        case "avcC": return try avc(&fields)
        case "hvcC": return try hevc(&fields, headerBytes: 22, removed: &removed)
        case "lhvC": return try hevc(&fields, headerBytes: 5, removed: &removed)
        case "av1C": return try av1(&fields, removed: &removed)
        case "esds": return try elementaryStream(&fields, removed: &removed)
        case "dfLa": return try flac(&fields, removed: &removed)
        default: throw .unsupported("the box “\(type)”")
        }
    }

    /// ISO/IEC 14496-15, 5.3.3: sequence and picture parameter sets.
    private static func avc(_ fields: inout FieldReader) throws(CleaningError) -> [UInt8] {
        var kept = try fields.bytes(5)
        for kind in [7, 8] as [UInt8] {
            let count = try fields.bytes(1)
            let number = Int(kind == 7 ? count[0] & 0x1F : count[0])
            kept += count + (try units(number, &fields, as: AVCParameterSets.bounded) { $0[0] & 0x1F == kind })
        }
        // High profiles go on with four bytes and extensions of sequence parameter sets.
        guard [100, 110, 122, 144].contains(kept[1]), fields.count >= 4 else { return kept }
        let high = try fields.bytes(4)
        return kept + high + (try units(Int(high[3]), &fields) { $0[0] & 0x1F == 13 })
    }

    /// ISO/IEC 14496-15, 8.3.3 and 9.5.3: the arrays of video, sequence and picture parameter sets.
    private static func hevc(
        _ fields: inout FieldReader, headerBytes: Int, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) -> [UInt8] {
        let header = try fields.bytes(headerBytes)
        var arrays: [UInt8] = []
        var count: UInt8 = 0
        for _ in 0..<(try fields.number(1)) {
            let kind = try fields.bytes(1)
            let number = try fields.bytes(2)
            let type = kind[0] & 0x3F
            let units = try units(Int(BigEndian.number(number, at: 0, 2)), &fields) { $0[0] >> 1 & 0x3F == type }
            if (32...34).contains(type) {
                count += 1
                arrays += kind + number + units
            } else {
                removed.insert(.encoder)
            }
        }
        return header + [count] + arrays
    }

    /// Units with lengths of 16 bits, each of which must be what the record says.
    private static func units(
        _ count: Int, _ fields: inout FieldReader, as written: ([UInt8]) -> [UInt8] = { $0 },
        isExpected: ([UInt8]) -> Bool
    ) throws(CleaningError) -> [UInt8] {
        var kept: [UInt8] = []
        for _ in 0..<count {
            let length = try fields.bytes(2)
            let unit = try fields.bytes(Int(BigEndian.number(length, at: 0, 2)))
            guard !unit.isEmpty, isExpected(unit) else { throw .corrupt("a decoder's settings have a foreign unit") }
            let new = written(unit)
            kept += new.count <= unit.count ? BigEndian.bytes(UInt16(new.count)) + new : length + unit
        }
        return kept
    }

    /// AV1 in ISOBMFF, 2.3: the sequence header alone.
    private static func av1(
        _ fields: inout FieldReader, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) -> [UInt8] {
        var kept = try fields.bytes(4)
        while fields.count > 0 {
            var unit = try fields.bytes(1)
            guard unit[0] & 2 != 0 else { throw .unsupported("a unit of AV1 without a size") }
            if unit[0] & 4 != 0 { unit += try fields.bytes(1) }
            let size = try leb128(&fields)
            unit += size.bytes + (try fields.bytes(size.value))
            if unit[0] >> 3 & 0xF == 1 { kept += unit } else { removed.insert(.encoder) }
        }
        return kept
    }

    private static func leb128(_ fields: inout FieldReader) throws(CleaningError) -> (value: Int, bytes: [UInt8]) {
        var value = 0
        var bytes: [UInt8] = []
        for index in 0..<4 {
            let byte = try fields.bytes(1)
            bytes += byte
            value |= Int(byte[0] & 0x7F) << (7 * index)
            if byte[0] & 0x80 == 0 { return (value, bytes) }
        }
        throw .corrupt("a unit of AV1 is too long")
    }

    /// FLAC in ISOBMFF, 3.3.2: STREAMINFO, which is the last block now.
    private static func flac(
        _ fields: inout FieldReader, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) -> [UInt8] {
        try fields.skip(4)
        let header = try fields.bytes(4)
        guard header[0] & 0x7F == 0, header[1...] == [0, 0, 34] else { throw .corrupt("FLAC without its first block") }
        let info = try fields.bytes(34)
        if fields.count > 0 { removed.insert(.text) }
        return [0, 0, 0, 0, 0x80, 0, 0, 34] + info
    }
}
