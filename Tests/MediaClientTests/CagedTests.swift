import Blobs
import Files
import MediaClient
import MediaMessage
import TestSupport
import Testing

/// What becomes of a picture that only a caged decoder reads, before it is sealed.
@Suite struct CagedTests {
    private let stage: JourneyStage

    init() throws { stage = try JourneyStage() }

    /// HEIC, 16 × 16 pixels of a grid of one tile, with a maker and a position in its EXIF. Made with heif-enc and
    /// exiftool.
    private static let picture: [UInt8] =
        Base64.decode(
            """
            AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAeRtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAAA5w\
            aXRtAAAAAAACAAAAEGlkYXQAAAAAABAAEAAAAExpbG9jAQAAAERAAAMAAQAAAAAAAALCAAEAAAAAAAAANAACAAEAAAAAAAAAAQAAAAAA\
            AAAIAAMAAAAAAAAAAAABAAACCAAAALoAAABNaWluZgAAAAAAAwAAABVpbmZlAgAAAQABAABodmMxAAAAABVpbmZlAgAAAAACAABncmlk\
            AAAAABVpbmZlAgAAAQADAABFeGlmAAAAANhpcHJwAAAAtmlwY28AAAB2aHZjQwEDcAAAAAAAAAAAAB7wAPz9+PgAAA8DIAABABhAAQwB\
            //8DcAAAAwCQAAADAAADAB66AkAhAAEAKkIBAQNwAAADAJAAAAMAAAMAHqAggQWW6q6a5uBAQMCAAAADAIAAAAMAhCIAAQAGRAHBc8GJ\
            AAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAUaXNwZQAAAAAAAAAQAAAAEAAAABBwaXhpAAAAAAMICAgAAAAaaXBtYQAAAAAAAAACAAECgQIA\
            AgIDhAAAAChpcmVmAAAAAAAAAA5kaW1nAAIAAQABAAAADmNkc2MAAwABAAIAAAD2bWRhdAAAAAZFeGlmAABNTQAqAAAACAAGAQ8AAgAA\
            AAgAAABWARoABQAAAAEAAABeARsABQAAAAEAAABmASgAAwAAAAEAAgAAAhMAAwAAAAEAAQAAiCUABAAAAAEAAABuAAAAAFBMQU5URUQA\
            AAAASAAAAAEAAABIAAAAAQADAAAAAQAAAAQCAwAAAAEAAgAAAAJOAAAAAAIABQAAAAMAAACYAAAAAAAAADQAAAABAAAAHwAAAAEAAAAM\
            AAAAAQAAADAoAa8ZIWLCQO9c4yIFTCtJJM/Nu1Ha4t/bQKsNaP/XJ8bla3Ha7UCW1hqrEIwyiH8=
            """) ?? []

    /// Where Debian, Ubuntu and Fedora have it.
    private static let hasLibrary = [
        "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib",
    ]
    .contains { (try? Folder.status("\($0)/libheif.so.1", followsLinks: true)) != nil }

    private func sealed(
        _ options: SendOptions, _ values: [SettingKey: String] = [:]
    ) throws -> (media: Media, bytes: [UInt8]) {
        let client = try stage.client(values)
        let message = try client.seal(
            try stage.file(Self.picture), options: options, to: stage.folder.path("blob"), replacing: true)
        _ = try client.unseal(
            message, blob: try OpenFile(stage.folder.path("blob"), .read), to: .path(stage.folder.path("plain")),
            replacing: true)
        return (message.media, try TestSupport.bytes(ofFile: stage.folder.path("plain")))
    }

    private static func tells(_ bytes: [UInt8]) -> Bool {
        String(decoding: bytes, as: UTF8.self).contains("PLANTED")
    }

    private let named = SendOptions(name: .own("garden.HEIC", isNeutral: false))

    @Test(.enabled(if: hasLibrary, "needs libheif1"))
    func `a HEIC is sent as JPEG, and its name says so`() throws {
        let (media, bytes) = try sealed(named)
        #expect(media.type == "image/jpeg" && media.name == "garden.jpg")
        #expect(bytes.starts(with: [0xFF, 0xD8, 0xFF]) && !Self.tells(bytes))
        #expect(media.width == 16 && media.height == 16 && media.thumbhash != nil && media.preview != nil)
        #expect(media.removed.contains("gps") && media.removed.contains("camera"))
        #expect(stage.heard.contains { $0.hasPrefix("picture converted (HEIC to JPEG), 16 × 16, ") })
    }

    @Test func `at original it stays a HEIC without what it told`() throws {
        let (media, bytes) = try sealed(named, [.quality: "original"])
        #expect(media.type == "image/heic" && media.name == "garden.HEIC" && !Self.tells(bytes))
        #expect(bytes.count <= Self.picture.count && media.width == 16)
        #expect(!Self.hasLibrary || media.preview != nil)
    }

    @Test func `as a file it is sent bit for bit, with a preview`() throws {
        let (media, bytes) = try sealed(SendOptions(isAsItIs: true))
        #expect(bytes == Self.picture && media.type == "image/heic")
        #expect(!Self.hasLibrary || media.preview != nil)
    }

    @Test func `without a decoder it is sent as a HEIC without what it told, and the sender is told why`() throws {
        stage.decoders = "/nowhere/satchel"
        let (media, bytes) = try sealed(named)
        #expect(media.type == "image/heic" && media.name == "garden.HEIC" && !Self.tells(bytes))
        #expect(media.preview == nil && media.width == 16 && media.removed.contains("gps"))
        #expect(stage.heard.contains { $0.contains("picture cleaned only (") && $0.contains("/nowhere/satchel") })
    }
}
