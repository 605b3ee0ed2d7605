/// Reads from EXIF what is needed to remove it: the orientation, and which kinds of metadata it contains.
///
/// TIFF 6.0, section 2: `II` or `MM`, 42, the offset of the first directory; a directory is a count of two bytes,
/// entries of twelve (tag, type, count, value or its offset), and the offset of the next one. Every offset comes from
/// the file and is checked; two directories are read, so nothing can loop.
package struct ExifReader {
    private let bytes: ArraySlice<UInt8>
    private let isBigEndian: Bool
    package private(set) var orientation: Orientation?
    /// What it tells beside the orientation; where that has no word of its own, `other`.
    package private(set) var removed: Set<RemovedMetadata> = []

    /// The bytes before the TIFF header in an APP1 segment of JPEG, and by mistake in other formats.
    package static let label: [UInt8] = Array("Exif".utf8) + [0, 0]

    private struct DirectoryEntry {
        let tag: UInt16
        let type: UInt16
        let valueOffset: Int
    }

    /// Reads a TIFF header and what follows, with or without the label before it.
    package init(_ block: ArraySlice<UInt8>) {
        bytes = block.starts(with: Self.label) ? block.dropFirst(Self.label.count) : block
        isBigEndian = bytes.first == UInt8(ascii: "M")
        guard let first = uint32(at: 4), uint16(at: 2) == 42, bytes.first == bytes.dropFirst().first else {
            removed.insert(.other)
            return
        }
        readMain(at: first)
    }

    private mutating func readMain(at offset: Int) {
        let (entries, next) = directory(at: offset)
        if next != 0 { removed.insert(.thumbnail) }
        var exif: Int?
        for entry in entries {
            switch entry.tag {
            case 0x0112: orientation = value(of: entry).flatMap(Orientation.init(rawValue:)) ?? orientation
            case 0x8825: removed.insert(.gps)
            case 0x8769: exif = exif ?? uint32(at: entry.valueOffset)
            default: removed.insert(Self.word(of: entry.tag))
            }
        }
        if entries.isEmpty { removed.insert(.other) }
        if let exif { readExif(at: exif) }
    }

    private mutating func readExif(at offset: Int) {
        for entry in directory(at: offset).entries { removed.insert(Self.word(of: entry.tag)) }
    }

    private static func word(of tag: UInt16) -> RemovedMetadata {
        switch tag {
        // Maker, model; owner, serial numbers, lens.
        case 0x010F, 0x0110, 0xA430...0xA435: .camera
        // Changed, taken and digitised, their zones and fractions.
        case 0x0132, 0x9003, 0x9004, 0x9010...0x9012, 0x9290...0x9292: .time
        case 0x0131, 0x013C: .encoder
        // Description, artist, copyright, user's comment, and Windows' titles.
        case 0x010E, 0x013B, 0x8298, 0x9286, 0x9C9B...0x9C9F: .text
        case 0x02BC: .xmp
        case 0x83BB: .iptc
        case 0x8773: .profile
        case 0x927C: .makernote
        default: .other
        }
    }

    /// The complete entries, and the offset of the next directory; zero if there is none.
    private func directory(at offset: Int) -> (entries: [DirectoryEntry], next: Int) {
        guard let count = uint16(at: offset) else { return ([], 0) }
        var entries: [DirectoryEntry] = []
        for index in 0..<Int(count) {
            let start = offset + 2 + 12 * index
            guard let tag = uint16(at: start), let type = uint16(at: start + 2), uint32(at: start + 8) != nil else {
                return (entries, 0)
            }
            entries.append(DirectoryEntry(tag: tag, type: type, valueOffset: start + 8))
        }
        return (entries, uint32(at: offset + 2 + 12 * Int(count)) ?? 0)
    }

    /// A small whole number: BYTE, SHORT or LONG.
    private func value(of entry: DirectoryEntry) -> UInt16? {
        switch entry.type {
        case 1: byte(at: entry.valueOffset).map(UInt16.init)
        case 3: uint16(at: entry.valueOffset)
        case 4: uint32(at: entry.valueOffset).flatMap(UInt16.init(exactly:))
        default: nil
        }
    }

    // Offsets have 32 bits, plus the size of a directory: no sum here can overflow.

    private func byte(at offset: Int) -> UInt8? {
        offset < bytes.count ? bytes[bytes.startIndex + offset] : nil
    }

    private func uint16(at offset: Int) -> UInt16? {
        guard let first = byte(at: offset), let second = byte(at: offset + 1) else { return nil }
        return isBigEndian ? UInt16(first) << 8 | UInt16(second) : UInt16(second) << 8 | UInt16(first)
    }

    private func uint32(at offset: Int) -> Int? {
        guard let first = uint16(at: offset), let second = uint16(at: offset + 2) else { return nil }
        return isBigEndian ? Int(first) << 16 | Int(second) : Int(second) << 16 | Int(first)
    }

    /// A TIFF header and a directory with nothing but the orientation: 26 bytes.
    package static func minimal(_ orientation: Orientation) -> [UInt8] {
        [
            0x4D, 0x4D, 0, 42, 0, 0, 0, 8,  // MM, the first directory at 8
            0, 1,  // one entry
            0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, UInt8(orientation.rawValue), 0, 0,  // Orientation, SHORT, one
            0, 0, 0, 0,  // no other directory
        ]
    }
}
