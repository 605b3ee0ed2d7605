/// Names what an Exif item told (ISO/IEC 23008-12, A.2.1; Exif 2.32; TIFF 6): for the list of what was removed, never
/// for a decision.
enum ExifWords {
    private static let entryLimit = 256

    /// The words for the bytes of an item: 4 bytes that say where TIFF begins, then Exif.
    static func words(itemBytes bytes: [UInt8]) -> Set<RemovedMetadata> {
        guard bytes.count >= 4, let start = Int(exactly: BigEndian.number(bytes, at: 0, 4)), start < bytes.count - 4
        else {
            return []
        }
        return words(tiff: Array(bytes[(4 + start)...]))
    }

    static func words(tiff: [UInt8]) -> Set<RemovedMetadata> {
        guard tiff.count >= 8, tiff[0] == tiff[1], tiff[0] == 0x49 || tiff[0] == 0x4D else { return [] }
        let isLittle = tiff[0] == 0x49
        var words: Set<RemovedMetadata> = []
        var directories = [number(tiff, 4, 4, isLittle)]
        var seen: Set<Int> = []
        while let directory = directories.popLast(), seen.count < 4 {
            guard seen.insert(directory).inserted, directory > 0, directory <= tiff.count - 2 else { continue }
            for index in 0..<min(number(tiff, directory, 2, isLittle), entryLimit) {
                let entry = directory + 2 + 12 * index
                guard entry <= tiff.count - 12 else { break }
                switch number(tiff, entry, 2, isLittle) {
                case 0x8825: words.insert(.gps)
                case 0x010F, 0x0110, 0xA430...0xA435, 0xC62F: words.insert(.camera)
                case 0x0131, 0x013C: words.insert(.encoder)
                case 0x0132, 0x9003, 0x9004, 0x9010...0x9012: words.insert(.time)
                case 0x010E, 0x013B, 0x8298, 0x9286, 0x9C9B...0x9C9F: words.insert(.text)
                case 0x927C: words.insert(.makernote)
                case 0x8769: directories.append(number(tiff, entry + 8, 4, isLittle))
                default: continue
                }
            }
        }
        return words
    }

    /// A number of `count` bytes at `offset`, which are there.
    private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int, _ isLittle: Bool) -> Int {
        let part = bytes[offset..<offset + count]
        return (isLittle ? Array(part.reversed()) : Array(part)).reduce(0) { $0 << 8 | Int($1) }
    }
}
