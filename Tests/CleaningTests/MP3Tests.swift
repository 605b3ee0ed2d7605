import Testing

@testable import Cleaning

private typealias S = SoundSamples

@Suite struct MP3Tests {
    private static let frames = S.mp3(1) + S.mp3(2) + S.mp3(3)
    private static let title = S.id3([("TIT2", S.text("PLANTED"))])

    @Test(arguments: [
        CleanedCase("ID3v2.4", [S.id3([("TIT2", S.text("PLANTED"))], padding: 100), frames], [.text]),
        CleanedCase(
            "ID3v2.3", [S.id3([("TSSE", S.text("PLANTED")), ("TYER", S.text("2024"))], version: 3), frames],
            [.time, .encoder]),
        CleanedCase(
            "ID3v2.2", [S.id3([("TT2", S.text("PLANTED")), ("PIC", [0, 1, 2])], version: 2), frames], [.text, .cover]),
        CleanedCase(
            "ID3v2.4 with a footer, appended", [frames, S.id3([("APIC", S.text("PLANTED"))], footer: true)], [.cover]),
        CleanedCase(
            "two tags and room behind them", [S.id3([("PRIV", S.text("PLANTED"))]), title, [0, 0, 0], frames],
            [.text, .other]),
        CleanedCase("ID3v1", [frames, S.id3v1("PLANTED")], [.text]),
        CleanedCase("ID3v1 with its extension", [frames, S.extended("PLANTED"), S.id3v1("PLANTED")], [.text]),
        CleanedCase("APEv2 behind", [frames, S.ape([("Title", "PLANTED"), ("Year", "2024")])], [.text, .time]),
        CleanedCase(
            "APEv1 behind, ID3v1 after it",
            [frames, S.ape([("Cover Art (Front)", "PLANTED")], header: false), S.id3v1("PLANTED")], [.text, .cover]),
        CleanedCase("APEv2 in front", [S.ape([("Title", "PLANTED")]), frames], [.text]),
        CleanedCase("Lyrics3 v2", [frames, S.lyrics2("PLANTED"), S.id3v1("PLANTED")], [.text]),
        CleanedCase("Lyrics3 v1", [frames, S.lyrics1("PLANTED"), S.id3v1("PLANTED")], [.text]),
        CleanedCase("a tag between frames", [S.mp3(1), S.mp3(2), title, S.mp3(3)], [.text]),
        CleanedCase("junk in front", [S.ascii("PLANTED"), frames], [.other]),
        CleanedCase("junk between", [S.mp3(1), S.mp3(2), S.ascii("PLANTED"), S.mp3(3)], [.other]),
        CleanedCase("junk behind", [frames, S.ascii("PLANTED")], [.trailing]),
        CleanedCase("a frame cut short", [frames, Array(S.mp3(4).prefix(200))], []),
    ])
    func `frames stay and all else goes`(_ row: CleanedCase) throws {
        let result = try CleaningTrial(MP3.clean).runTwice(row.file)
        #expect(result.bytes == Self.frames)
        #expect(result.file.removed == row.removed)
        #expect(result.file.size == nil)
        #expect(abs((result.file.seconds ?? 0) - 3 * 1152 / 44_100) < 1e-9)
    }

    @Test(
        arguments: [
            ("MPEG-1 layer I", [0xFF, 0xFF, 0x40, 0], 136, 384.0 / 44_100),
            ("MPEG-1 layer II", [0xFF, 0xFD, 0x80, 0], 417, 1152.0 / 44_100),
            ("MPEG-2 layer III", [0xFF, 0xF3, 0x80, 0], 208, 576.0 / 22_050),
            ("MPEG-2.5 layer III", [0xFF, 0xE3, 0x80, 0xC0], 417, 576.0 / 11_025),
        ] as [(String, [UInt8], Int, Double)])
    func `every layer has its size and duration`(_: String, header: [UInt8], count: Int, seconds: Double) throws {
        let frame = S.mpeg(header, count)
        let result = try CleaningTrial(MP3.clean).runTwice(frame + frame)
        #expect(result.bytes == frame + frame)
        #expect(abs((result.file.seconds ?? 0) - 2 * seconds) < 1e-9)
    }

    @Test(arguments: [("LAME3.100", true), ("Lavc60.31", true), ("Lavf58.45", false), ("PLANTED", true)])
    func `an encoder's name goes from the frame of counts, which keeps the rest`(name: String, isRight: Bool) throws {
        let info = S.info(name, crc: isRight)
        let result = try CleaningTrial(MP3.clean).runTwice(info + Self.frames)
        #expect(result.file.removed == [.encoder])
        #expect(result.bytes.dropFirst(417).elementsEqual(Self.frames))
        let frame = Array(result.bytes.prefix(417))
        #expect(frame[..<156] == info[..<156] && frame[165..<190] == info[165..<190])
        let anonymous = name == "PLANTED" ? S.zeros(9) : S.ascii("LAME\0\0\0\0\0")
        #expect(Array(frame[156..<165]) == anonymous)
        #expect(Array(frame[190..<192]) == S.big(Int(S.crc16(frame.prefix(190))), 2))
        #expect(abs((result.file.seconds ?? 0) - 3 * 1152 / 44_100) < 1e-9, "the frame of counts is no sound")
    }

    @Test func `what lies behind the counts goes`() throws {
        var info = S.info("LAME3.100")
        info.replaceSubrange(200..<207, with: S.ascii("PLANTED"))
        let result = try CleaningTrial(MP3.clean).runTwice(info + Self.frames)
        #expect(!result.bytes.contains("PLANTED") && result.file.removed == [.encoder])
    }

    @Test func `what may be no name stays`() throws {
        let file = S.info("unknown", crc: false) + Self.frames
        #expect(try CleaningTrial(MP3.clean).runTwice(file).bytes == file)
    }

    @Test(arguments: [
        RefusedCase("nothing", [], .corrupt("no frame of sound is in it")),
        RefusedCase("a tag without sound", [title], .corrupt("no frame of sound is in it")),
        RefusedCase("one header", [[0xFF, 0xFB, 0x90, 0]], .corrupt("no frame of sound is in it")),
        RefusedCase("a tag cut short", [Array(title.prefix(20))], .truncated),
        RefusedCase(
            "a tag of 17 MiB", [S.ascii("ID3\u{4}\0\0"), [8, 0x40, 0, 0]], .excessive("an ID3 tag of more than 16 MiB")),
        RefusedCase(
            "more than 64 KiB of junk", [frames, [UInt8](repeating: 0x55, count: 70_000), frames],
            .corrupt("more than 64 KiB in it belong to no frame")),
        RefusedCase(
            "65 tags", [[UInt8]](repeating: S.id3([]), count: 65) + [frames], .excessive("more than 64 tags")),
        RefusedCase(
            "lyrics without a beginning", [frames, S.ascii("000100LYRICS200")], .corrupt("its lyrics have no beginning")
        ),
        RefusedCase(
            "a footer without a tag", [frames, S.ascii("3DI\u{4}\0\u{10}\0\0\0\u{10}")],
            .corrupt("the ID3 tag at its end has no beginning")),
        RefusedCase(
            "an APE tag larger than the file",
            [frames, S.ascii("APETAGEX"), S.little(2000, 4), S.little(9000, 4), S.zeros(16)],
            .corrupt("its APE tag begins before it does")),
        RefusedCase(
            "a tag inside of a last frame, and another behind",
            [S.mp3(1), S.mp3(2).dropLast(128), S.id3v1("x"), title],
            .corrupt("a tag is inside of its last frame")),
        RefusedCase(
            "a tag inside of a last frame", [S.mp3(1), S.mp3(2).dropLast(128), S.id3v1("x"), [0]],
            .corrupt("a tag is inside of its last frame")),
    ])
    func `what is damaged or too large is refused`(_ row: RefusedCase) throws {
        #expect(try CleaningTrial(MP3.clean).refusal(row.file) == row.error)
    }

    @Test func `damage neither traps nor leaks`() throws {
        let tags = S.join(S.ape([("Title", "PLANTED")]), S.lyrics2("PLANTED"), S.id3v1("PLANTED"))
        try CleaningTrial(MP3.clean).damage(Self.title + S.info("LAME3.100") + Self.frames + tags, planted: ["PLANTED"])
    }
}
