/// The packets at the beginning of a stream in Ogg, before its sound: the first tells what it is, the next has comments.
struct OggHeaders {
    enum Codec {
        case vorbis, opus, flac, speex
    }

    let codec: Codec
    /// Samples in a second, in which granule positions count.
    let rate: Int64
    /// Samples at the beginning that are not played.
    let skipped: Int64
    /// The first packet, as it is written.
    let first: [UInt8]
    private(set) var removed: Set<RemovedMetadata> = []

    /// Reads the first packet; nil if the stream is none of sound.
    init?(_ packet: [UInt8]) throws(CleaningError) {
        func number(_ range: Range<Int>) -> Int64 { packet[range].reversed().reduce(0) { $0 << 8 | Int64($1) } }
        var skipped: Int64 = 0
        var first = packet
        if packet.starts(with: "\u{01}vorbis".utf8) {
            codec = .vorbis
            guard packet.count == 30, number(7..<11) == 0 else { throw .corrupt("its Vorbis header is damaged") }
            rate = number(12..<16)
        } else if packet.starts(with: "OpusHead".utf8) {
            // RFC 7845, section 5.1: 19 bytes, and for more than two channels how they are coded.
            guard packet.count >= 19, packet[8] & 0xF0 == 0,
                packet.count == (packet[18] == 0 ? 19 : 21 + Int(packet[9]))
            else {
                throw .corrupt("its Opus header is damaged")
            }
            codec = .opus
            rate = 48_000
            skipped = number(10..<12)
        } else if packet.starts(with: "\u{7F}FLAC\u{01}".utf8) {
            // RFC 9639, section 10.1: one packet of metadata will follow.
            guard packet.count == 51, packet[9...].starts(with: Array("fLaC".utf8) + [0, 0, 0, 34]) else {
                throw .corrupt("its FLAC header is damaged")
            }
            codec = .flac
            rate = Int64(try FLACStreamInfo(packet[17...]).rate)
            first.replaceSubrange(7..<9, with: [0, 1])
        } else if packet.starts(with: "Speex   ".utf8) {
            // The Speex manual, section 7: 20 bytes name the version of the program, which no decoder reads.
            guard packet.count == 80, number(32..<36) == 80 else { throw .corrupt("its Speex header is damaged") }
            if number(68..<72) != 0 { throw .unsupported("Speex with headers of its own") }
            codec = .speex
            rate = number(36..<40)
            if first[8..<28].contains(where: { $0 != 0 }) { removed.insert(.encoder) }
            first.replaceSubrange(8..<28, with: [UInt8](repeating: 0, count: 20))
        } else {
            return nil
        }
        guard rate > 0 else { throw .corrupt("its sound has no rate") }
        self.skipped = skipped
        self.first = first
    }

    /// Whether these packets, which follow the first, are all that come before the sound.
    func areComplete(_ packets: [[UInt8]]) -> Bool {
        switch codec {
        case .vorbis: packets.count == 2
        case .opus, .speex: packets.count == 1
        // The last block says so.
        case .flac: (packets.last?.first ?? 0) & 0x80 != 0
        }
    }

    /// The packets to write in their place.
    mutating func cleaned(_ packets: [[UInt8]]) throws(CleaningError) -> [[UInt8]] {
        switch codec {
        case .vorbis:
            guard packets[1].starts(with: "\u{05}vorbis".utf8) else { throw .corrupt("its Vorbis setup is damaged") }
            return [try comments(packets[0], behind: "\u{03}vorbis", framing: [1]), packets[1]]
        case .opus: return [try comments(packets[0], behind: "OpusTags")]
        case .speex: return [try comments(packets[0], behind: "")]
        case .flac:
            for packet in packets.dropFirst() {
                switch packet.first.map({ $0 & 0x7F }) {
                case 1, 3: break
                case 5: removed.insert(.text)
                case 6: removed.insert(.cover)
                default: removed.insert(.other)
                }
            }
            guard let first = packets.first, first.count >= 4, first[0] & 0x7F == 4 else {
                throw .corrupt("its comments are not where they should be")
            }
            let block = try comments(Array(first[4...]), behind: "")
            return [[0x84] + [16, 8, 0].map { UInt8(truncatingIfNeeded: block.count >> $0) } + block]
        }
    }

    private mutating func comments(_ packet: [UInt8], behind mark: String, framing: [UInt8] = [])
        throws(CleaningError) -> [UInt8]
    {
        guard packet.starts(with: mark.utf8) else { throw .corrupt("its comments are not where they should be") }
        let comments = try VorbisComments(packet[mark.utf8.count...])
        removed.formUnion(comments.removed)
        return Array(mark.utf8) + comments.cleaned + framing
    }
}
