/// The header of a frame of sound, in a stream that is nothing but such frames.
protocol SoundFrame {
    /// Bytes that are needed to read it.
    static var headerBytes: Int { get }
    /// Reads `headerBytes` bytes; nil if no frame begins with them.
    init?(_ header: ArraySlice<UInt8>)
    /// Bytes of the frame, its header included; at least `headerBytes`.
    var byteCount: Int { get }
    /// Samples of each channel.
    var samples: Int { get }
    /// Samples in a second.
    var rate: Int { get }
    /// Whether this may follow the other in one stream.
    func continues(_ other: Self) -> Bool
}

/// A frame of MPEG audio, layers I to III (ISO 11172-3, section 2.4.2.3; ISO 13818-3 for the lower rates; MPEG 2.5 is a
/// usual extension to rates lower still). Frames of free format are not read.
struct MPEGFrame: SoundFrame {
    static let headerBytes = 4

    enum MPEGVersion: Int { case mpeg25 = 0, mpeg2 = 2, mpeg1 = 3 }

    let version: MPEGVersion
    /// 1 to 3.
    let layer: Int
    let isMono: Bool
    /// Whether two bytes of CRC follow the header.
    let hasCRC: Bool
    let rate: Int
    let byteCount: Int

    private static let rates = [44_100, 48_000, 32_000]
    private static let kilobits: [[Int]] = [
        [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],  // MPEG-1, layer I
        [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],  // layer II
        [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],  // layer III
        [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],  // MPEG-2, layer I
        [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],  // layers II and III
    ]

    init?(_ header: ArraySlice<UInt8>) {
        guard let bits = header.bigEndian32(at: 0), bits >> 21 == 0x7FF,
            let version = MPEGVersion(rawValue: bits >> 19 & 3)
        else { return nil }
        let layer = 4 - (bits >> 17 & 3)
        let bitrate = bits >> 12 & 15
        let rateIndex = bits >> 10 & 3
        guard layer < 4, (1...14).contains(bitrate), rateIndex < 3, bits & 3 != 2 else { return nil }
        self.version = version
        self.layer = layer
        isMono = bits >> 6 & 3 == 3
        hasCRC = bits >> 16 & 1 == 0
        rate = Self.rates[rateIndex] >> (version == .mpeg1 ? 0 : version == .mpeg2 ? 1 : 2)
        let table = version == .mpeg1 ? layer - 1 : layer == 1 ? 3 : 4
        let bitsPerSecond = Self.kilobits[table][bitrate - 1] * 1000
        let padding = bits >> 9 & 1
        switch layer {
        case 1: byteCount = (12 * bitsPerSecond / rate + padding) * 4
        case 3 where version != .mpeg1: byteCount = 72 * bitsPerSecond / rate + padding
        default: byteCount = 144 * bitsPerSecond / rate + padding
        }
    }

    var samples: Int { layer == 1 ? 384 : layer == 3 && version != .mpeg1 ? 576 : 1152 }

    func continues(_ other: Self) -> Bool { version == other.version && layer == other.layer && rate == other.rate }
}

/// A frame of AAC with the header of an Audio Data Transport Stream (ISO 13818-7, section 6.2; ISO 14496-3, 1.A.2.2).
struct ADTSFrame: SoundFrame {
    static let headerBytes = 7

    private let profile: Int
    private let rateIndex: Int
    let byteCount: Int
    let samples: Int

    private static let rates = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350,
    ]

    init?(_ header: ArraySlice<UInt8>) {
        guard let bits = header.bigEndian32(at: 0), let more = header.bigEndian32(at: 3), bits >> 16 & 0xFFF6 == 0xFFF0
        else { return nil }
        profile = bits >> 14 & 3
        rateIndex = bits >> 10 & 15
        // 13 bits behind the first 30.
        byteCount = more >> 13 & 0x1FFF
        samples = 1024 * (more & 3 + 1)
        guard Self.rates.indices.contains(rateIndex), byteCount >= (bits >> 16 & 1 == 0 ? 10 : 8) else { return nil }
    }

    var rate: Int { Self.rates[rateIndex] }

    func continues(_ other: Self) -> Bool { profile == other.profile && rateIndex == other.rateIndex }
}
