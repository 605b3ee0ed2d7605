import Cage
import Cleaning
import Files
import Foundation
import Imaging
import TestSupport

/// Pictures that libheif's own program has made, and what becomes of them in the cage.
struct CagedScene {
    let studio: Studio

    static let canMake = Tool.areInstalled && Tool.isInstalled("heif-enc")
    static let reason = "needs libheif-examples besides the programs of the other tests"
    /// What becomes the caged process: the client.
    static let program = CageProgram(path: Products.path("satchel"))
    /// The two ways to compress, with the ending that asks for each.
    static let endings = ["heic", "avif"]

    init() throws { studio = try Studio.open() }

    /// The scene of the other tests as HEIC or AVIF, after ImageMagick has done to it what `changes` say.
    func make(_ ending: String, _ options: [String] = [], changes: [String] = []) throws -> String {
        let source = studio.newPath("png")
        try Tool.run("convert", [studio.path("scene.png")] + changes + [source])
        let output = studio.newPath(ending)
        try Tool.run("heif-enc", ["-q", "95"] + (ending == "avif" ? ["-A"] : []) + options + [source, "-o", output])
        return output
    }

    /// What becomes of a file, and where it is.
    func prepare(
        _ path: String, _ quality: Quality = .high, in program: CageProgram = program
    ) throws -> (outcome: CagedOutcome, path: String) {
        let input = try OpenFile(path, .read)
        let source = try SourceBytes(input)
        let size = try? HEIF.clean(source).size
        let result = studio.newPath()
        let output = try OpenFile(result, .create(permissions: 0o600))
        let outcome = try prepareCaged(
            input, displayed: size, traits: HEIFTraits(source), quality: quality, in: program, into: output)
        return (outcome, result)
    }
}

/// The smallest HEIC or AVIF around the picture of another, with properties that its maker did not write
/// (ISO/IEC 23008-12, 6.5).
struct StillFixture {
    private let item: BoxType
    private let configuration: [UInt8]
    private let data: [UInt8]
    private let size: (width: Int, height: Int)

    /// From the bytes of a file that libheif has written with one picture of this size in it.
    init?(_ bytes: [UInt8], width: Int, height: Int) {
        func box(_ name: String) -> ArraySlice<UInt8>? {
            let name = Array(name.utf8)
            let found = (4..<bytes.count - 4).first { Array(bytes[$0..<$0 + 4]) == name }
            return found.map { start in
                let count = bytes[start - 4..<start].reduce(0) { $0 << 8 | Int($1) }
                return bytes[start - 4..<start - 4 + count]
            }
        }
        guard let data = box("mdat"), let configuration = box("hvcC") ?? box("av1C") else { return nil }
        item = box("hvcC") == nil ? "av01" : "hvc1"
        self.configuration = Array(configuration)
        self.data = Array(data.dropFirst(8))
        size = (width, height)
    }

    static func turn(_ quarters: UInt8) -> [UInt8] { .box("irot", [quarters]) }
    static func mirror(_ axis: UInt8) -> [UInt8] { .box("imir", [axis]) }

    /// The middle of the picture (6.5.9): width, height, and no way from the centre.
    static func cut(_ width: UInt32, _ height: UInt32) -> [UInt8] {
        .box("clap", [width, 1, height, 1, 0, 1, 0, 1].flatMap { BigEndian.bytes($0) })
    }

    /// A file with these properties, applied in this order.
    func bytes(_ properties: [[UInt8]]) -> [UInt8] {
        let brand: BoxType = item == "hvc1" ? "heic" : "avif"
        let fileType = [UInt8].box("ftyp", brand.bytes + [0, 0, 0, 0] + BoxType("mif1").bytes + brand.bytes)
        let extent = BigEndian.bytes(UInt32(size.width)) + BigEndian.bytes(UInt32(size.height))
        let container = configuration + .fullBox("ispe", extent) + properties.flatMap { $0 }
        let places = [0x81, 2] + properties.indices.map { UInt8(0x83 + $0) }
        let fixed =
            [UInt8].fullBox("hdlr", [0, 0, 0, 0] + BoxType("pict").bytes + [UInt8](repeating: 0, count: 13))
            + .fullBox("pitm", [0, 1])
            + .fullBox("iinf", [0, 1] + .fullBox("infe", version: 2, [0, 1, 0, 0] + item.bytes + [0]))
            + .box(
                "iprp",
                .box("ipco", container) + .fullBox("ipma", [0, 0, 0, 1, 0, 1, UInt8(places.count)] + places))
        func meta(_ offset: Int) -> [UInt8] {
            let place = BigEndian.bytes(UInt32(offset)) + BigEndian.bytes(UInt32(data.count))
            return .fullBox("meta", fixed + .fullBox("iloc", [0x44, 0, 0, 1, 0, 1, 0, 0, 0, 1] + place))
        }
        return fileType + meta(fileType.count + meta(0).count + 8) + .box("mdat", data)
    }
}
