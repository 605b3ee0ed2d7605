extension DecoderConfiguration {
    /// The descriptors of `esds` (ISO/IEC 14496-14, 5.6; 14496-1, 7.2.6): ES, DecoderConfig, DecoderSpecificInfo and
    /// SLConfig stay; languages, content descriptions, registrations and the like go. The specific information is coded
    /// data: decoders of MPEG-4 Visual choose their arithmetic by the encoder's name in it.
    static func elementaryStream(
        _ fields: inout FieldReader, removed: inout Set<RemovedMetadata>
    ) throws(CleaningError) -> [UInt8] {
        try fields.skip(4)
        var stream = try descriptor(&fields, 3)
        let id = try stream.bytes(2)
        let flags = try stream.number(1)
        guard flags & 0x40 == 0 else { throw .unsupported("sound or film at an address outside of the file") }
        var kept = id + [UInt8(flags & 0x1F)]
        if flags & 0x80 != 0 { try stream.skip(2) }
        if flags & 0x20 != 0 { try stream.skip(2) }

        var decoder = try descriptor(&stream, 4)
        var decoderBytes = try decoder.bytes(13)
        if decoder.count > 0 {
            decoderBytes += encoded(5, try descriptor(&decoder, 5).rest)
        }
        kept += encoded(4, decoderBytes)
        if stream.count > 0 {
            let layer = try descriptor(&stream, 6).rest
            kept += encoded(6, Array(layer.prefix(1)))
            guard layer.first == 2 else { throw .unsupported("a sync layer of its own kind") }
        } else {
            kept += encoded(6, [2])
        }
        if stream.count > 0 || decoder.count > 0 { removed.insert(.other) }
        return [0, 0, 0, 0] + encoded(3, kept)
    }

    private static func descriptor(
        _ fields: inout FieldReader, _ tag: UInt64
    ) throws(CleaningError) -> FieldReader {
        guard try fields.number(1) == tag else { throw .corrupt("a descriptor stands in a wrong place") }
        var size = 0
        for _ in 0..<4 {
            let byte = try fields.number(1)
            size = size << 7 | Int(byte & 0x7F)
            if byte & 0x80 == 0 { return FieldReader(try fields.bytes(size), of: "esds") }
        }
        throw .corrupt("a descriptor is too long")
    }

    private static func encoded(_ tag: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        var header = [tag]
        for shift in [21, 14, 7, 0] {
            let bits = UInt8(truncatingIfNeeded: bytes.count >> shift) & 0x7F
            header.append(shift > 0 ? bits | 0x80 : bits)
        }
        return header + bytes
    }
}
