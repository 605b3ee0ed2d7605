import Testing

@testable import Cleaning

private typealias S = SoundSamples
private typealias M = MatroskaSample

@Suite struct MatroskaTests {
    private static let cluster = M.cluster(M.simpleBlock(1, at: 0), M.simpleBlock(1, at: 40))
    private static let info = M.info()
    private static let tracks = M.tracks(M.video())

    private static func tag(_ name: String) -> [UInt8] {
        let simple = M.element(0x67C8, M.element(0x45A3, name) + M.element(0x4487, "PLANTED"))
        return M.element(0x1254_C367, M.element(0x7373, M.element(0x63C0, []) + simple))
    }

    private static let attachment = M.element(
        0x1941_A469,
        M.element(0x61A7, M.element(0x466E, "PLANTED") + M.element(0x4660, "image/png") + M.element(0x465C, "PLANTED")))
    private static let chapters = M.element(
        0x1043_A770, M.element(0x45B9, M.element(0xB6, M.element(0x80, M.element(0x85, "PLANTED")))))

    /// Replaces `part`, which is there once, by what it becomes.
    private static func replacing(_ part: [UInt8], in file: [UInt8], by other: [UInt8]) -> [UInt8] {
        guard let start = file.indices.first(where: { file[$0...].starts(with: part) }) else { return [] }
        return Array(file[..<start]) + other + file[(start + part.count)...]
    }

    @Test(arguments: [
        CleanedCase("row 1", [M.element(0x7BA9, "PLANTED")], [.text]),
        CleanedCase("row 2", [M.element(0x4461, 0x1234_5678, bytes: 8)], [.time]),
        CleanedCase("row 3", [M.element(0x7384, "PLANTED.mkv")], [.text]),
        CleanedCase("row 4", [M.element(0x73A4, S.ascii("PLANTED-PLANTED-"))], [.other]),
        CleanedCase("row 5", [M.element(0x3C83AB, "PLANTED")], [.text]),
        CleanedCase("row 6", [M.element(0x3EB923, S.ascii("PLANTED-PLANTED-"))], [.other]),
        CleanedCase("row 7", [M.element(0x4234, "PLANTED")], [.other]),
        CleanedCase("row 8", [M.element(0xEC, "PLANTED")], []),
        CleanedCase("row 9", [M.element(0xBF, S.ascii("PLNT"))], []),
        CleanedCase("row 10", [M.element(0x7BA9, String(repeating: "PLANTED", count: 100))], [.text]),
    ])
    func `what the information tells becomes Void`(_ row: CleanedCase) throws {
        let part = row.file
        let file = M.film(M.info(part), Self.tracks, Self.cluster)
        let result = try CleaningTrial(Matroska.clean).runTwice(file)
        #expect(result.bytes == Self.replacing(part, in: file, by: M.void(part)))
        #expect(result.file.removed == row.removed)
        #expect(result.file.seconds == 2)
        #expect(result.file.size.map { [$0.width, $0.height] } == [320, 240])
    }

    @Test func `the names of programs, which must be there, become empty`() throws {
        let file = M.film(M.info(M.element(0x4D80, "PLANTED"), M.element(0x5741, "PLANTED")), Self.tracks, Self.cluster)
        let result = try CleaningTrial(Matroska.clean).runTwice(file)
        let empty = M.info(M.element(0x4D80, S.zeros(7)), M.element(0x5741, S.zeros(7)))
        #expect(result.bytes == M.film(empty, Self.tracks, Self.cluster))
        #expect(result.file.removed == [.encoder])
    }

    @Test(arguments: [
        CleanedCase("row 1", [tag("TITLE")], [.text]),
        CleanedCase("row 2", [tag("LOCATION")], [.gps]),
        CleanedCase("row 3", [tag("DATE_RECORDED")], [.time]),
        CleanedCase("row 4", [tag("ENCODER")], [.encoder]),
        CleanedCase("row 5", [attachment], [.cover]),
        CleanedCase("row 6", [chapters], [.text]),
        CleanedCase("row 7", [M.element(0x1B53_8667, "PLANTED")], [.other]),
        CleanedCase("row 8", [M.element(0xEC, "PLANTED")], []),
    ])
    func `what stands beside the clusters becomes Void`(_ row: CleanedCase) throws {
        let part = row.file
        for file in [
            M.film(part, Self.info, Self.tracks, Self.cluster), M.film(Self.info, Self.tracks, Self.cluster, part),
        ] {
            let result = try CleaningTrial(Matroska.clean).runTwice(file)
            #expect(result.bytes == Self.replacing(part, in: file, by: M.void(part)))
            #expect(result.file.removed == row.removed)
        }
    }

    @Test(arguments: [
        CleanedCase("row 1", [M.element(0x536E, "PLANTED")], [.text]),
        CleanedCase("row 2", [M.element(0x258688, "PLANTED")], [.encoder]),
        CleanedCase("row 3", [M.element(0x7446, "PLANTED")], [.other]),
        CleanedCase("row 4", [M.element(0x99, "PLANTED")], [.other]),
        CleanedCase("a language that is none", [M.element(0x22B59D, "PLANTEDWORD")], [.text]),
        CleanedCase("a language for private use", [M.element(0x22B59D, "de-x-PLANTED")], [.text]),
        CleanedCase("row 5", [M.element(0x41E4, M.element(0x41E7, 121) + M.element(0x41A4, "PLANTED"))], [.telemetry]),
    ])
    func `what a track tells becomes Void`(_ row: CleanedCase) throws {
        let part = row.file
        let file = M.film(Self.info, M.tracks(M.video(part)), Self.cluster)
        let result = try CleaningTrial(Matroska.clean).runTwice(file)
        #expect(result.bytes == Self.replacing(part, in: file, by: M.void(part)))
        #expect(result.file.removed == row.removed)
    }

    @Test func `identities of tracks become their place in the file`() throws {
        let file = M.film(Self.info, M.tracks(M.video(uid: S.ascii("PLANTED!"))), Self.cluster)
        let result = try CleaningTrial(Matroska.clean).runTwice(file)
        #expect(result.bytes == M.film(Self.info, M.tracks(M.video(uid: S.big(1, 8))), Self.cluster))
        #expect(result.file.removed == [.other])
    }

    @Test func `entries of the table of contents go with what they point at`() throws {
        func seek(_ id: UInt32) -> [UInt8] {
            M.element(0x4DBB, M.element(0x53AB, M.identifier(id)) + M.element(0x53AC, 100, bytes: 4))
        }
        let head = M.element(0x114D_9B74, seek(0x1549_A966) + seek(0x1254_C367) + seek(0x1C53_BB6B))
        let file = M.film(head, Self.info, Self.tracks, Self.cluster)
        let result = try CleaningTrial(Matroska.clean).runTwice(file)
        #expect(result.bytes == Self.replacing(seek(0x1254_C367), in: file, by: M.void(seek(0x1254_C367))))
        let lone = M.element(0x114D_9B74, seek(0x1254_C367))
        let other = M.film(lone, Self.info, Self.tracks, Self.cluster)
        #expect(
            try CleaningTrial(Matroska.clean).runTwice(other).bytes == Self.replacing(lone, in: other, by: M.void(lone))
        )
    }

    @Test func `tracks of measurements go with their blocks and cues`() throws {
        let telemetry = M.track(2, type: 0x21, codec: "D_WEBVTT/METADATA", M.element(0x63A2, "PLANTED"))
        let blocks = [M.simpleBlock(2, at: 0, "PLANTED 52.5200"), M.block(2, at: 3, M.element(0x75A1, "PLANTED"))]
        func positions(_ track: Int) -> [UInt8] { M.element(0xB7, M.element(0xF7, track) + M.element(0xF1, 50)) }
        let points = [
            M.element(0xBB, M.element(0xB3, 0) + positions(1)), M.element(0xBB, M.element(0xB3, 1) + positions(2)),
            M.element(0xBB, M.element(0xB3, 2) + positions(1) + positions(2)),
        ]
        let file = M.film(
            Self.info, M.tracks(M.video(), telemetry), M.cluster(M.simpleBlock(1, at: 0), blocks[0], blocks[1]),
            M.element(0x1C53_BB6B, points.flatMap { $0 }))
        let result = try CleaningTrial(Matroska.clean).runTwice(file)
        #expect(
            result.bytes
                == M.film(
                    Self.info, M.tracks(M.video(), M.void(telemetry)),
                    M.cluster(M.simpleBlock(1, at: 0), M.void(blocks[0]), M.void(blocks[1])),
                    M.element(
                        0x1C53_BB6B,
                        S.join(
                            points[0], M.void(points[1]),
                            M.element(0xBB, S.join(M.element(0xB3, 2), positions(1), M.void(positions(2))))))))
        #expect(result.file.removed == [.telemetry])
    }

    @Test(arguments: [false, true])
    func `subtitles that tell positions go with all their blocks, and others stay`(isDeflated: Bool) throws {
        func subtitles(_ number: Int) -> [UInt8] {
            let compression = M.element(0x5034, M.element(0x4254, 0))
            return M.track(
                number, type: 0x11, codec: "S_TEXT/UTF8",
                isDeflated ? M.element(0x6D80, M.element(0x6240, compression)) : [])
        }
        func block(_ track: UInt8, _ text: String) -> [UInt8] {
            let content = isDeflated ? Deflater.zlib(S.ascii(text)) : S.ascii(text)
            return M.element(0xA3, S.join([0x80 | track, 0, 0, 0x80], content))
        }
        // Nothing in its first words tells anything.
        let told = [block(3, "drone"), block(3, "[latitude: 48.137154] [longitude: 11.576124]")]
        let said = block(2, "He arrived at 8.15, with 3.5 kg.")
        func film(_ track: [UInt8], _ one: [UInt8], _ other: [UInt8]) -> [UInt8] {
            M.film(
                Self.info, M.tracks(M.video(), subtitles(2), track),
                M.cluster(M.simpleBlock(1, at: 0), one, said, other))
        }
        let trial = try CleaningTrial(Matroska.clean)
        let result = try trial.runTwice(film(subtitles(3), told[0], told[1]))
        #expect(result.bytes == film(M.void(subtitles(3)), M.void(told[0]), M.void(told[1])))
        #expect(result.file.removed == [.gps, .telemetry])
        // In front of one that stays it takes a number from nobody.
        let first = M.film(
            Self.info, M.tracks(M.video(), subtitles(3), subtitles(2)),
            M.cluster(M.simpleBlock(1, at: 0), told[1], said))
        #expect(try trial.runTwice(first).file.removed == [.gps, .telemetry])
    }

    @Test(
        arguments: [
            (0x22B59C, "ger", "ger"), (0x22B59C, "PLANTED", "und\0\0\0\0"), (0x22B59C, "PLANTED52", "und\0\0\0\0\0\0"),
            (0x22B59D, "pt-BR", "pt-BR"), (0x22B59D, "zh-Hant-TW", "zh-Hant-TW"),
        ] as [(UInt32, String, String)])
    func `a language is one`(id: UInt32, text: String, kept: String) throws {
        func film(_ text: String) -> [UInt8] {
            M.film(Self.info, M.tracks(M.video(M.element(id, text))), Self.cluster)
        }
        let result = try CleaningTrial(Matroska.clean).runTwice(film(text))
        #expect(result.bytes == film(kept) && result.file.removed == (text == kept ? [] : [.text]))
    }

    @Test func `additions to blocks stay where they are alpha or light`() throws {
        func addition(_ number: Int, _ content: [UInt8]) -> [UInt8] {
            M.element(0x75A1, M.element(0xA6, M.element(0xEE, number) + M.element(0xA5, content)))
        }
        let alpha = addition(1, S.ascii("PLANTED"))
        let light = addition(4, [0xB5, 0, 0x3C, 0, 1, 4, 1])
        let other = addition(4, S.ascii("\u{5}PLANTED"))
        let mapping = M.element(0x41E4, M.element(0x41F0, 4) + M.element(0x41E7, 4))
        let file = M.film(
            Self.info, M.tracks(M.video(mapping, inside: M.element(0x53C0, 1)), M.track(2, type: 1, codec: "V_VP9")),
            M.cluster(
                M.block(1, at: 0, alpha), M.block(1, at: 1, light), M.block(1, at: 2, other), M.block(2, at: 0, alpha)))
        let result = try CleaningTrial(Matroska.clean).runTwice(file)
        #expect(
            result.bytes.suffix(M.block(1, at: 2, other).count + M.block(2, at: 0, alpha).count)
                .elementsEqual(M.block(1, at: 2, M.void(other)) + M.block(2, at: 0, M.void(alpha))))
        #expect(result.bytes.contains("PLANTED"), "the picture's alpha is there")
        #expect(result.file.removed == [.telemetry])
    }

    @Test func `clusters of unknown size end where the next begins`() throws {
        let live = M.identifier(0x1F43_B675) + [0xFF] + M.element(0xE7, 7) + M.simpleBlock(1, at: 1)
        func file(_ more: [UInt8]) -> [UInt8] {
            S.join(
                M.header("webm"), M.identifier(0x1853_8067), [0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
                M.element(0x1549_A966, M.scale), Self.tracks, live, live, more)
        }
        let result = try CleaningTrial(Matroska.clean).runTwice(file(Self.tag("TITLE")))
        #expect(result.bytes == file(M.void(Self.tag("TITLE"))))
        #expect(result.file.seconds == 0.008, "from the last block")
    }

    @Test func `what follows the segment goes`() throws {
        let file = M.film(Self.info, Self.tracks, Self.cluster)
        let result = try CleaningTrial(Matroska.clean).runTwice(file + S.ascii("PLANTED"))
        #expect(result.bytes == file && result.file.removed == [.trailing])
    }

    @Test(
        arguments: [
            ("cropped", [0x54CC: 20, 0x54AA: 40], 300, 200), ("stretched", [0x54B0: 427, 0x54BA: 240], 427, 240),
            ("a ratio", [0x54B0: 16, 0x54BA: 9, 0x54B2: 3], 427, 240), ("cropped to nothing", [0x54CC: 400], nil, nil),
            ("unknown unit", [0x54B0: 16, 0x54BA: 9, 0x54B2: 4], 320, 240),
        ] as [(String, [UInt32: UInt64], Int?, Int?)])
    func `the displayed size follows cropping and display`(
        _: String, _ values: [UInt32: UInt64], width: Int?, height: Int?
    ) {
        let size = MatroskaTrackReader.displaySize(values.merging([0xB0: 320, 0xBA: 240]) { $1 })
        #expect(size?.width == width && size?.height == height)
    }

    @Test(arguments: [
        RefusedCase(
            "another document", [M.film(info, tracks, cluster, header: M.header("other"))],
            .unsupported("a document of EBML that is no film")),
        RefusedCase(
            "EBML 2", [M.film(info, tracks, cluster, header: M.header(more: M.element(0x42F7, 2)))],
            .unsupported("a newer version of EBML")),
        RefusedCase(
            "IDs of 5 bytes", [M.film(info, tracks, cluster, header: M.header(more: M.element(0x42F2, 5)))],
            .unsupported("IDs of more than 4 bytes")),
        RefusedCase("cut short", [Array(M.film(info, tracks, cluster).dropLast(1))], .truncated),
        RefusedCase("no tracks", [M.film(info)], .corrupt("it has no information, no tracks or no blocks")),
        RefusedCase("blocks first", [M.film(info, cluster, tracks)], .unsupported("blocks in front of the tracks")),
        RefusedCase(
            "subtitles alone", [M.film(info, M.tracks(M.track(1, type: 17, codec: "S_TEXT/UTF8")), cluster)],
            .corrupt("it has no track of pictures or sound")),
        RefusedCase(
            "an unknown codec", [M.film(info, M.tracks(M.track(1, type: 1, codec: "V_QUICKTIME")), cluster)],
            .unsupported("a track with the codec V_QUICKTIME")),
        RefusedCase(
            "an unknown kind of track", [M.film(info, M.tracks(M.track(1, type: 3, codec: "V_VP8")), cluster)],
            .unsupported("a track of an unknown kind")),
        RefusedCase(
            "one number twice", [M.film(info, M.tracks(M.video(), M.video()), cluster)],
            .corrupt("two of its tracks have one number")),
        RefusedCase(
            "a block of nobody", [M.film(info, tracks, M.cluster(M.simpleBlock(3, at: 0)))],
            .corrupt("a block in it belongs to no track")),
        RefusedCase(
            "encrypted tracks",
            [M.film(info, M.tracks(M.video(M.element(0x6D80, M.element(0x6240, M.element(0x5035, []))))), cluster)],
            .unsupported("encrypted tracks")),
        RefusedCase(
            "encrypted blocks", [M.film(info, tracks, M.cluster(M.element(0xAF, "x")))],
            .unsupported("encrypted blocks")),
        RefusedCase(
            "combined tracks", [M.film(info, M.tracks(M.video(M.element(0xE2, []))), cluster)],
            .unsupported("tracks made of others (TrackOperation)")),
        RefusedCase(
            "a codec that changes", [M.film(info, tracks, M.cluster(M.block(1, at: 0, M.element(0xA4, "x"))))],
            .unsupported("codecs that change within a track (CodecState)")),
        RefusedCase(
            "a number that is text", [M.film(M.info(M.element(0x4489, "PLANTED PLANTED")), tracks, cluster)],
            .corrupt("a number in it has not 4 or 8 bytes")),
        RefusedCase(
            "65 tracks", [M.film(info, M.tracks((1...65).flatMap { M.video(number: $0) }), cluster)],
            .excessive("more than 64 tracks")),
        RefusedCase(
            "an element of nothing", [M.film(info, tracks, cluster, [0x00, 0x80])],
            .corrupt("something in it is not an element")),
        RefusedCase(
            "information of unknown size", [M.film(M.identifier(0x1549_A966) + [0xFF])],
            .unsupported("an element of unknown size that is no cluster")),
        RefusedCase(
            "two segments", [M.film(info, tracks, cluster, M.element(0x1853_8067, []))],
            .unsupported("more than one segment")),
    ])
    func `what is damaged or not understood is refused`(_ row: RefusedCase) throws {
        #expect(try CleaningTrial(Matroska.clean).refusal(row.file) == row.error)
    }

    @Test func `elements are counted`() throws {
        let file = M.film(Self.info, Self.tracks, Self.cluster, [UInt8](repeating: 0x81, count: 300))
        let limited = try CleaningTrial { (source) throws(CleaningError) in
            var cleaner = MatroskaCleaner(source, elementLimit: 100)
            return try cleaner.clean()
        }
        #expect(try limited.refusal(file) == .excessive("more than 100 elements"))
    }

    @Test func `damage neither traps nor leaks`() throws {
        let file = M.film(
            M.info(M.element(0x7BA9, "PLANTED"), M.element(0x4D80, "PLANTED")),
            M.tracks(M.video(M.element(0x536E, "PLANTED"))),
            Self.cluster, M.cluster(M.block(1, at: 1, M.element(0x75A1, M.element(0xA6, M.element(0xA5, "PLANTED"))))),
            Self.tag("TITLE"), Self.attachment)
        try CleaningTrial(Matroska.clean).damage(file, planted: ["PLANTED"])
    }
}
