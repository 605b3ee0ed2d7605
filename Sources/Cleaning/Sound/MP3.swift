/// Cleans MPEG audio, layers I to III: the frames stay bit for bit, everything else goes.
///
/// | part | what becomes of it |
/// |------|--------------------|
/// | ID3v1, `TAG+`, ID3v2 (in front, between, appended), APEv1/v2, Lyrics3 | dropped |
/// | bytes that belong to no frame | dropped, up to 64 KiB; more is an error |
/// | a last frame that is cut short | dropped, and told |
/// | Xing and Info frame: counts, seek table, delay, ReplayGain | kept |
/// | its encoder's name (`LAME3.100`, `Lavc60.31`) | `LAME` alone, with a CRC that is right, and zeros behind |
/// | a name that is unknown | zeros, if the CRC shows that it is one; else kept |
///
/// The four letters stay because players believe delay and padding (gapless sound) only behind them.
package enum MP3 {
    package static func clean(_ source: SourceBytes) throws(CleaningError) -> CleanedFile {
        let walk = try FrameWalk<MPEGFrame>(source)
        guard let first = walk.first else { throw .corrupt("no frame of sound is in it") }
        var file = CleanedFile()
        file.removed = walk.removed
        file.isCutShort = walk.isCutShort
        file.copy = walk.kept
        var samples = walk.samples
        if let info = InfoFrame(Array(try source.bytes(first.byteCount, at: walk.firstRange.lowerBound)), first) {
            samples -= Int64(first.samples)
            if let anonymous = info.anonymous {
                file.removed.insert(.encoder)
                file.copy = CleanCopy()
                file.copy.append(anonymous)
                for part in walk.kept.parts {
                    guard case .original(let range) = part else { continue }
                    file.copy.append(original: max(range.lowerBound, walk.firstRange.upperBound)..<range.upperBound)
                }
            }
        }
        file.seconds = Double(samples) / Double(first.rate)
        return file
    }
}

/// The first frame of many a file: it holds no sound but counts and a seek table (gabriel.mp3-tech.org, "Mp3 Info Tag
/// rev 1"; Xing's own specification).
///
/// | bytes | content, at the place where the sound would be |
/// |-------|--------|
/// | 4     | `Xing` or `Info` |
/// | 4     | flags: 1 frames, 2 bytes, 4 seek table, 8 quality |
/// | 0…112 | what the flags say |
/// | 9     | the encoder's name and version |
/// | 25    | delay, padding, ReplayGain, lengths |
/// | 2     | CRC-16 of all before it in the frame, or of its first 190 bytes |
struct InfoFrame {
    private let bytes: [UInt8]
    private let nameOffset: Int?

    /// Nil if the frame is one of sound.
    init?(_ bytes: [UInt8], _ frame: MPEGFrame) {
        let side = frame.version == .mpeg1 ? (frame.isMono ? 17 : 32) : (frame.isMono ? 9 : 17)
        // Writers that protect the frame by a CRC of its own do not agree on whether it moves what follows.
        let places = [4 + side, 4 + side + 2].prefix(frame.hasCRC ? 2 : 1)
        let found = places.first { place in
            place + 8 <= bytes.count && ["Xing", "Info"].contains { bytes[place...].starts(with: $0.utf8) }
        }
        guard frame.layer == 3, let start = found else { return nil }
        let flags = bytes[start + 7]
        let counts = [4, 4, 100, 4].enumerated().reduce(0) { flags & 1 << $1.offset == 0 ? $0 : $0 + $1.element }
        let name = start + 8 + counts
        self.bytes = bytes
        nameOffset = name + 36 <= bytes.count ? name : nil
    }

    /// The frame with a name that tells nothing, and zeros behind. Nil if it is so already, if it has no name, or one that is unknown and has no right CRC behind
    /// it: then these bytes may be something else.
    var anonymous: [UInt8]? {
        guard let nameOffset else { return nil }
        let isKnown = ["LAME", "Lavf", "Lavc"].contains { bytes[nameOffset...].starts(with: $0.utf8) }
        let name = isKnown ? Array("LAME".utf8) + [0, 0, 0, 0, 0] : [UInt8](repeating: 0, count: 9)
        let place = nameOffset + 34
        let stored = UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1])
        let proven = [place, 190].first { $0 <= place && Self.crc(bytes.prefix($0)) == stored }
        guard isKnown || proven != nil else { return nil }
        var result = bytes
        result.replaceSubrange(nameOffset..<nameOffset + 9, with: name)
        let rest = place + 2..<bytes.count
        result.replaceSubrange(rest, with: [UInt8](repeating: 0, count: rest.count))
        if result == bytes { return nil }
        let crc = Self.crc(result.prefix(proven ?? place))
        result[place] = UInt8(crc >> 8)
        result[place + 1] = UInt8(truncatingIfNeeded: crc)
        return result
    }

    private static func crc(_ bytes: ArraySlice<UInt8>) -> UInt16 {
        var sum = CyclicCheck(.lame)
        sum.add(bytes)
        return UInt16(truncatingIfNeeded: sum.state)
    }
}
