import Testing

@testable import Cleaning

private typealias S = SoundSamples

@Suite struct OggTests {
    private static let gain = ["REPLAYGAIN_TRACK_GAIN=-7.89 dB"]
    private static let told = ["TITLE=PLANTED", "LOCATION=52.5200", "replaygain_track_gain=-7.89 dB", "DATE=2024"]
    private static let words: Set<RemovedMetadata> = [.text, .gps, .time, .encoder]

    private static func sound(_ number: Int, stream: Int = 0x1234) -> [UInt8] {
        S.page([1, 2, 3], granule: 24_312, stream: stream, number: number)
            + S.page([4, 5], flags: 4, granule: 48_312, stream: stream, number: number + 1)
    }

    private static func opus(_ vendor: String, _ comments: [String], padding: [UInt8] = [], stream: Int = 0x1234)
        -> [UInt8]
    {
        let tags = S.join(S.ascii("OpusTags"), S.comments(vendor, comments), padding)
        return S.join(
            S.page(S.opusHead, flags: 2, stream: stream, number: 0), S.page(tags, stream: stream, number: 1),
            sound(2, stream: stream))
    }

    /// Pages from number 1 on, full of these packets.
    static func pages(_ packets: [[UInt8]], stream: Int = 0x1234, isEnded: Bool = true) -> [UInt8] {
        var lacing = packets.flatMap { S.lacing($0.count) }
        if !isEnded { lacing.removeLast() }
        let content = packets.flatMap { $0 }
        var pages: [UInt8] = []
        var (number, offset, isContinued) = (1, 0, false)
        for start in stride(from: 0, to: lacing.count, by: 255) {
            let part = Array(lacing[start..<min(start + 255, lacing.count)])
            let count = part.reduce(0) { $0 + Int($1) }
            // Mebibytes of them: by the writer itself, which is faster than the tests' own.
            pages += OggPage.bytes(
                isContinued ? .continued : [], granule: 0, stream: UInt32(stream), number: UInt32(number), lacing: part,
                content: content[offset..<offset + count])
            (number, offset, isContinued) = (number + 1, offset + count, part.last == 255)
        }
        return pages
    }

    @Test func `Opus keeps its gains and its sound`() throws {
        let result = try CleaningTrial(Ogg.clean).runTwice(Self.opus("PLANTED", Self.told, padding: S.ascii("PLANTED")))
        #expect(result.bytes == Self.opus("", Self.gain))
        #expect(result.file.removed == Self.words && result.file.seconds == 1)
    }

    @Test func `Vorbis keeps its setup, on as many pages as before`() throws {
        let setup = S.ascii("\u{05}vorbis") + [UInt8](repeating: 9, count: 600)
        func file(_ comments: [UInt8]) -> [UInt8] {
            S.join(
                S.page(S.vorbisHead, flags: 2, number: 0),
                S.page(
                    S.join(S.ascii("\u{03}vorbis"), comments, [1], setup), number: 1,
                    lacing: S.lacing(comments.count + 8) + S.lacing(setup.count)), Self.sound(2))
        }
        let result = try CleaningTrial(Ogg.clean).runTwice(file(S.comments("PLANTED", Self.told)))
        #expect(result.bytes == file(S.comments("", Self.gain)))
        #expect(result.file.removed == Self.words)
    }

    @Test func `comments of many pages go, and later pages get new numbers`() throws {
        let tags = S.join(
            S.ascii("OpusTags"),
            S.comments("", ["METADATA_BLOCK_PICTURE=" + String(repeating: "PLANTED", count: 20_000)]))
        let lacing = S.lacing(tags.count)
        var pages: [UInt8] = S.page(S.opusHead, flags: 2, number: 0)
        var number = 1
        for start in stride(from: 0, to: lacing.count, by: 200) {
            let part = Array(lacing[start..<min(start + 200, lacing.count)])
            let content = tags[start * 255..<min(tags.count, (start + 200) * 255)]
            pages += S.page(
                Array(content), flags: start == 0 ? 0 : 1, granule: part.last == 255 ? -1 : 0, number: number,
                lacing: part)
            number += 1
        }
        let result = try CleaningTrial(Ogg.clean).runTwice(pages + Self.sound(number))
        #expect(result.bytes == Self.opus("", []))
        #expect(result.file.removed == [.cover])
    }

    @Test func `FLAC keeps one block of comments`() throws {
        func head(_ blocks: Int) -> [UInt8] {
            let head = S.join(
                [0x7F], S.ascii("FLAC"), [1, 0], S.big(blocks, 2), S.ascii("fLaC"), S.block(0, S.flacInfo(samples: 0)))
            return S.page(head, flags: 2, number: 0)
        }
        let file = S.join(
            head(3), S.page(S.block(4, S.comments("PLANTED", Self.told)), number: 1),
            S.page(S.block(6, S.ascii("PLANTED")), number: 2), S.page(S.block(0x81, S.ascii("PLANTED")), number: 3),
            Self.sound(4))
        let result = try CleaningTrial(Ogg.clean).runTwice(file)
        // A packet of 46 bytes has one segment, so one page is left.
        #expect(
            result.bytes
                == S.join(head(1), S.page(S.block(4, S.comments("", Self.gain), last: true), number: 1), Self.sound(2)))
        #expect(result.file.removed == Self.words.union([.cover]))
    }

    @Test func `Speex loses the version of its program`() throws {
        let file = S.join(
            S.page(S.speexHead, flags: 2, number: 0), S.page(S.comments("PLANTED", []), number: 1), Self.sound(2))
        let result = try CleaningTrial(Ogg.clean).runTwice(file)
        #expect(!result.bytes.contains("speex-1.2") && !result.bytes.contains("PLANTED"))
        #expect(result.file.removed == [.encoder])
        #expect(abs((result.file.seconds ?? 0) - 48_312 / 16_000) < 1e-9)
    }

    @Test func `chained streams are cleaned one by one, and Skeleton goes`() throws {
        let skeleton = S.page(S.ascii("fishead\0") + S.zeros(56), flags: 2, stream: 7, number: 0)
        let bone = S.page(S.ascii("fisbone\0PLANTED"), stream: 7, number: 1)
        let end = S.page([], flags: 4, stream: 7, number: 2, lacing: [])
        let one = Self.opus("PLANTED", [])
        let first = one.prefix(S.page(S.opusHead, flags: 2, number: 0).count)
        let file = S.join(
            skeleton, Array(first), bone, end, Array(one.dropFirst(first.count)), Self.opus("PLANTED", [], stream: 9))
        let result = try CleaningTrial(Ogg.clean).runTwice(file)
        #expect(result.bytes == Self.opus("", []) + Self.opus("", [], stream: 9))
        #expect(result.file.removed == [.encoder, .other] && result.file.seconds == 2)
    }

    @Test(arguments: [
        RefusedCase("Theora", [S.page([0x80] + S.ascii("theora"), flags: 2, number: 0)], .unsupported("Theora in Ogg")),
        RefusedCase(
            "an unknown stream", [S.page(S.ascii("PCM     "), flags: 2, number: 0)],
            .unsupported("a stream in Ogg of an unknown kind")),
        RefusedCase("no sound", [S.page(S.opusHead, flags: 2, number: 0)], .truncated),
        RefusedCase("a cut page", [Array(opus("", []).dropLast(1))], .truncated),
        RefusedCase(
            "text between pages", [opus("", []), S.ascii("text that is no page of Ogg at all")],
            .corrupt("something in it is not a page of Ogg")),
        RefusedCase(
            "a page of nobody", [opus("", []), sound(5, stream: 8)], .corrupt("a page in it belongs to no stream")),
        RefusedCase(
            "comments without a mark",
            [S.page(S.opusHead, flags: 2, number: 0), S.page(S.ascii("OpusTaks"), number: 1), sound(2)],
            .corrupt("its comments are not where they should be")),
        RefusedCase(
            "comments cut short",
            [S.page(S.opusHead, flags: 2, number: 0), S.page(S.ascii("OpusTags\u{7F}\0\0\0"), number: 1), sound(2)],
            .corrupt("its comments end before they do")),
        RefusedCase(
            "sound on the page of comments",
            [
                S.page(S.opusHead, flags: 2, number: 0),
                S.page(S.ascii("OpusTags") + S.comments("", []) + [1, 2, 3], number: 1, lacing: [16, 3]), sound(2),
            ], .corrupt("its sound begins in its headers")),
        RefusedCase(
            "a wrong checksum in front of the comments",
            [S.page(S.opusHead, flags: 2, number: 0).dropLast() + [1], sound(2)],
            .corrupt("the checksum of a page in it is wrong")),
    ])
    func `what is damaged or not understood is refused`(_ row: RefusedCase) throws {
        #expect(try CleaningTrial(Ogg.clean).refusal(row.file) == row.error)
    }

    @Test(arguments: [
        ("R128_TRACK_GAIN=-512", "R128_TRACK_GAIN=-512"), ("R128_TRACK_GAIN=40000", nil), ("R128_ALBUM_GAIN=no", nil),
        ("replaygain_album_peak=0.98765", "REPLAYGAIN_ALBUM_PEAK=0.98765"), ("REPLAYGAIN_TRACK_GAIN=at home", nil),
        ("REPLAYGAIN_TRACK_GAIN=nan dB", nil), ("REPLAYGAIN_TRACK_GAIN=1e2 dB", nil), ("REPLAYGAIN_TRACK_GAIN", nil),
        ("WAVEFORMATEXTENSIBLE_CHANNEL_MASK=0x3f", "WAVEFORMATEXTENSIBLE_CHANNEL_MASK=0x3f"), ("TITLE=-3 dB", nil),
    ])
    func `gains stay only as numbers`(comment: String, kept: String?) throws {
        let comments = try VorbisComments(S.comments("", [comment, comment])[...])
        #expect(comments.cleaned == S.comments("", kept.map { [$0] } ?? []))
    }

    @Test func `damage neither traps nor leaks`() throws {
        try CleaningTrial(Ogg.clean).damage(Self.opus("PLANTED", Self.told), planted: ["PLANTED", "52.5200"])
    }
}
