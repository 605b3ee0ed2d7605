/// How many samples of sound to leave out at its begin and end: iTunes writes it as the text `iTunSMPB` of `ilst`, and
/// players need it to go from one piece to the next without a gap.
enum GaplessSound {
    /// A new `udta` that has nothing else; nil where `userData` has no such text, or one that cannot be read.
    static func find(in userData: Box, _ reader: BoxReader) -> [UInt8]? {
        guard let text = try? text(in: userData, reader), let plain = plain(text) else { return nil }
        let item =
            [UInt8].fullBox("mean", Array("com.apple.iTunes".utf8)) + .fullBox("name", Array("iTunSMPB".utf8))
            + .fullBox("data", flags: 1, [0, 0, 0, 0] + Array(plain.utf8))
        let handler = [UInt8].fullBox("hdlr", [0, 0, 0, 0] + Array("mdirappl".utf8) + [UInt8](repeating: 0, count: 9))
        return .box("udta", .fullBox("meta", handler + .box("ilst", .box("----", item))))
    }

    /// Four numbers: nothing, samples before, samples behind, all samples; then eight times nothing.
    static func plain(_ text: String) -> String? {
        let words = text.split(separator: " ")
        guard words.count >= 4, words[1].count == 8, words[2].count == 8, words[3].count == 16 else { return nil }
        guard words[1...3].allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isHexDigit } }) else { return nil }
        let numbers = ["00000000"] + words[1...3].map { $0.uppercased() } + [String](repeating: "00000000", count: 8)
        return " " + numbers.joined(separator: " ")
    }

    private static func text(in userData: Box, _ reader: BoxReader) throws(CleaningError) -> String? {
        guard let meta = try reader.children(of: userData).one("meta"),
            let list = try reader.children(of: meta, skipping: 4).one("ilst")
        else { return nil }
        for item in try reader.children(of: list) where item.type == "----" {
            let parts = try reader.children(of: item)
            guard let name = try parts.one("name"), let data = try parts.one("data") else { continue }
            let nameBytes = try reader.bytes(name.payload)
            guard nameBytes.dropFirst(4).elementsEqual("iTunSMPB".utf8), data.payloadBytes <= 1024 else { continue }
            return String(decoding: try reader.bytes(data.payload).dropFirst(8), as: UTF8.self)
        }
        return nil
    }
}
