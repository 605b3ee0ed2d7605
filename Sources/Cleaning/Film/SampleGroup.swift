/// Groups of samples (ISO/IEC 14496-12, 8.9): descriptions (`sgpd`) and who belongs to them (`sbgp`), where the
/// grouping is one that a decoder needs and its descriptions have the few bytes that they should have.
enum SampleGroup {
    /// The cleaned box, of so many samples if that is known; nil where its grouping is not in `kept`.
    static func clean(
        _ box: Box, kept: Set<BoxType>, samples: Int64 = .max, _ reader: BoxReader
    ) throws(CleaningError) -> [UInt8]? {
        let header = try reader.full(box)
        guard header.bodyBytes >= 8 else { throw .corrupt("the box “\(box.type)” is too short") }
        var fields = FieldReader(try reader.bytes(header.body), of: box.type.description)
        let grouping = BoxType(code: UInt32(try fields.number(4)))
        guard kept.contains(grouping), header.version <= 1 || box.type == "sgpd" && header.version == 2 else {
            return nil
        }
        var bytes = grouping.bytes
        var entryBytes = 8
        if box.type == "sgpd" {
            entryBytes = descriptionBytes(grouping)
            if header.version == 1 {
                let length = try fields.number(4)
                guard length == entryBytes else { return nil }
                bytes += BigEndian.bytes(UInt32(length))
            } else if header.version == 2 {
                bytes += try fields.bytes(4)
            }
        } else if header.version == 1 {
            // These groupings have no parameter.
            try fields.skip(4)
            bytes += [0, 0, 0, 0]
        }
        let count = try fields.number(4)
        guard count <= UInt64(reader.source.count) else { throw .corrupt("the box “\(box.type)” is too short") }
        guard entryBytes > 0 || count <= 1 << 16 else { throw .excessive("more than 65,536 groups of samples") }
        var entries = try fields.bytes(Int(count) * entryBytes)
        if box.type == "sbgp" { entries = members(entries, samples) }
        bytes += BigEndian.bytes(UInt32(entryBytes > 0 ? UInt64(entries.count / entryBytes) : count)) + entries
        return .fullBox(box.type, version: header.version, bytes)
    }

    /// Runs of samples that there are, each of a group that there may be: those of a fragment are counted from 65,537 on.
    private static func members(_ entries: [UInt8], _ samples: Int64) -> [UInt8] {
        var kept: [UInt8] = []
        var left = samples
        for place in stride(from: 0, to: entries.count, by: 8) where left > 0 {
            let count = min(left, Int64(BigEndian.number(entries, at: place, 4)))
            let group = BigEndian.number(entries, at: place + 4, 4)
            if count == 0 { continue }
            kept += BigEndian.bytes(UInt32(count)) + BigEndian.bytes(UInt32(group < 1 << 17 ? group : 0))
            left -= count
        }
        return kept
    }

    private static func descriptionBytes(_ grouping: BoxType) -> Int {
        switch grouping {
        case "roll", "prol": 2
        case "stsa": 0
        default: 1
        }
    }
}
