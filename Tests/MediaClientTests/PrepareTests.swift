import Cleaning
import Files
import MediaClient
import MediaMessage
import TestSupport
import Testing

/// What becomes of each kind of file before it is sealed, and what the message and the sender are told.
@Suite struct PrepareTests {
    private let stage: JourneyStage

    init() throws { stage = try JourneyStage() }

    private static let planted = "PLANTED 52.52"

    /// One pixel, with a comment.
    private static let drawing: [UInt8] =
        Array("GIF89a".utf8) + [1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF]
        + [0x21, 0xFE, UInt8(planted.utf8.count)] + Array(planted.utf8) + [0]
        + [0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0, 0x3B]

    /// A second and a half of silence, 8,000 samples a second, with the name of its artist.
    private static let recording: [UInt8] = {
        func chunk(_ name: String, _ contents: [UInt8]) -> [UInt8] {
            let count = UInt32(contents.count)
            return Array(name.utf8) + (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + contents
                + (contents.count % 2 == 0 ? [] : [0])
        }
        let format: [UInt8] = [1, 0, 1, 0, 0x40, 0x1F, 0, 0, 0x40, 0x1F, 0, 0, 1, 0, 8, 0]
        let artist = chunk("LIST", Array("INFO".utf8) + chunk("IART", Array(planted.utf8) + [0]))
        let samples = chunk("data", [UInt8](repeating: 0x80, count: 12_000))
        return chunk("RIFF", Array("WAVE".utf8) + chunk("fmt ", format) + artist + samples)
    }()

    /// The start of a TIFF, little-endian, with an empty directory.
    private static let scan: [UInt8] = [0x49, 0x49, 42, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0]

    /// The message about a sealed file, and the file as it comes out again.
    private func sealed(
        _ bytes: [UInt8], _ options: SendOptions = SendOptions(), _ values: [SettingKey: String] = [:]
    ) throws -> (media: Media, bytes: [UInt8]) {
        let client = try stage.client(values)
        let message = try client.seal(
            try stage.file(bytes), options: options, to: stage.folder.path("blob"), replacing: true)
        _ = try client.unseal(
            message, blob: try OpenFile(stage.folder.path("blob"), .read), to: .path(stage.folder.path("plain")),
            replacing: true)
        return (message.media, try TestSupport.bytes(ofFile: stage.folder.path("plain")))
    }

    private static func tells(_ bytes: [UInt8]) -> Bool {
        String(decoding: bytes, as: UTF8.self).contains(planted)
    }

    @Test func `a drawing is sent without its comment, and its size is told`() throws {
        let (media, bytes) = try sealed(Self.drawing, SendOptions(name: .own("drawing.gif", isNeutral: false)))
        #expect(!Self.tells(bytes) && media.size == Int64(bytes.count) && bytes.count < Self.drawing.count)
        #expect(media.type == "image/gif" && media.width == 1 && media.height == 1 && media.duration == nil)
        #expect(media.removed == ["text"] && media.name == "drawing.gif")
        #expect(stage.steps.isSuperset(of: [.cleaning, .sealing]))
        #expect(stage.heard.contains { $0.contains("picture cleaned, 1 × 1") && $0.contains("removed: text") })
    }

    @Test func `a recording is sent without the name of its artist, and its duration is told`() throws {
        let (media, bytes) = try sealed(Self.recording)
        #expect(!Self.tells(bytes) && bytes.suffix(12_000).allSatisfy { $0 == 0x80 })
        #expect(media.type == "audio/wav" && media.duration == 1.5 && media.width == nil)
        #expect(media.removed == ["text"])
        #expect(stage.heard.contains { $0.hasPrefix("sound cleaned, 1.5 s, ") })
    }

    @Test func `a file that tells nothing stays as it is, and the sender is told so`() throws {
        let comment = Self.planted.utf8.count + 4
        let (media, bytes) = try sealed(Array(Self.drawing[..<19]) + Self.drawing[(19 + comment)...])
        #expect(bytes.count == Self.drawing.count - comment && media.removed.isEmpty)
        #expect(stage.heard.contains { $0.hasPrefix("picture: nothing to remove") && $0.hasSuffix(" 35 bytes") })
    }

    @Test func `sound that is cut short is sent without its last frame, and the sender is told`() throws {
        let frame = [0xFF, 0xFB, 0x90, 0x64] + [UInt8](repeating: 0, count: 413)
        let (media, bytes) = try sealed(frame + frame + frame + frame.prefix(200))
        #expect(bytes == frame + frame + frame && media.removed.isEmpty)
        #expect(stage.heard.contains { $0.hasPrefix("sound cleaned, ") && $0.contains("the file was cut short") })
    }

    @Test(arguments: [drawing, recording])
    func `as a file it is sent bit for bit, and the sender is told what it gives away`(file: [UInt8]) throws {
        let (media, bytes) = try sealed(file, SendOptions(isAsItIs: true))
        #expect(bytes == file && media.removed.isEmpty)
        #expect(media.width != nil || media.duration != nil)
        #expect(stage.heard.contains { $0.contains("sent as it is; it tells: text") })
    }

    @Test func `what cannot be cleaned is not sent, unless its sender says so`() throws {
        let error = try #require(throws: MediaClientError.self) { _ = try sealed(Self.scan) }
        guard case .uncleanable("image/tiff") = error else { throw error }
        #expect(error.description.contains("--as-file"))
        #expect(try Folder.status(stage.folder.path("blob")) == nil)
        #expect(try sealed(Self.scan, SendOptions(isAsItIs: true)).bytes == Self.scan)
        #expect(stage.heard.contains { $0.contains("what it tells is not known here") })
    }

    @Test(arguments: ["song.mp3", "raw.ORF", "film.mov", "shot.png"])
    func `what nobody knows is not sent under the name of a picture, film or sound`(name: String) throws {
        let bytes = noise(5000)
        func seal(_ options: SendOptions) throws -> Media {
            try stage.client().seal(
                try stage.file(bytes, named: name), options: options, to: stage.folder.path("blob"), replacing: true
            ).media
        }
        let error = try #require(throws: MediaClientError.self) { _ = try seal(SendOptions()) }
        guard case .unrecognized = error else { throw error }
        #expect(try seal(SendOptions(isAsItIs: true)).size == 5000)
    }

    @Test func `a damaged film, picture or sound is not sent, unless its sender says so`() throws {
        let cut = Array(Self.drawing.dropLast(4))
        let error = try #require(throws: MediaClientError.self) { _ = try sealed(cut) }
        guard case .cleaning("picture", .truncated) = error else { throw error }
        #expect(error.description.hasPrefix("the picture is cut short") && error.description.contains("--as-file"))
        #expect(try sealed(cut, SendOptions(isAsItIs: true)).bytes == cut)
    }

    @Test func `a document goes as it is, and the sender is told so`() throws {
        let drawing = Array("<svg xmlns=\"http://www.w3.org/2000/svg\"><!-- \(Self.planted) --></svg>".utf8)
        let (media, bytes) = try sealed(drawing)
        #expect(bytes == drawing && media.type == "image/svg+xml")
        #expect(stage.heard.contains { $0.contains("is not removed") })
    }

    @Test(.enabled(if: Peer.isAvailable, "python3 plays the server"))
    func `the server is asked about the size of what is left of a file`() throws {
        let peer = try stage.peers.start()
        let client = try stage.client([.server: peer.url, .padding: "none"])
        let message = try #require(
            try client.send(try stage.file(Self.recording), options: SendOptions()).messages.first)
        let asked = try #require(peer.log.first { $0.contains("\"check\"") })
        #expect(asked.contains("\(message.size)"), "\(asked)")
    }
}
