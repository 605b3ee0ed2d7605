/// Whether a track of text tells positions: drones and dash cameras write them as subtitles. A number with four
/// decimals or more, “GPS”, “HOME(”, “latitude” or “lat:”, degrees and minutes, or the start of an NMEA sentence says so.
struct TextTelemetry {
    /// Bytes of text that one film may have.
    static let limitBytes: Int64 = 64 << 20
    private static let signs = [
        "GPS", "HOME(", "$GP", "$GN", "$GL", "$GA", "$GB", "latitude", "Latitude", "lat:", "Lat:", "LAT:",
    ].map { Array($0.utf8) }
    private static let firstBytes = Array("GH$lL".utf8)

    private var bytesLeft = TextTelemetry.limitBytes

    /// Whether a piece of text in the file tells one.
    mutating func isIn(_ range: Range<Int64>, _ source: SourceBytes) throws(CleaningError) -> Bool {
        try spend(range.upperBound - range.lowerBound)
        var position = range.lowerBound
        var recent: [UInt8] = []
        while position < range.upperBound {
            let count = Int(min(32 << 10, range.upperBound - position))
            // Zeros are those of UTF-16, and of the lengths before each text.
            let bytes = try source.bytes(count, at: position).filter { $0 != 0 }
            if Self.isIn(recent + bytes) { return true }
            recent = Array((recent + bytes).suffix(32))
            position += Int64(count)
        }
        return false
    }

    /// Counts bytes of text that are looked at.
    mutating func spend(_ count: Int64) throws(CleaningError) {
        bytesLeft -= count
        guard bytesLeft >= 0 else { throw .excessive("more than 64 MiB of text") }
    }

    static func isIn(_ bytes: [UInt8]) -> Bool {
        var decimals: Int?
        for (index, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                guard let count = decimals else { continue }
                if count == 3 { return true }
                decimals = count + 1
            // The degree sign, in UTF-8, behind a number and before minutes.
            case 0xB0 where index >= 2 && bytes[index - 1] == 0xC2 && isDigit(bytes[index - 2]):
                if bytes.count > index + 1, isDigit(bytes[index + 1]) { return true }
                decimals = nil
            case UInt8(ascii: "."), UInt8(ascii: ","):
                decimals = index > 0 && isDigit(bytes[index - 1]) ? 0 : nil
            default: decimals = nil
            }
            guard firstBytes.contains(byte) else { continue }
            if signs.contains(where: { bytes[index...].starts(with: $0) }) { return true }
        }
        return false
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
