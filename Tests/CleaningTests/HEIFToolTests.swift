import Files
import Testing

@testable import Cleaning

/// Pictures that libheif makes, with metadata of exiftool.
@Suite(
    .enabled(
        if: Program.areInstalled("heif-enc", "heif-convert", "ffmpeg", "exiftool"),
        "libheif's examples are not installed"))
struct HEIFToolTests {
    /// What exiftool may find: how a picture is to be decoded.
    private static let tags: Set<String> = [
        "MajorBrand", "MinorVersion", "CompatibleBrands", "HandlerType", "PrimaryItemReference", "MetaImageSize",
        "HEVCConfigurationVersion", "GeneralProfileSpace", "GeneralTierFlag", "GeneralProfileIDC",
        "GenProfileCompatibilityFlags", "ConstraintIndicatorFlags", "GeneralLevelIDC", "MinSpatialSegmentationIDC",
        "ParallelismType", "ChromaFormat", "BitDepthLuma", "BitDepthChroma", "AverageFrameRate", "ConstantFrameRate",
        "NumTemporalLayers", "TemporalIDNested", "ImageSpatialExtent", "ImagePixelDepth", "ColorProfiles",
        "ColorPrimaries", "TransferCharacteristics", "MatrixCoefficients", "VideoFullRangeFlag", "Free",
        "MediaDataSize", "MediaDataOffset", "MediaData", "Rotation",
    ]

    @Test func `pixels are those of the original, and exiftool finds nothing`() throws {
        let folder = try TestFolder()
        func run(_ name: String, _ arguments: String...) throws -> String {
            try Program.run(name, arguments, in: folder.path)
        }
        _ = try run(
            "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=320x240", "-frames:v", "1",
            "picture.png")
        _ = try run("heif-enc", "-t", "64", "picture.png", "-o", "picture.heic")
        _ = try run(
            "exiftool", "-q", "-overwrite_original", "-Make=PlantedMaker", "-GPSLatitude=52.52", "-GPSLatitudeRef=N",
            "-XMP:Title=PlantedTitle", "picture.heic")
        let input = try OpenFile("\(folder.path)/picture.heic", .read)
        let cleaned = try HEIF.clean(try SourceBytes(input)) { (nil, $0.isEmpty ? [] : [.icc]) }
        let output = try folder.file([], named: "clean.heic")
        try cleaned.copy.write(from: input, to: output)
        #expect(cleaned.removed.isSuperset(of: [.gps, .camera, .exif, .xmp, .thumbnail]))

        _ = try run("heif-convert", "picture.heic", "original.png")
        _ = try run("heif-convert", "clean.heic", "clean.png")
        func pixels(_ name: String) throws -> String {
            try run("ffmpeg", "-nostdin", "-v", "error", "-i", name, "-f", "md5", "-")
        }
        #expect(try pixels("clean.png") == pixels("original.png"))
        let told = try run("exiftool", "-ee", "-G1", "-a", "-u", "-s", "clean.heic")
        for word in ["Planted", "52 deg", "XMP", "IFD0", "Warning", "Error"] {
            #expect(!told.contains(word), "\(told)")
        }
        let tags = try PictureTool.tags(of: ["\(folder.path)/clean.heic"]).map { $0.drop { $0 != ":" }.dropFirst() }
        for tag in tags { #expect(Self.tags.contains(String(tag)), "\(tag)") }
        let bytes = try TestFolder.bytes(of: output)
        for word in ["PlantedMaker", "PlantedTitle"] { #expect(!bytes.contains(word)) }
    }
    @Test func `animated AVIF has the same packets, and its still picture`() throws {
        let folder = try TestFolder()
        func run(_ name: String, _ arguments: String...) throws -> String {
            try Program.run(name, arguments, in: folder.path)
        }
        do {
            _ = try run(
                "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x64:rate=5:duration=1",
                "-c:v",
                "libaom-av1", "-cpu-used", "8", "-f", "avif", "animated.avif")
        } catch {
            try Test.cancel("this ffmpeg makes no AVIF")
        }
        let input = try OpenFile("\(folder.path)/animated.avif", .read)
        let cleaned = try HEIF.clean(try SourceBytes(input)) { (nil, $0.isEmpty ? [] : [.icc]) }
        let output = try folder.file([], named: "clean.avif")
        try cleaned.copy.write(from: input, to: output)
        #expect(cleaned.seconds == 1 && cleaned.size?.width == 64)
        func packets(_ name: String) throws -> String {
            try run("ffmpeg", "-nostdin", "-v", "error", "-i", name, "-map", "0", "-c", "copy", "-f", "framemd5", "-")
        }
        #expect(try packets("clean.avif").split(separator: "\n").filter { !$0.hasPrefix("#") }.count == 5)
        #expect(try packets("clean.avif") == packets("animated.avif"))
        let bytes = try TestFolder.bytes(of: output)
        for word in ["Handler", "Lavc", "libaom", "Color"] { #expect(!bytes.contains(word), "\(word)") }
    }
}
