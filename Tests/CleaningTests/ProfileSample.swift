@testable import Cleaning

/// ICC profiles made byte by byte.
struct ProfileSample {
    var version: UInt8 = 2
    var deviceClass: ChunkName = "mntr"
    var space: ChunkName = "RGB "
    var connection: ChunkName = "XYZ "
    var maker: ChunkName = "none"
    var tags: [(name: ChunkName, bytes: [UInt8])] = []

    var bytes: [UInt8] {
        var table = UInt32(tags.count).bigEndianBytes
        var data: [UInt8] = []
        for tag in tags {
            table += tag.name.bytes + UInt32(132 + 12 * tags.count + data.count).bigEndianBytes
            table += UInt32(tag.bytes.count).bigEndianBytes
            data += tag.bytes + [UInt8](repeating: 0, count: -tag.bytes.count & 3)
        }
        let size = UInt32(128 + table.count + data.count)
        var header = size.bigEndianBytes + Array("lcms".utf8) + [version, 0x10, 0, 0]
        header += deviceClass.bytes + space.bytes + connection.bytes + [0x07, 0xE8, 0, 5, 0, 6, 0, 7, 0, 8, 0, 9]
        header += Array("acspAPPL".utf8) + [0, 0, 0, 0] + maker.bytes + [UInt8](repeating: 0, count: 76)
        return header + table + data
    }

    static func xyz(_ numbers: [Int]) -> [UInt8] {
        Array("XYZ ".utf8) + [0, 0, 0, 0] + numbers.flatMap { UInt32(truncatingIfNeeded: $0).bigEndianBytes }
    }

    static func text(_ text: String) -> [UInt8] { Array("text".utf8) + [0, 0, 0, 0] + Array(text.utf8) + [0] }

    static func gamma(_ times256: UInt16) -> [UInt8] {
        Array("curv".utf8) + [0, 0, 0, 0, 0, 0, 0, 1, UInt8(times256 >> 8), UInt8(times256 & 0xFF)]
    }

    /// By matrix and curves.
    static func matrix(_ numbers: [Int], curve: [UInt8]) -> ProfileSample {
        ProfileSample(tags: [
            ("desc", text("sRGB of a kind")), ("cprt", text("somebody")), ("wtpt", xyz(ProfileWriter.d50)),
            ("rXYZ", xyz(Array(numbers[0..<3]))), ("gXYZ", xyz(Array(numbers[3..<6]))),
            ("bXYZ", xyz(Array(numbers[6..<9]))), ("rTRC", curve), ("gTRC", curve), ("bTRC", curve),
        ])
    }

    static func standard(_ space: StandardSpace) -> ProfileSample { matrix(space.matrix, curve: space.curve) }

    /// A display's, with serial number and calibration.
    static var display: ProfileSample {
        var profile = matrix([30000, 15000, 900, 24000, 46000, 6000, 9190, 4535, 47120], curve: gamma(0x0240))
        profile.maker = "DELL"
        profile.tags += [
            ("mmod", Array("mmod".utf8) + [0, 0, 0, 0] + Array("SERIAL4711".utf8)),
            ("vcgt", Array("vcgt".utf8) + [0, 0, 0, 0] + Array("CALIBRATED".utf8)),
            ("dmdd", text("U2312HM")), ("meta", text("52.5200")),
        ]
        return profile
    }

    /// A table from CMYK, of the lowest size.
    static var press: ProfileSample {
        let tables = [UInt8](repeating: 7, count: 256 * 4 + 16 * 3 + 256 * 3)
        let table = Array("mft1".utf8) + [0, 0, 0, 0, 4, 3, 2, 0] + [UInt8](repeating: 0, count: 36) + tables
        return ProfileSample(
            deviceClass: "prtr", space: "CMYK", connection: "Lab ",
            tags: [
                ("desc", text("PressOfMine")), ("cprt", text("somebody")), ("wtpt", xyz(ProfileWriter.d50)),
                ("A2B0", table), ("targ", text("SERIAL4711")),
            ])
    }
}
