/// Tags and frames, made byte by byte.
enum SoundSamples {
    // MARK: Numbers and letters

    /// A number of `count` bytes, the lowest first.
    static func little(_ number: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    /// A number of `count` bytes, the highest first.
    static func big(_ number: Int, _ count: Int) -> [UInt8] { little(number, count).reversed() }

    static func ascii(_ text: String) -> [UInt8] { Array(text.utf8) }

    static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

    static func join(_ parts: [UInt8]...) -> [UInt8] { parts.flatMap { $0 } }

    // MARK: Tags

    static func id3(_ frames: [(String, [UInt8])], version: UInt8 = 4, footer: Bool = false, padding: Int = 0)
        -> [UInt8]
    {
        var body: [UInt8] = []
        for (name, content) in frames {
            body += ascii(name)
            switch version {
            case 2: body += big(content.count, 3)
            case 3: body += big(content.count, 4) + [0, 0]
            default: body += syncsafe(content.count) + [0, 0]
            }
            body += content
        }
        body += zeros(padding)
        let rest: [UInt8] = [version, 0, footer ? 0x10 : 0] + syncsafe(body.count)
        return join(ascii("ID3"), rest, body, footer ? ascii("3DI") + rest : [])
    }

    static func text(_ text: String) -> [UInt8] { [3] + ascii(text) }

    private static func syncsafe(_ number: Int) -> [UInt8] { [21, 14, 7, 0].map { UInt8(number >> $0 & 0x7F) } }

    static func id3v1(_ title: String) -> [UInt8] { ascii("TAG" + title) + zeros(125 - title.utf8.count) }

    static func extended(_ title: String) -> [UInt8] { ascii("TAG+" + title) + zeros(223 - title.utf8.count) }

    static func ape(_ items: [(String, String)], header: Bool = true, footer: Bool = true) -> [UInt8] {
        var body: [UInt8] = []
        for (name, value) in items {
            body += join(little(value.utf8.count, 4), zeros(4), ascii(name), [0], ascii(value))
        }
        func edge(_ flags: Int) -> [UInt8] {
            join(
                ascii("APETAGEX"), little(2000, 4), little(body.count + 32, 4), little(items.count, 4),
                little(flags, 4), zeros(8))
        }
        return join(header ? edge(0xA000_0000) : [], body, footer ? edge(header ? 0x8000_0000 : 0) : [])
    }

    static func lyrics2(_ text: String) -> [UInt8] {
        let body = ascii("LYRICSBEGINLYR" + digits(text.utf8.count, 5) + text)
        return join(body, ascii(digits(body.count, 6)), ascii("LYRICS200"))
    }

    private static func digits(_ number: Int, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: count - text.count) + text
    }

    static func lyrics1(_ text: String) -> [UInt8] { ascii("LYRICSBEGIN\(text)LYRICSEND") }

    // MARK: Frames

    /// MPEG-1, layer III, 128 kbit/s, 44.1 kHz, stereo: 417 bytes.
    static func mp3(_ fill: UInt8) -> [UInt8] { [0xFF, 0xFB, 0x90, 0x00] + [UInt8](repeating: fill, count: 413) }

    /// Any MPEG frame of that size with this header.
    static func mpeg(_ header: [UInt8], _ count: Int) -> [UInt8] { header + [UInt8](repeating: 0x11, count: count - 4) }

    /// The frame with counts, and the name of an encoder.
    static func info(_ encoder: String, crc isRight: Bool = true) -> [UInt8] {
        let name = ascii(encoder).prefix(9) + zeros(max(0, 9 - encoder.utf8.count))
        let counts = join(
            ascii("Info"), big(15, 4), big(3, 4), big(2000, 4), [UInt8](repeating: 7, count: 100), big(50, 4))
        let tag = join(counts, Array(name), [UInt8](repeating: 0x24, count: 25))
        var frame = mp3(0)
        frame.replaceSubrange(36..<36 + tag.count, with: tag)
        let crc = crc16(frame.prefix(190)) ^ (isRight ? 0 : 1)
        frame.replaceSubrange(190..<192, with: big(Int(crc), 2))
        return frame
    }

    static func crc16(_ bytes: some Sequence<UInt8>) -> UInt16 {
        var crc: UInt16 = 0
        for byte in bytes {
            crc ^= UInt16(byte)
            for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0xA001 }
        }
        return crc
    }

    /// AAC LC, 44.1 kHz, stereo.
    static func adts(_ count: Int, fill: UInt8 = 0x21) -> [UInt8] {
        var header: [UInt8] = [0xFF, 0xF1, 0x50, 0x80, 0, 0x1F, 0xFC]
        header[3] |= UInt8(count >> 11)
        header[4] = UInt8(truncatingIfNeeded: count >> 3)
        header[5] |= UInt8(truncatingIfNeeded: count << 5)
        return header + [UInt8](repeating: fill, count: count - 7)
    }

    // MARK: FLAC

    /// 4,096 samples in a block, 44.1 kHz, one channel, 16 bits.
    static func flacInfo(samples: Int) -> [UInt8] {
        let rate = 44_100 << 12 | 15 << 4 | samples >> 32
        return join(
            big(4096, 2), big(4096, 2), zeros(6), big(rate, 4), big(samples, 4), [UInt8](repeating: 0xAB, count: 16))
    }

    /// A frame of 4,096 samples that are all `value`.
    static func flacFrame(_ number: UInt8, _ value: Int) -> [UInt8] { flacFrame(number, content: [0] + big(value, 2)) }

    /// A frame that says it has 4,096 samples.
    static func flacFrame(_ number: UInt8, content: [UInt8]) -> [UInt8] {
        var frame: [UInt8] = [0xFF, 0xF8, 0xC9, 0x08, number]
        var crc8: UInt8 = 0
        for byte in frame {
            crc8 ^= byte
            for _ in 0..<8 { crc8 = crc8 & 0x80 == 0 ? crc8 << 1 : crc8 << 1 ^ 0x07 }
        }
        frame += [crc8] + content
        var crc16: UInt16 = 0
        for byte in frame {
            crc16 ^= UInt16(byte) << 8
            for _ in 0..<8 { crc16 = crc16 & 0x8000 == 0 ? crc16 << 1 : crc16 << 1 ^ 0x8005 }
        }
        return frame + big(Int(crc16), 2)
    }

    static func block(_ type: UInt8, _ content: [UInt8], last: Bool = false) -> [UInt8] {
        join([type | (last ? 0x80 : 0)], big(content.count, 3), content)
    }

    // MARK: Comments and Ogg

    static func comments(_ vendor: String, _ comments: [String]) -> [UInt8] {
        var bytes = join(little(vendor.utf8.count, 4), ascii(vendor), little(comments.count, 4))
        for comment in comments { bytes += little(comment.utf8.count, 4) + ascii(comment) }
        return bytes
    }

    /// Segments of one packet that ends on its page.
    static func lacing(_ count: Int) -> [UInt8] { [UInt8](repeating: 255, count: count / 255) + [UInt8(count % 255)] }

    static func page(
        _ content: [UInt8], flags: UInt8 = 0, granule: Int = 0, stream: Int = 0x1234, number: Int,
        lacing: [UInt8]? = nil
    ) -> [UInt8] {
        let lacing = lacing ?? Self.lacing(content.count)
        var page = join(ascii("OggS\0"), [flags], little(granule, 8), little(stream, 4), little(number, 4), zeros(4))
        page += join([UInt8(lacing.count)], lacing, content)
        var crc: UInt32 = 0
        for byte in page {
            crc ^= UInt32(byte) << 24
            for _ in 0..<8 { crc = crc & 1 << 31 == 0 ? crc << 1 : crc << 1 ^ 0x04C1_1DB7 }
        }
        page.replaceSubrange(22..<26, with: little(Int(crc), 4))
        return page
    }

    static let opusHead = join(ascii("OpusHead"), [1, 2], little(312, 2), little(48_000, 4), [0, 0, 0])
    static let vorbisHead = join(
        ascii("\u{01}vorbis"), zeros(4), [1], little(44_100, 4), zeros(4), little(128_000, 4), zeros(4), [0xB8, 1])
    static let speexHead = join(
        ascii("Speex   speex-1.2rc1"), zeros(8),
        [1, 80, 16_000, 1, 4, 1, -1, 320, 0, 1, 0, 0, 0].flatMap { little($0, 4) })
}
