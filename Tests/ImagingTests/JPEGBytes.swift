/// Puts segments together and into pictures, by hand and apart from the code that is tested.
enum JPEGBytes {
    static func segment(_ code: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [0xFF, code, UInt8((payload.count + 2) >> 8), UInt8((payload.count + 2) & 0xFF)] + payload
    }

    /// The picture with `segments` behind its first marker.
    static func inserting(_ segments: [UInt8], into picture: [UInt8]) -> [UInt8] {
        picture.prefix(2) + segments + picture.dropFirst(2)
    }

    /// An EXIF segment, in little-endian order, that holds the orientation alone.
    static func orientation(_ value: UInt8) -> [UInt8] {
        segment(
            0xE1,
            Array("Exif\0\0II".utf8) + [
                42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, value, 0, 0, 0, 0, 0, 0, 0,
            ])
    }

    static func xmp(_ text: String) -> [UInt8] {
        segment(0xE1, Array("http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>\(text)</x:xmpmeta>".utf8))
    }

    /// Segments of a colour profile cut into `chunkCount` chunks.
    static func profile(_ profile: [UInt8], chunkCount: Int = 1) -> [[UInt8]] {
        let size = (profile.count + chunkCount - 1) / chunkCount
        return (0..<chunkCount).map { index in
            let chunk = profile[index * size..<min(profile.count, (index + 1) * size)]
            return segment(0xE2, Array("ICC_PROFILE\0".utf8) + [UInt8(index + 1), UInt8(chunkCount)] + chunk)
        }
    }

    /// A profile whose colours are in a table with so many points an edge: 3 · points³ bytes, and some more.
    static func tableProfile(_ space: String = "RGB ", points: Int = 2, values: [UInt8]? = nil) -> [UInt8] {
        let inputs = space == "CMYK" ? 4 : 3
        let entries = (0..<inputs).reduce(3) { count, _ in count * points }
        let table = values ?? (0..<entries).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let curve = (0...255).map { UInt8($0) }
        let curves = { (count: Int) in Array(repeatElement(curve, count: count).joined()) }
        let head = Array("mft1".utf8) + [0, 0, 0, 0, UInt8(inputs), 3, UInt8(points), 0]
        let unit = [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] as [UInt8]
        let matrix = unit + [0, 0, 0, 0] + unit + [0, 0, 0, 0, 0, 1, 0, 0]
        return profile(space, "Lab ", [("A2B0", head + matrix + curves(inputs) + table + curves(3))])
    }

    /// Of gray, with a gamma that is not sRGB's.
    static func grayProfile() -> [UInt8] {
        profile("GRAY", "XYZ ", [("kTRC", Array("curv".utf8) + [0, 0, 0, 0, 0, 0, 0, 1, 1, 0xCC])])
    }

    /// ICC.1:2001-04, 6.1 and 6.2: a header, a table of tags, and these with the white point.
    private static func profile(_ space: String, _ connection: String, _ tags: [(String, [UInt8])]) -> [UInt8] {
        let white = Array("XYZ ".utf8) + [0, 0, 0, 0, 0, 0, 0xF6, 0xD6, 0, 1, 0, 0, 0, 0, 0xD3, 0x2D]
        let tags = [("wtpt", white)] + tags
        var (table, data) = (big32(tags.count), [UInt8]())
        for (name, bytes) in tags {
            table += Array(name.utf8) + big32(132 + 12 * tags.count + data.count) + big32(bytes.count)
            data += bytes + [UInt8](repeating: 0, count: -bytes.count & 3)
        }
        var header = big32(128 + table.count + data.count) + [0, 0, 0, 0, 2, 0x10, 0, 0]
        header += Array("prtr\(space)\(connection)".utf8) + [UInt8](repeating: 0, count: 12) + Array("acsp".utf8)
        header += [UInt8](repeating: 0, count: 128 - header.count)
        return header + table + data
    }

    private static func big32(_ number: Int) -> [UInt8] {
        [UInt8(number >> 24 & 0xFF), UInt8(number >> 16 & 0xFF), UInt8(number >> 8 & 0xFF), UInt8(number & 0xFF)]
    }

    /// Where the payload of the first segment with this code begins, found by its lengths.
    static func payload(of code: UInt8, in picture: [UInt8]) -> Int? {
        var position = 2
        while position + 4 <= picture.count, picture[position] == 0xFF {
            if picture[position + 1] == code { return position + 4 }
            position += 2 + Int(picture[position + 2]) << 8 + Int(picture[position + 3])
        }
        return nil
    }
}
