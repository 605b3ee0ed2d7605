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

    /// Bytes that look like a profile of so many bytes to all but a colour engine.
    static func fakeProfile(_ space: String = "RGB ", count: Int = 3000) -> [UInt8] {
        var bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        for index in 0..<4 { bytes[index] = UInt8(count >> (24 - 8 * index) & 0xFF) }
        bytes.replaceSubrange(12..<24, with: Array("mntr\(space)XYZ ".utf8))
        bytes.replaceSubrange(36..<40, with: Array("acsp".utf8))
        return bytes
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
