import TestSupport
import Testing

@testable import Cleaning

private typealias S = SoundSamples

@Suite struct FLACTests {
    private static let frames = S.flacFrame(0, 5) + S.flacFrame(1, -300) + S.flacFrame(2, 77)
    private static let info = S.block(0, S.flacInfo(samples: 3 * 4096))
    private static let plain = S.join(S.ascii("fLaC"), S.block(0, S.flacInfo(samples: 3 * 4096), last: true), frames)

    @Test(arguments: [
        CleanedCase("as it is", [plain], []),
        CleanedCase(
            "comments",
            [S.ascii("fLaC"), info, S.block(4, S.comments("PLANTED", ["GPS=52.5200"]), last: true), frames],
            [.encoder, .gps]),
        CleanedCase(
            "a picture, an application's data, a table of tracks, room",
            [
                S.ascii("fLaC"), info, S.block(6, S.ascii("PLANTED")), S.block(2, S.ascii("PLANTED")),
                S.block(5, S.ascii("PLANTED")), S.block(1, S.ascii("PLANTED"), last: true), frames,
            ], [.cover, .text, .other]),
        CleanedCase("tags around", [S.id3([("TIT2", S.text("PLANTED"))]), plain, S.id3v1("PLANTED")], [.text]),
    ])
    func `sound stays`(_ row: CleanedCase) throws {
        let result = try CleaningTrial(FLAC.clean).runTwice(row.file)
        #expect(result.bytes == Self.plain)
        #expect(result.file.seconds == 3 * 4096.0 / 44_100)
        #expect(result.file.removed == row.removed)
    }

    @Test func `a seek table and gains stay`() throws {
        let table = S.block(3, S.join(S.zeros(8), S.zeros(8), S.big(4096, 2)))
        let gain = "REPLAYGAIN_TRACK_GAIN=-1.00 dB"
        let file = S.join(
            S.ascii("fLaC"), Self.info, S.block(4, S.comments("PLANTED", [gain, "TITLE=PLANTED"])), table,
            S.block(1, S.zeros(9), last: true), Self.frames)
        let result = try CleaningTrial(FLAC.clean).runTwice(file)
        #expect(
            result.bytes
                == S.join(
                    S.ascii("fLaC"), Self.info, table, S.block(4, S.comments("", [gain]), last: true), Self.frames))
        #expect(result.file.removed == [.encoder, .text])
    }

    @Test(arguments: [
        ("samples go back", [(4096, 10), (0, 20)]), ("places go back", [(0, 20), (4096, 10)]),
        ("a free point in front", [(-1, 0), (0, 20)]),
    ])
    func `a seek table out of order goes`(_: String, points: [(Int, Int)]) throws {
        let table = points.flatMap { S.join(S.big($0.0, 8), S.big($0.1, 8), [0, 1]) }
        let file = S.join(S.ascii("fLaC"), Self.info, S.block(3, table, last: true), Self.frames)
        let result = try CleaningTrial(FLAC.clean).runTwice(file)
        #expect(result.bytes == Self.plain && result.file.removed == [.other])
    }

    /// Frames of random bytes, which now and then look like a frame.
    @Test func `frames are found wherever they begin, and nothing between them`() throws {
        var random = SeededGenerator(seed: 4)
        let frames = (0..<120).map {
            S.flacFrame(UInt8($0), content: random.bytes(2000) + S.flacFrame(UInt8($0) + 1, 5))
        }
        let head = S.ascii("fLaC") + S.block(0, S.flacInfo(samples: 120 * 4096), last: true)
        let file = head + frames.flatMap { $0 }
        let trial = try CleaningTrial(FLAC.clean)
        let whole = try trial.runTwice(file)
        // A frame within another is none: each counts once.
        #expect(whole.bytes == file && whole.file.seconds == 120 * 4096.0 / 44_100)
        for place in [1, 30, 31, 60, 119] {
            let parted = head + frames[..<place].flatMap { $0 } + S.ascii("PLANTED") + frames[place...].flatMap { $0 }
            #expect(try trial.refusal(parted) != nil, "between frames, in front of \(place)")
        }
    }

    @Test(arguments: [
        RefusedCase("another file", [S.ascii("FLAC"), S.zeros(60)], .corrupt("it does not begin like FLAC")),
        RefusedCase(
            "no STREAMINFO", [S.ascii("fLaC"), S.block(1, S.zeros(34), last: true), frames],
            .corrupt("its STREAMINFO is not its first block")),
        RefusedCase(
            "an invalid block", [S.ascii("fLaC"), info, S.block(127, [], last: true), frames],
            .corrupt("it has a block of an invalid type")),
        RefusedCase("a block cut short", [S.ascii("fLaC"), info, [0x84, 0xFF, 0, 0]], .truncated),
        RefusedCase("no sound", [Array(plain.dropLast(frames.count))], .truncated),
        RefusedCase("a frame missing", [Array(plain.dropLast(S.flacFrame(2, 77).count))], .truncated),
        RefusedCase("a frame cut short", [Array(plain.dropLast(1))], .truncated),
        RefusedCase(
            "a frame that is damaged", [Array(plain.dropLast(3)), [9, 9, 9]], .truncated),
        RefusedCase(
            "text behind",
            [S.ascii("fLaC"), S.block(0, S.flacInfo(samples: 100), last: true), frames, S.ascii("PLANTED")],
            .corrupt("its last frame is damaged, or something follows it")),
        RefusedCase(
            "text as sound", [Array(plain.dropLast(frames.count)), S.ascii("PLANTED")],
            .corrupt("its sound does not begin with a frame")),
        RefusedCase(
            "a thousand blocks",
            [S.ascii("fLaC"), info] + [[UInt8]](repeating: S.block(1, []), count: 1000) + [frames],
            .excessive("more than 1000 blocks, or 64 MiB, before its sound")),
    ])
    func `what is damaged is refused`(_ row: RefusedCase) throws {
        #expect(try CleaningTrial(FLAC.clean).refusal(row.file) == row.error)
    }

    @Test func `damage neither traps nor leaks`() throws {
        let file = S.join(
            S.id3([("TIT2", S.text("PLANTED"))]), S.ascii("fLaC"), Self.info,
            S.block(4, S.comments("PLANTED", ["TITLE=PLANTED"]), last: true), Self.frames, S.id3v1("PLANTED"))
        try CleaningTrial(FLAC.clean).damage(file, planted: ["PLANTED"])
    }
}
