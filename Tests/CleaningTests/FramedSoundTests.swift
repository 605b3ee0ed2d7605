import Testing

@testable import Cleaning

private typealias S = SoundSamples

@Suite struct AACTests {
    private static let frames = S.adts(30) + S.adts(500) + S.adts(13)

    @Test(arguments: [
        CleanedCase("as it is", [frames], []),
        CleanedCase("a tag in front", [S.id3([("PRIV", S.text("PLANTED"))]), frames], [.other]),
        CleanedCase(
            "a tag behind the first", [S.adts(30), S.id3([("TIT2", S.text("PLANTED"))]), S.adts(500), S.adts(13)],
            [.text]),
        CleanedCase("tags behind", [frames, S.ape([("Title", "PLANTED")]), S.id3v1("PLANTED")], [.text]),
        CleanedCase("a frame cut short", [frames, Array(S.adts(100).prefix(50))], []),
    ])
    func `frames of ADTS stay and tags go`(_ row: CleanedCase) throws {
        let result = try CleaningTrial(AAC.clean).runTwice(row.file)
        #expect(result.bytes == Self.frames)
        #expect(result.file.removed == row.removed)
        #expect(result.file.seconds == 3 * 1024.0 / 44_100)
    }

    @Test func `damage neither traps nor leaks`() throws {
        let file = S.id3([("TIT2", S.text("PLANTED"))]) + Self.frames + S.id3v1("PLANTED")
        try CleaningTrial(AAC.clean).damage(file, planted: ["PLANTED"])
    }
}

@Suite struct AMRTests {
    private static let narrow = S.join(
        S.ascii("#!AMR\n"), [0x3C], [UInt8](repeating: 7, count: 31), [0x7C, 0x44, 1, 2, 3, 4, 5])
    private static let wide = S.join(S.ascii("#!AMR-WB\n"), [0x04], [UInt8](repeating: 7, count: 17), [0x74])

    @Test func `frames stay, and the rest of one at the end goes`() throws {
        for (file, frames) in [(Self.narrow, 3.0), (Self.wide, 2.0)] {
            let result = try CleaningTrial(AMR.clean).runTwice(file)
            #expect(result.bytes == file && result.file.removed == [] && result.file.seconds == frames * 0.02)
            let cut = try CleaningTrial(AMR.clean).runTwice(file + [0x3C, 1, 2])
            #expect(cut.bytes == file && cut.file.removed == [] && cut.file.isCutShort)
        }
    }

    @Test func `frames are found behind the first that are read`() throws {
        let frames = [[UInt8]](repeating: [0x3C] + [UInt8](repeating: 0x44, count: 31), count: 5000).flatMap { $0 }
        let result = try CleaningTrial(AMR.clean).runTwice(Self.narrow + frames)
        #expect(result.bytes == Self.narrow + frames && result.file.seconds == 5003 * 0.02)
        let error = CleaningError.corrupt("something in it is not a frame of AMR")
        #expect(try CleaningTrial(AMR.clean).refusal(Self.narrow + frames + [0xFF]) == error)
    }

    @Test(arguments: [
        RefusedCase("text behind", [narrow, S.ascii("PLANTED")], .corrupt("something in it is not a frame of AMR")),
        RefusedCase("a type that is reserved", [narrow, [0x5C]], .corrupt("something in it is not a frame of AMR")),
        RefusedCase("no frame", [S.ascii("#!AMR\n")], .corrupt("no frame of sound is in it")),
        RefusedCase("another file", [S.ascii("#!ARM\n")], .corrupt("it does not begin like AMR")),
        RefusedCase(
            "two channels", [S.ascii("#!AMR_MC1.0\n"), [0, 0, 0, 2]], .unsupported("AMR of more than one channel")),
    ])
    func `what is no AMR is refused`(_ row: RefusedCase) throws {
        #expect(try CleaningTrial(AMR.clean).refusal(row.file) == row.error)
    }

    @Test func `damage does not trap`() throws {
        for file in [Self.narrow, Self.wide] { try CleaningTrial(AMR.clean).damage(file, changes: 1000, planted: []) }
    }
}
