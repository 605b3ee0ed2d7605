import Testing

@testable import Cleaning

private typealias S = SoundSamples

@Suite struct WAVTests {
    /// PCM, one channel, 8 kHz, 16 bits.
    private static let format = S.join(
        S.little(1, 2), S.little(1, 2), S.little(8000, 4), S.little(16_000, 4), S.little(2, 2), S.little(16, 2))
    private static let fmt = chunk("fmt ", format)
    private static let sound: [UInt8] = (0..<160).map { UInt8($0) }
    private static let data = chunk("data", sound)
    private static let unknownSize = Int(UInt32.max)

    private static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
        S.join(S.ascii(name), S.little(content.count, 4), content, S.zeros(content.count % 2))
    }

    private static func chunk(_ name: String, _ text: String) -> [UInt8] { chunk(name, S.ascii(text)) }

    private static func riff(_ chunks: [UInt8]..., form: String = "RIFF", size: Int? = nil) -> [UInt8] {
        let body = S.ascii("WAVE") + chunks.flatMap { $0 }
        return S.join(S.ascii(form), S.little(size ?? body.count, 4), body)
    }

    private static let plain = riff(fmt, data)
    private static let info = chunk(
        "LIST", S.join(S.ascii("INFO"), chunk("INAM", "PLANTED"), chunk("ISFT", "PLANTED2")))

    @Test(arguments: [
        CleanedCase("as it is", [plain], []),
        CleanedCase("INFO in front", [riff(fmt, info, data)], [.text, .encoder]),
        CleanedCase("INFO behind", [riff(fmt, data, info)], [.text, .encoder]),
        CleanedCase(
            "bext, iXML, _PMX, cart",
            [
                riff(
                    chunk("bext", "PLANTED"), fmt, chunk("iXML", "PLANTED"), data, chunk("_PMX", "PLANTED"),
                    chunk("cart", "PLANTED"))
            ],
            [.text, .time, .encoder, .xmp]),
        CleanedCase("id3", [riff(fmt, data, chunk("id3 ", S.id3([("APIC", S.text("PLANTED"))])))], [.cover]),
        CleanedCase(
            "PEAK with its time, room, an unknown chunk",
            [riff(chunk("PEAK", "1"), chunk("JUNK", "PLANTED"), fmt, chunk("abcd", "PLANTED"), data)], [.time, .other]),
        CleanedCase("data behind the end", [plain, S.ascii("PLANTED")], [.trailing]),
        CleanedCase("a chunk behind the end", [plain, chunk("PLNT", "PLANTED")], [.other]),
        CleanedCase(
            "a chunk cut short behind the sound", [plain, S.ascii("LIST"), S.little(99, 4), S.ascii("PLANTED")],
            [.trailing]),
        CleanedCase(
            "a format with more behind it",
            [riff(chunk("fmt ", S.join(format, S.little(7, 2), S.ascii("PLANTED"))), data)], [.other]),
        CleanedCase("a wrong size of the whole", [riff(fmt, data, size: 0)], []),
    ])
    func `format and sound stay`(_ row: CleanedCase) throws {
        let result = try CleaningTrial(WAV.clean).runTwice(row.file)
        #expect(result.bytes == Self.plain)
        #expect(result.file.removed == row.removed)
        #expect(result.file.seconds == 0.01)
    }

    @Test(arguments: ["RF64", "BW64"])
    func `sizes of 64 bits are read and written`(form: String) throws {
        func file(_ large: [UInt8], _ more: [UInt8] = []) -> [UInt8] {
            let rest = S.join(Self.fmt, S.ascii("data"), S.little(Self.unknownSize, 4), Self.sound)
            return Self.riff(large, more, rest, form: form, size: Self.unknownSize)
        }
        let sizes = S.join(S.little(4 + 36 + 24 + 8 + 160, 8), S.little(160, 8), S.little(80, 8))
        let table = S.join(S.little(1, 4), S.ascii("axml"), S.little(7, 8))
        let large = S.join(S.ascii("axml"), S.little(Self.unknownSize, 4), S.ascii("PLANTED\0"))
        let result = try CleaningTrial(WAV.clean).runTwice(file(Self.chunk("ds64", sizes + table), large))
        #expect(result.bytes == file(Self.chunk("ds64", sizes + S.zeros(4))))
        #expect(result.file.removed == [.text] && result.file.seconds == 0.01)
    }

    @Test func `compressed sound keeps its samples and its format`() throws {
        let ima = S.join(
            S.little(0x11, 2), S.little(1, 2), S.little(8000, 4), S.little(4055, 4), S.little(256, 2), S.little(4, 2),
            S.little(2, 2), S.little(505, 2))
        let file = Self.riff(
            Self.chunk("fmt ", ima), Self.chunk("fact", S.little(4000, 4)), Self.chunk("data", [1, 2, 3]))
        let result = try CleaningTrial(WAV.clean).runTwice(file)
        #expect(result.bytes == file && result.file.seconds == 0.5)
    }

    @Test(arguments: [
        RefusedCase("RIFX", [riff(fmt, form: "RIFX")], .unsupported("WAVE with the highest byte first")),
        RefusedCase("no sound", [riff(fmt)], .corrupt("no sound is in it")),
        RefusedCase("sound without a format", [riff(data)], .corrupt("its sound has no format, or is there twice")),
        RefusedCase("sound twice", [riff(fmt, data, data)], .corrupt("its sound has no format, or is there twice")),
        RefusedCase("sound cut short", [Array(plain.dropLast(1))], .truncated),
        RefusedCase(
            "sound of unknown length", [riff(fmt, S.ascii("data"), S.little(unknownSize, 4), sound)],
            .unsupported("sound whose length it does not tell")),
        RefusedCase(
            "sound of length 0, as what was cut off while it was recorded has it",
            [riff(fmt, S.ascii("data"), S.little(0, 4), sound)], .unsupported("sound whose length it does not tell")),
        RefusedCase(
            "a length that is smaller than the sound", [plain, [UInt8](repeating: 0xFE, count: 70_000)],
            .corrupt("more than 64 KiB in it belong to no chunk")),
        RefusedCase(
            "an unknown kind", [riff(chunk("fmt ", S.little(0x161, 2) + format.dropFirst(2)), data)],
            .unsupported("sound of the kind 0x161")),
        RefusedCase(
            "10,001 chunks", [riff((0..<10_001).flatMap { _ in chunk("JUNK", "") }, fmt, data)],
            .excessive("more than 10000 chunks")),
        RefusedCase("RF64 without sizes", [riff(fmt, data, form: "RF64")], .corrupt("it has no ds64 chunk")),
    ])
    func `what is damaged or not understood is refused`(_ row: RefusedCase) throws {
        #expect(try CleaningTrial(WAV.clean).refusal(row.file) == row.error)
    }

    @Test func `damage neither traps nor leaks`() throws {
        let file = Self.riff(
            Self.info, Self.fmt, Self.chunk("fact", S.little(80, 4)), Self.data, Self.chunk("iXML", "PLANTED"))
        // Where a size before the sound changes, other bytes are the sound.
        let start = Array(file).indices.first { file[$0...].starts(with: S.ascii("data")) } ?? 0
        try CleaningTrial(WAV.clean).damage(file, planted: ["PLANTED"]) { (start..<start + 8).contains($0) }
    }
}
