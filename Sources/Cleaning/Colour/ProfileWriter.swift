/// Writes a profile (ICC.1:2022, 7.2 to 7.4; ICC.1:2001-04 for version 2) that names nobody: the date is 2000-01-01, and
/// maker, model, creator, platform, module and id are zero. Equal tags share their bytes.
struct ProfileWriter {
    let majorVersion: UInt8
    let deviceClass: ChunkName
    let colours: PictureColours
    let connectionSpace: ChunkName
    let renderingIntent: UInt8
    let tags: [ProfileTag]

    /// X, Y, Z of D50, the white of the connection space, in units of 1/65536.
    static let d50: [Int] = [0xF6D6, 0x10000, 0xD32D]

    func write() -> [UInt8] {
        let described = [
            ProfileTag("desc", made: text(colours.description, description: true)),
            ProfileTag("cprt", made: text("none", description: false)),
        ]
        let all = described + tags
        var table = UInt32(all.count).bigEndianBytes
        var data: [UInt8] = []
        var offsets: [[UInt8]: Int] = [:]
        let start = 132 + 12 * all.count
        for tag in all {
            let offset = offsets[tag.bytes] ?? start + data.count
            if offsets.updateValue(offset, forKey: tag.bytes) == nil {
                data += tag.bytes + [UInt8](repeating: 0, count: -tag.bytes.count & 3)
            }
            table += tag.name.bytes + UInt32(offset).bigEndianBytes + UInt32(tag.bytes.count).bigEndianBytes
        }
        return header(size: start + data.count) + table + data
    }

    private func header(size: Int) -> [UInt8] {
        // The tag `cicp` is of 4.4.
        let minor: UInt8 = majorVersion == 2 ? 0x10 : tags.contains { $0.name == "cicp" } ? 0x40 : 0x30
        var header = UInt32(size).bigEndianBytes + [0, 0, 0, 0, majorVersion, minor, 0, 0]
        header += deviceClass.bytes + colours.signature.bytes + connectionSpace.bytes
        header += [0x07, 0xD0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]  // 2000-01-01, 0:00
        header += Array("acsp".utf8) + [UInt8](repeating: 0, count: 24)
        header += [0, 0, 0, renderingIntent] + Self.d50.flatMap { UInt32($0).bigEndianBytes }
        return header + [UInt8](repeating: 0, count: 128 - header.count)
    }

    /// Version 2 has `desc` (ICC.1:2001-04, 6.5.17) and `text` (6.5.18); version 4 `mluc` (ICC.1:2022, 10.15).
    private func text(_ text: String, description: Bool) -> [UInt8] {
        let ascii = Array(text.utf8)
        if majorVersion == 4 {
            return Array("mluc".utf8) + [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 12] + Array("enUS".utf8)
                + UInt32(2 * ascii.count).bigEndianBytes + [0, 0, 0, 28] + ascii.flatMap { [0, $0] }
        }
        if !description { return Array("text".utf8) + [0, 0, 0, 0] + ascii + [0] }
        // The ASCII text with its zero, then no Unicode text (8 bytes) and no Macintosh text (70 bytes).
        return Array("desc".utf8) + [0, 0, 0, 0] + UInt32(ascii.count + 1).bigEndianBytes + ascii + [0]
            + [UInt8](repeating: 0, count: 78)
    }
}
