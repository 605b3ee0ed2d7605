import TestSupport
import Testing

@testable import Cleaning

@Suite struct CleanProfileTests {
    @Test func `sRGB needs no profile, whatever it is called`() {
        var profile = ProfileSample.standard(.sRGB)
        #expect(clean(profile) == (.none, []))
        profile.tags[0].bytes = ProfileSample.text("U2312HM of mine")
        #expect(clean(profile) == (.none, [.profile]))
        profile = .standard(.sRGB)
        profile.tags.append(("mmod", ProfileSample.text("SERIAL4711")))
        #expect(clean(profile) == (.none, [.profile]))
        profile = .standard(.sRGB)
        profile.maker = "DELL"
        #expect(clean(profile) == (.none, [.profile]))
    }

    @Test func `a table of the curve of sRGB is that curve`() throws {
        let exact = try #require(ToneCurve(StandardSpace.sRGB.curve[...]))
        let table = try (0..<1024).flatMap { step in
            let value = UInt16((try #require(exact.value(at: Double(step) / 1023)) * 65535).rounded())
            return [UInt8(value >> 8), UInt8(value & 0xFF)]
        }
        let curve = Array("curv".utf8) + [0, 0, 0, 0, 0, 0, 4, 0] + table
        #expect(clean(.matrix(StandardSpace.sRGB.matrix, curve: curve)) == (.none, []))
    }

    @Test func `Display P3 and Adobe RGB get a profile of their own, which stays`() throws {
        for space in [StandardSpace.displayP3, .adobeRGB] {
            let (replacement, removed) = clean(.standard(space))
            guard case .rebuilt(let bytes) = replacement else {
                Issue.record("it is not written")
                continue
            }
            #expect(bytes == StandardProfile(of: space).bytes && bytes.count <= 640 && bytes.count % 4 == 0)
            #expect(removed.isEmpty)
            #expect(!bytes.tells("sRGB of a kind") && !bytes.tells("somebody"))
            let again = CleanProfile(bytes[...], of: .rgb)
            #expect(again.replacement == replacement && again.removed.isEmpty)
        }
    }

    @Test func `a display's profile keeps its colours and tells nothing else`() throws {
        let profile = ProfileSample.display
        let (replacement, removed) = clean(profile)
        guard case .rebuilt(let bytes) = replacement else {
            Issue.record("it is dropped")
            return
        }
        #expect(removed == [.profile])
        for planted in ["SERIAL4711", "CALIBRATED", "U2312HM", "52.5200", "DELL", "lcms", "APPL", "somebody"] {
            #expect(!bytes.tells(planted), "\(planted)")
        }
        let reader = try #require(ProfileReader(bytes[...]))
        for name in ["wtpt", "rXYZ", "gXYZ", "bXYZ", "rTRC", "gTRC", "bTRC"] as [ChunkName] {
            let before = profile.tags.first { $0.name == name }?.bytes
            #expect(reader.contents(of: name).map { Array($0) } == before)
        }
        #expect(reader.tags.allSatisfy { $0.range.lowerBound % 4 == 0 })
        let gone = Set(profile.tags.map(\.name)).subtracting(reader.tags.map(\.name))
        #expect(gone == ["mmod", "vcgt", "dmdd", "meta"] && reader.tags.count == profile.tags.count - gone.count)
        let again = CleanProfile(bytes[...], of: .rgb)
        #expect(again.replacement == replacement && again.removed.isEmpty)
    }

    @Test func `the header of a rebuilt profile names nobody`() throws {
        for (sample, colours) in [(ProfileSample.display, PictureColours.rgb), (.press, .cmyk)] {
            guard case .rebuilt(let bytes) = CleanProfile(sample.bytes[...], of: colours).replacement else {
                Issue.record("it is not made anew")
                continue
            }
            let date: [UInt8] = [0x07, 0xD0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]
            #expect(Array(bytes[24..<36]) == date)
            // Module; platform, flags, maker, model, attributes; creator, id, and what is reserved.
            for range in [4..<8, 40..<64, 80..<128] { #expect(bytes[range].allSatisfy { $0 == 0 }, "\(range)") }
        }
    }

    @Test func `a gray profile with the curve of sRGB goes, another is made anew`() {
        var profile = ProfileSample(space: "GRAY")
        profile.tags = [("wtpt", ProfileSample.xyz(ProfileWriter.d50)), ("kTRC", StandardSpace.sRGB.curve)]
        #expect(clean(profile, of: .gray) == (.none, []))
        profile.tags[1].bytes = ProfileSample.gamma(0x01CC)
        guard case (.rebuilt, [.profile]) = clean(profile, of: .gray) else {
            Issue.record("it is not made anew")
            return
        }
    }

    @Test func `a press's tables are kept, and its names are not`() throws {
        let profile = ProfileSample.press
        guard case .rebuilt(let bytes) = clean(profile, of: .cmyk).0 else {
            Issue.record("it is dropped")
            return
        }
        #expect(!bytes.tells("SERIAL4711") && !bytes.tells("PressOfMine"))
        let reader = try #require(ProfileReader(bytes[...]))
        #expect(reader.contents(of: "A2B0").map { Array($0) } == profile.tags[3].bytes)
        let again = CleanProfile(bytes[...], of: .cmyk)
        #expect(again.replacement == .rebuilt(bytes) && again.removed.isEmpty)
    }

    @Test func `tables by elements are laid out anew, without what stands between them`() throws {
        let curve = Array("para".utf8) + [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]
        let curves = curve + curve + curve
        let hidden = Array("SERIAL4711..".utf8)
        let table =
            Array("mAB ".utf8) + [0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 44] + [UInt8](repeating: 0, count: 16)
            + hidden + curves + hidden
        var profile = ProfileSample(version: 4)
        profile.tags = [("wtpt", ProfileSample.xyz(ProfileWriter.d50)), ("A2B0", table)]
        guard case .rebuilt(let bytes) = clean(profile).0 else {
            Issue.record("it is dropped")
            return
        }
        #expect(!bytes.tells("SERIAL4711"))
        let made = try #require(ProfileReader(bytes[...])?.contents(of: "A2B0"))
        #expect(made.count == 32 + curves.count && made.suffix(curves.count).elementsEqual(curves))
    }

    @Test func `what is damaged, of another space, or too large is dropped`() {
        let display = ProfileSample.display
        var refused: [(String, [UInt8])] = [
            ("empty", []), ("cut", Array(display.bytes.dropLast(4))), ("no profile", [UInt8](repeating: 0, count: 200)),
            ("of gray", ProfileSample(space: "GRAY", tags: display.tags).bytes),
            ("a link", ProfileSample(deviceClass: "link", tags: display.tags).bytes),
            ("of version 5", ProfileSample(version: 5, tags: display.tags).bytes),
            ("by matrix to Lab", ProfileSample(connection: "Lab ", tags: display.tags).bytes),
            ("without a curve", ProfileSample(tags: Array(display.tags[..<8])).bytes),
            ("twice the same tag", ProfileSample(tags: display.tags + [display.tags[3]]).bytes),
            ("too large", display.bytes + [UInt8](repeating: 0, count: CleanProfile.limitBytes)),
        ]
        for (name, bytes) in [
            ("rTRC", ProfileSample.text("SERIAL4711")), ("rXYZ", ProfileSample.text("SERIAL4711")),
            ("gTRC", Array("curv".utf8) + [0, 0, 0, 0, 255, 255, 255, 255]),
        ] as [(ChunkName, [UInt8])] {
            var profile = display
            profile.tags = profile.tags.map { $0.name == name ? (name, bytes) : $0 }
            refused.append(("\(name)", profile.bytes))
        }
        for (reason, bytes) in refused {
            let cleaned = CleanProfile(bytes[...], of: .rgb)
            #expect(cleaned.replacement == .dropped && cleaned.removed == [.icc], "\(reason)")
        }
    }

    @Test func `a text that lies within a curve is not kept as numbers`() {
        let text = ProfileSample.text("SERIAL4711 and so on to the end")
        let curve = Array("curv".utf8) + [0, 0, 0, 0, 0, 0, 0, 20] + text
        var bytes = ProfileSample.matrix(StandardSpace.adobeRGB.matrix, curve: curve).bytes
        // `desc` now starts where the table of the first curve does.
        guard let reader = ProfileReader(bytes[...]), let tag = reader.tags.first(where: { $0.name == "rTRC" }) else {
            Issue.record("it cannot be read")
            return
        }
        bytes.replaceSubrange(136..<140, with: UInt32(tag.range.lowerBound + 12).bigEndianBytes)
        #expect(CleanProfile(bytes[...], of: .rgb).replacement == .dropped)
    }

    @Test func `a text that reaches into the tags behind it, as in compact profiles, spoils nothing`() {
        let profile = ProfileSample.matrix(StandardSpace.adobeRGB.matrix, curve: StandardSpace.adobeRGB.curve)
        var bytes = profile.bytes
        // The size of `desc`, which lies before all others.
        bytes.replaceSubrange(140..<144, with: [0, 0, 0, 80])
        let cleaned = CleanProfile(bytes[...], of: .rgb)
        #expect(cleaned.replacement == .rebuilt(StandardProfile(of: .adobeRGB).bytes))
    }

    @Test func `damage never traps, and what is kept is stable`() {
        var random = SeededGenerator(seed: 0x1CC)
        for (sample, colours) in [(ProfileSample.display, PictureColours.rgb), (.press, .cmyk)] {
            let bytes = sample.bytes
            for length in 0..<bytes.count { expectStable(bytes[..<length], colours) }
            for _ in 0..<1500 {
                var damaged = bytes
                let place = Int.random(in: 0..<min(bytes.count, 700), using: &random)
                damaged[place] = UInt8.random(in: 0...255, using: &random)
                expectStable(damaged[...], colours)
            }
        }
    }

    private func expectStable(_ bytes: ArraySlice<UInt8>, _ colours: PictureColours) {
        guard case .rebuilt(let rebuilt) = CleanProfile(bytes, of: colours).replacement else { return }
        let again = CleanProfile(rebuilt[...], of: colours)
        #expect(again.replacement == .rebuilt(rebuilt) && again.removed.isEmpty)
        #expect(!rebuilt.tells("SERIAL4711") && !rebuilt.tells("PressOfMine"))
    }

    private func clean(
        _ sample: ProfileSample, of colours: PictureColours = .rgb
    ) -> (CleanProfile.Replacement, Set<RemovedMetadata>) {
        let profile = CleanProfile(sample.bytes[...], of: colours)
        return (profile.replacement, profile.removed)
    }
}
