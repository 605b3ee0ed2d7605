import Testing

@testable import Cleaning

private typealias S = SoundSamples

@Suite struct CodecPrivateTests {
    private func cleaned(_ bytes: [UInt8], _ codec: String) throws -> [UInt8] {
        let once = try CodecPrivate.clean(bytes, codec).bytes
        #expect(once.count == bytes.count)
        #expect(try CodecPrivate.clean(once, codec).bytes == once)
        return once
    }

    @Test func `the comments of Vorbis become a vendor of zeros`() throws {
        let setup = S.ascii("\u{05}vorbis...")
        let comments = S.comments("PLANTED", ["TITLE=PLANTED 52.5200"])
        func bytes(_ comments: [UInt8]) -> [UInt8] {
            S.join([2, 30, UInt8(comments.count + 8)], S.vorbisHead, S.ascii("\u{03}vorbis"), comments, [1], setup)
        }
        let empty = S.join(S.little(comments.count - 8, 4), S.zeros(comments.count - 8), S.zeros(4))
        #expect(try cleaned(bytes(comments), "A_VORBIS") == bytes(empty))
        #expect(throws: CleaningError.self) { try CodecPrivate.clean([2, 255], "A_VORBIS") }
        #expect(throws: CleaningError.self) { try CodecPrivate.clean([2, 30, 60] + S.vorbisHead, "A_VORBIS") }
    }

    @Test func `the blocks of FLAC become padding`() throws {
        let info = S.ascii("fLaC") + S.block(0, S.flacInfo(samples: 0))
        let file = S.join(info, S.block(4, S.comments("PLANTED", [])), S.block(6, S.ascii("PLANTED"), last: true))
        let padding = S.join(info, S.block(1, S.zeros(15)), S.block(1, S.zeros(7), last: true))
        #expect(try cleaned(file, "A_FLAC") == padding)
        #expect(throws: CleaningError.self) { try CodecPrivate.clean(file + [0], "A_FLAC") }
    }

    @Test func `scripts of subtitles keep what is seen`() throws {
        let script = """
            [Script Info]
            ; made by PLANTED
            Title: PLANTED
            ScriptType: v4.00+
            PlayResX: 640
            [Aegisub Project Garbage]
            Video File: /home/PLANTED/film.mkv
            [V4+ Styles]
            Format: Name, Fontname
            Style: Default,Arial
            [Fonts]
            fontname: PLANTED
            [Events]
            Format: Layer, Start, End
            Comment: PLANTED
            """
        let kept = try cleaned(S.ascii(script), "S_TEXT/ASS")
        let lines = String(decoding: kept, as: UTF8.self).split(separator: "\n").filter { $0.contains { $0 != " " } }
        #expect(
            lines == [
                "[Script Info]", "ScriptType: v4.00+", "PlayResX: 640", "[V4+ Styles]", "Format: Name, Fontname",
                "Style: Default,Arial", "[Events]", "Format: Layer, Start, End",
            ])
        #expect(
            try cleaned(S.ascii("# PLANTED\r\nsize: 720x576\r\nid: PLANTED"), "S_VOBSUB")
                == S.ascii("         \r\nsize: 720x576\r\n           "))
        #expect(
            try cleaned(S.ascii("[V4+ Styles]\rStyle: a\rTitle: PLANTED\r"), "S_ASS")
                == S.ascii("[V4+ Styles]\rStyle: a\r              \r"))
        #expect(try cleaned(S.ascii("WEBVTT\nNOTE"), "S_TEXT/WEBVTT") == S.ascii("      \n    "))
    }

    @Test func `what decoders need stays`() throws {
        #expect(try cleaned([1, 2, 3], "V_MPEG2") == [1, 2, 3])
        #expect(try cleaned(S.opusHead, "A_OPUS") == S.opusHead)
        #expect(throws: CleaningError.self) { try CodecPrivate.clean(S.opusHead + S.ascii("PLANTED"), "A_OPUS") }
    }
}
