/// EXIF blocks: a little-endian TIFF header and one directory, with texts behind it.
enum ExifSample {
    /// With maker, model, software, time, GPS and serial number.
    static func telling(orientation: UInt8) -> [UInt8] {
        let texts: [(tag: UInt16, text: String)] = [
            (0x010F, "MakerOfCameras"), (0x0110, "ModelNine"), (0x0131, "ProgramX"), (0x0132, "2024:05:06 07:08:09"),
            (0x8825, "52.5200"), (0xA431, "SERIAL4711"),
        ]
        var entries: [UInt8] = little(0x0112) + little(3) + [1, 0, 0, 0, orientation, 0, 0, 0]
        var values: [UInt8] = []
        let start = 10 + 12 * (texts.count + 1) + 4
        for (tag, text) in texts {
            entries += little(tag) + little(2) + [UInt8(text.utf8.count), 0, 0, 0]
            entries += [UInt8(start + values.count), 0, 0, 0]
            values += Array(text.utf8)
        }
        return [0x49, 0x49, 42, 0, 8, 0, 0, 0, UInt8(texts.count + 1), 0] + entries + [0, 0, 0, 0] + values
    }

    private static func little(_ number: UInt16) -> [UInt8] { [UInt8(number & 0xFF), UInt8(number >> 8)] }

    /// What it must not tell afterwards.
    static let planted = ["MakerOfCameras", "ModelNine", "ProgramX", "2024:05:06", "52.5200", "SERIAL4711"]
}
