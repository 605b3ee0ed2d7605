import Files
import Foundation
import Imaging
import TestSupport
import Testing

@Suite(.enabled(if: Tool.areInstalled, "\(Tool.reason)"))
struct DamageTests {
    @Test(arguments: ["small", "small-progressive"])
    func `a picture cut short anywhere says what is missing, and gives what there is to those who accept that`(
        name: String
    ) throws {
        let studio = try Studio.open()
        let whole = try studio.bytes(name)
        let firstScan = try #require(JPEGBytes.payload(of: 0xDA, in: whole))
        for count in 0..<whole.count {
            let path = try studio.file(Array(whole.prefix(count)))
            defer { _ = try? Folder.remove(path) }
            let quality = count % 2 == 0 ? Quality.standard : .original
            do throws(ImagingError) {
                let picture = try studio.prepareThrowing(path, quality)
                // The end mark, and coded data of which no bit is missed.
                #expect(picture.condition == .damaged && count > whole.count - 6, "\(count) of \(whole.count) bytes")
            } catch {
                if count < 2 { #expect(error == .notJPEG) }
                if 2..<firstScan ~= count { #expect(error == .truncated) }
                if count > firstScan + 20 { #expect(error.isDamage, "\(count): \(error)") }
            }
            try survive(Array(whole.prefix(count)), quality, forced: true, studio, isJudged: count % 40 == 0)
        }
    }

    private static let rounds = ProcessInfo.processInfo.environment["SATCHEL_SOAK"] == nil ? 1000 : 50_000

    @Test(arguments: ["small", "small-progressive"])
    func `pictures with one byte changed, and with a few: what comes out can be read without a warning`(
        name: String
    ) throws {
        let studio = try Studio.open()
        var random = SeededGenerator(seed: 2)
        let whole = try studio.bytes(name)
        for round in 0..<2 * Self.rounds {
            var bytes = whole
            for _ in 0..<(round < Self.rounds ? 1 : Int.random(in: 2...4, using: &random)) {
                bytes[Int.random(in: 2..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let quality = round % 2 == 0 ? Quality.standard : .original
            try survive(bytes, quality, forced: round % 3 == 0, studio, isJudged: round % 20 == 0)
        }
    }

    /// Ends in an error, or in a picture that is sound: by our reader, and if `isJudged` by another program.
    private func survive(
        _ bytes: [UInt8], _ quality: Quality, forced: Bool, _ studio: Studio, isJudged: Bool
    ) throws {
        let path = try studio.file(bytes)
        defer { _ = try? Folder.remove(path) }
        let prepared: Prepared
        do {
            prepared = try studio.prepare(path, quality, acceptsCorruption: forced)
        } catch is ImagingError {
            return
        }
        defer { _ = try? Folder.remove(prepared.path) }
        if case .stripped(let reason) = prepared.picture.treatment {
            // No decoder has looked at it.
            if case .twelveBit = reason { return }
            if case .rareProcess = reason { return }
            if case .rareComponents = reason { return }
        }
        let again = try studio.prepare(prepared.path, .original)
        defer { _ = try? Folder.remove(again.path) }
        #expect(again.picture.condition == .sound)
        if isJudged { try Tool.run("djpeg", ["-outfile", "/dev/null", prepared.path]) }
    }

    @Test(arguments: ["", "\u{0}", "GIF89a", "plain text", "\u{FF}\u{D8}"])
    func `what is no JPEG is told apart`(text: String) throws {
        let studio = try Studio.open()
        let bytes = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        let error = #expect(throws: ImagingError.self) { try studio.prepare(bytes, .standard) }
        #expect(error == (bytes.first == 0xFF ? .truncated : .notJPEG))
    }

    // MARK: Bombs

    @Test func `a header of 65,500 by 65,500 pixels is refused before anything is allocated`() throws {
        let studio = try Studio.open()
        let bytes = try resized(try studio.bytes("small"), frame: 0xC0, to: (65_500, 65_500))
        for quality in Quality.allCases {
            #expect(throws: ImagingError.tooManyPixels(limit: 300_000_000)) { try studio.prepare(bytes, quality) }
        }
    }

    @Test func `a progressive picture whose coefficients take more than 256 MiB is refused before they are allocated`()
        throws
    {
        let studio = try Studio.open()
        let bytes = try resized(try studio.bytes("small-progressive"), frame: 0xC2, to: (17_000, 17_000))
        for quality in Quality.allCases {
            #expect(throws: ImagingError.outOfMemory(limitBytes: 256 << 20)) { try studio.prepare(bytes, quality) }
        }
        // The same size in one scan needs next to nothing; it ends where its data does.
        let baseline = try resized(try studio.bytes("small"), frame: 0xC0, to: (17_000, 17_000))
        let error = #expect(throws: ImagingError.self) { try studio.prepare(baseline, .standard) }
        #expect(error != .outOfMemory(limitBytes: 256 << 20))
    }

    @Test func `a thousand scans are refused, as are hundreds of thousands of segments`() throws {
        let studio = try Studio.open()
        let picture = try studio.bytes("small-progressive")
        let scan = [0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 5, 0x10] as [UInt8]
        let scans: [UInt8] = Array(repeatElement(scan, count: 1000).joined())
        let bomb: [UInt8] = Array(picture.dropLast(2)) + scans + [0xFF, 0xD9]
        for forced in [false, true] {
            #expect(throws: ImagingError.tooManyScans(limit: 200)) {
                try studio.prepare(bomb, .standard, acceptsCorruption: forced)
            }
        }
        let segments = Array(
            repeatElement([0xFF, 0xDD, 0, 4, 0, 0, 0xFF, 0xFE, 0, 2] as [UInt8], count: 100_000).joined())
        #expect(throws: ImagingError.self) {
            try studio.prepare(JPEGBytes.inserting(segments, into: picture), .standard)
        }
    }

    private func resized(_ picture: [UInt8], frame: UInt8, to size: (Int, Int)) throws -> [UInt8] {
        var bytes = picture
        let start = try #require(JPEGBytes.payload(of: frame, in: picture))
        bytes.replaceSubrange(
            start + 1..<start + 5,
            with: [UInt8(size.1 >> 8), UInt8(size.1 & 0xFF), UInt8(size.0 >> 8), UInt8(size.0 & 0xFF)])
        return bytes
    }

    @Test func `a stranger's preview is read under limits`() throws {
        let studio = try Studio.open()
        let small = try studio.bytes("small")
        #expect(try checkPreview(small) == (48, 32))
        #expect(throws: ImagingError.self) { try checkPreview(Array(small.dropLast(30))) }
        #expect(throws: ImagingError.self) { try checkPreview(try resized(small, frame: 0xC0, to: (4000, 4000))) }
        #expect(throws: ImagingError.notJPEG) { try checkPreview([]) }
        #expect(throws: ImagingError.notJPEG) { try checkPreview(Array("<svg/>".utf8)) }
    }
}
