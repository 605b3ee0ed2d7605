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

    private static let kilobits: [[Int]] = [
        [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],  // MPEG-1, layer I
        [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],  // layer II
        [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],  // layer III
        [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],  // MPEG-2, layer I
        [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],  // layers II and III
    ]

    init?(_ header: ArraySlice<UInt8>) {
        let bytes = header.prefix(4).map(Int.init)
        guard bytes.count == 4, bytes[0] == 0xFF, bytes[1] & 0xE0 == 0xE0,
            let version = MPEGVersion(rawValue: bytes[1] >> 3 & 3)
        else { return nil }
        let layer = 4 - (bytes[1] >> 1 & 3)
        let bitrate = bytes[2] >> 4
        let rateIndex = bytes[2] >> 2 & 3
        guard layer < 4, (1...14).contains(bitrate), rateIndex < 3, bytes[3] & 3 != 2 else { return nil }
        self.version = version
        self.layer = layer
        isMono = bytes[3] >> 6 == 3
        hasCRC = bytes[1] & 1 == 0
        rate = [44_100, 48_000, 32_000][rateIndex] >> (version == .mpeg1 ? 0 : version == .mpeg2 ? 1 : 2)
        let table = version == .mpeg1 ? layer - 1 : layer == 1 ? 3 : 4
        let bits = Self.kilobits[table][bitrate - 1] * 1000
        let padding = bytes[2] >> 1 & 1
        switch layer {
        case 1: byteCount = (12 * bits / rate + padding) * 4
        case 3 where version != .mpeg1: byteCount = 72 * bits / rate + padding
        default: byteCount = 144 * bits / rate + padding
        }
    }

    var samples: Int { layer == 1 ? 384 : layer == 3 && version != .mpeg1 ? 576 : 1152 }

    func continues(_ other: Self) -> Bool { version == other.version && layer == other.layer && rate == other.rate }
}

/// A frame of AAC with the header of an Audio Data Transport Stream (ISO 13818-7, section 6.2; ISO 14496-3, 1.A.2.2).
struct ADTSFrame: SoundFrame {
    static let headerBytes = 7

    private let profile: UInt8
    private let rateIndex: Int
    let byteCount: Int
    let samples: Int

    private static let rates = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350,
    ]

    init?(_ header: ArraySlice<UInt8>) {
        let bytes = Array(header.prefix(7))
        guard bytes.count == 7, bytes[0] == 0xFF, bytes[1] & 0xF6 == 0xF0 else { return nil }
        profile = bytes[2] >> 6
        rateIndex = Int(bytes[2] >> 2 & 15)
        byteCount = Int(bytes[3] & 3) << 11 | Int(bytes[4]) << 3 | Int(bytes[5]) >> 5
        samples = 1024 * (Int(bytes[6] & 3) + 1)
        guard Self.rates.indices.contains(rateIndex), byteCount >= (bytes[1] & 1 == 0 ? 10 : 8) else { return nil }
    }

    var rate: Int { Self.rates[rateIndex] }

    func continues(_ other: Self) -> Bool { profile == other.profile && rateIndex == other.rateIndex }
}
