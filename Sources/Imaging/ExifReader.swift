/// Reads from EXIF what is needed to remove it: the orientation, and which kinds of metadata it contains.
///
/// TIFF 6.0, section 2: `II` or `MM`, 42, the offset of the first directory; a directory is a count of two bytes,
/// entries of twelve (tag, type, count, value or its offset), and the offset of the next one. Every offset comes from
/// the file and is checked; at most three directories are read, none twice, so nothing can loop.
struct ExifReader {
    private let bytes: ArraySlice<UInt8>
    private let isBigEndian: Bool
    private(set) var orientation: Orientation?
    private(set) var removed: Set<RemovedMetadata> = []

    /// The bytes before the TIFF header in an APP1 segment.
    static let label: [UInt8] = Array("Exif".utf8) + [0, 0]

    private struct DirectoryEntry {
        let tag: UInt16
        let type: UInt16
        let valueOffset: Int
    }

    /// Reads what follows the label.
    init(_ tiff: ArraySlice<UInt8>) {
        bytes = tiff
        isBigEndian = tiff.first == UInt8(ascii: "M")
        guard let first = uint32(at: 4), uint16(at: 2) == 42 else {
            removed.insert(.exif)
            return
        }
        readMain(at: first)
    }

    private mutating func readMain(at offset: Int) {
        let (entries, next) = directory(at: offset)
        if next != 0 { removed.insert(.thumbnail) }
        for entry in entries {
            switch entry.tag {
            case 0x0112: orientation = value(of: entry).flatMap(Orientation.init(rawValue:)) ?? orientation
            case 0x010F, 0x0110: removed.insert(.camera)
            case 0x8825: removed.insert(.gps)
            case 0x8769: if let exif = uint32(at: entry.valueOffset) { readExif(at: exif) }
            case 0x02BC: removed.insert(.xmp)
            case 0x83BB: removed.insert(.iptc)
            default: removed.insert(.exif)
            }
        }
        if entries.isEmpty { removed.insert(.exif) }
    }

    private mutating func readExif(at offset: Int) {
        for entry in directory(at: offset).entries {
            switch entry.tag {
            case 0x927C: removed.insert(.makernote)
            // Owner, serial numbers, lens.
            case 0xA430...0xA435: removed.insert(.camera)
            default: removed.insert(.exif)
            }
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

    /// The payload of a segment with nothing but the orientation.
    static func minimal(_ orientation: Orientation) -> [UInt8] {
        label + [
            0x4D, 0x4D, 0, 42, 0, 0, 0, 8,  // MM, the first directory at 8
            0, 1,  // one entry
            0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, UInt8(orientation.rawValue), 0, 0,  // Orientation, SHORT, one
            0, 0, 0, 0,  // no other directory
        ]
    }
}
