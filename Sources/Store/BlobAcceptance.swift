import Blobs

/// What kind of bytes are taken.
package enum BlobAcceptance: String, Sendable, CaseIterable {
    /// Only what looks like a sealed blob.
    case sealedOnly = "sealed"
    /// Only what does not begin like a file that everybody can open.
    case encryptedOnly = "encrypted"
    /// Anything.
    case any

    /// How many of the first bytes tell whether the rest is wanted.
    package var tellingBytes: Int {
        switch self {
        case .sealedOnly: SealedShape.magic.count
        case .encryptedOnly: PlainFile.headBytes
        case .any: 0
        }
    }
}

/// How files begin that everybody can open, as far as messengers send them.
package enum PlainFile {
    /// Bytes that tell.
    package static let headBytes = 12

    /// Where a file of one kind has which bytes.
    private static let marks: [[(offset: Int, bytes: [UInt8])]] = [
        [(0, [0xff, 0xd8, 0xff])],  // JPEG
        [(0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])],  // PNG
        [(0, Array("GIF8".utf8))],
        [(0, Array("RIFF".utf8)), (8, Array("WEBP".utf8))],
        [(4, Array("ftyp".utf8))],  // HEIC, AVIF, MP4, MOV
        [(0, [0x1a, 0x45, 0xdf, 0xa3])],  // Matroska, WebM
        [(0, Array("OggS".utf8))],
        [(0, Array("ID3".utf8))],  // MP3 with a tag
        [(0, Array("%PDF-".utf8))],
        [(0, [0x50, 0x4b, 0x03, 0x04])],  // ZIP, and what is made of it
    ]

    /// Whether a file with these first bytes, at most `headBytes`, is one of those.
    package static func isRecognized(_ head: [UInt8]) -> Bool {
        isFrameOfMP3(head)
            || marks.contains { marks in
                marks.allSatisfy { offset, bytes in head.dropFirst(offset).starts(with: bytes) }
            }
    }

    /// Whether it begins with the header of a frame of MPEG 1 layer III (ISO/IEC 11172-3, 2.4.2.3) without a checksum: one
    /// of 100,000 random files does as well.
    private static func isFrameOfMP3(_ head: [UInt8]) -> Bool {
        guard head.count >= 3, head[0] == 0xff, head[1] == 0xfb else { return false }
        let (bitRate, samplingRate) = (head[2] >> 4, head[2] >> 2 & 3)
        return bitRate != 0 && bitRate != 15 && samplingRate != 3
    }
}
