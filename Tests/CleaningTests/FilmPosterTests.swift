import Testing

@testable import Cleaning

/// Where the frames lie that may stand for a film in Matroska or WebM.
@Suite struct MatroskaPosterTests {
    private typealias M = MatroskaSample

    private func poster(_ codec: String, _ clusters: [UInt8], more: [UInt8] = []) throws -> FilmPoster? {
        let video = M.element(0xE0, M.element(0xB0, 320, bytes: 2) + M.element(0xBA, 240, bytes: 2))
        let track = M.track(1, type: 1, codec: codec, video + more)
        let folder = try TestFolder()
        return FilmPoster(try SourceBytes(try folder.file(M.film(M.info(), M.tracks(track), clusters))))
    }

    private func block(_ time: Int, isKey: Bool = true, _ content: String = "frame") -> [UInt8] {
        M.element(0xA3, [0x81, UInt8(time >> 8), UInt8(time & 0xFF), isKey ? 0x80 : 0] + Array(content.utf8))
    }

    @Test func `key frames of the first three seconds stand for a film, apart from each other`() throws {
        let clusters = M.cluster(
            block(0, "first"), block(100, isKey: false), block(200), block(800, "second"), M.block(1, at: 1600),
            M.block(1, at: 1700, M.element(0xFB, 1)), block(3200))
        let found = try #require(try poster("V_VP8", clusters))
        #expect(found.coding == .vp8 && found.width == 320 && found.height == 240 && found.frames.count == 3)
        #expect(found.frames.map(\.count) == [5, 6, 5])
    }

    @Test func `a frame of VP8 is a WebP`() throws {
        let folder = try TestFolder()
        let track = M.track(
            1, type: 1, codec: "V_VP8", M.element(0xE0, M.element(0xB0, 2, bytes: 2) + M.element(0xBA, 2, bytes: 2)))
        let source = try SourceBytes(
            try folder.file(M.film(M.info(), M.tracks(track), M.cluster(block(0, "odd")))))
        let still = try #require(FilmPoster(source)).still(0, of: source)
        #expect(still == .text("RIFF\u{10}\0\0\0WEBPVP8 \u{3}\0\0\0odd\0"))
    }

    @Test func `settings and colours are told as in other films`() throws {
        let settings = M.element(0x63A2, "settings")
        let found = try #require(try poster("V_MPEG4/ISO/AVC", M.cluster(block(0)), more: settings))
        #expect(found.coding == .avc && found.configuration == .box("avcC", .text("settings")))
        #expect(found.codePoints == nil && !found.isFullRange)
    }

    @Test func `what is packed, laced or of another codec has no poster`() throws {
        #expect(try poster("V_VP9", M.cluster(block(0))) == nil)
        #expect(try poster("V_VP8", M.cluster(block(0)), more: M.element(0x6D80, M.element(0x6240, []))) == nil)
        #expect(try poster("V_VP8", M.cluster(M.element(0xA3, [0x81, 0, 0, 0x82, 1, 1, 2]))) == nil)
        #expect(try poster("V_VP8", M.cluster(block(0, isKey: false))) == nil)
    }
}
