import Files
import Foundation
import Imaging
import TestSupport
import Testing

@Suite(.enabled(if: Tool.areInstalled, "\(Tool.reason)"))
struct DamageTests {
    @Test(arguments: ["small", "small-progressive"])
    func `a picture cut short anywhere is refused; forced, it gives what there is or another error`(name: String) throws
    {
        let studio = try Studio.open()
        let whole = try studio.bytes(name)
        for count in stride(from: 0, to: whole.count, by: 7) {
            let path = try studio.file(Array(whole.prefix(count)))
            defer { _ = try? Folder.remove(path) }
            for quality in [Quality.standard, .original] {
                let error = #expect(throws: ImagingError.self) { try studio.prepare(path, quality) }
                #expect(error == (count < 2 ? .notJPEG : .truncated), "\(count) of \(whole.count) bytes")
            }
            if let forced = try? studio.prepare(path, .standard, acceptsCorruption: true) {
                #expect(forced.picture.width == 48)
                _ = try GrayImage.isReadable(forced.path)
            }
        }
    }

    @Test func `forced, a picture cut off in its data is sent as far as it goes`() throws {
        let studio = try Studio.open()
        let whole = try studio.bytes("baseline")
        for quality in Quality.allCases {
            let path = try studio.file(Array(whole.prefix(whole.count / 2)))
            let prepared = try studio.prepare(path, quality, acceptsCorruption: true)
            #expect(prepared.picture.width == 403)
            #expect(try prepared.bytes.suffix(2) == [0xFF, 0xD9])
        }
    }

    private static let rounds = ProcessInfo.processInfo.environment["SATCHEL_SOAK"] == nil ? 1500 : 50_000

    @Test func `thousands of pictures with a few bytes changed: no crash, and what is accepted can be read again`()
        throws
    {
        let studio = try Studio.open()
        var random = SeededGenerator(seed: 2)
        for name in ["small", "small-progressive"] {
            let whole = try studio.bytes(name)
            for round in 0..<Self.rounds {
                var bytes = whole
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    bytes[Int.random(in: 2..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                try survive(bytes, round % 2 == 0 ? .standard : .original, forced: round % 3 == 0, studio)
            }
        }
    }

    private func survive(_ bytes: [UInt8], _ quality: Quality, forced: Bool, _ studio: Studio) throws {
        let path = try studio.file(bytes)
        defer { _ = try? Folder.remove(path) }
        let prepared: Prepared
        do {
            prepared = try studio.prepare(path, quality, acceptsCorruption: forced)
        } catch is ImagingError {
            return
        }
        defer { _ = try? Folder.remove(prepared.path) }
        if !forced { _ = try studio.prepare(prepared.path, .original) }
    }

    @Test func `warnings of libjpeg are errors, unless forced`() throws {
        let studio = try Studio.open()
        var bytes = try studio.bytes("restarts")
        let scan = try #require(JPEGBytes.payload(of: 0xDA, in: bytes))
        // Zeros where coded data was, far from its end.
        for index in scan + 2000..<scan + 2060 { bytes[index] = 0x01 }
        #expect(throws: ImagingError.self) { try studio.prepare(bytes, .standard) }
        #expect(try studio.prepare(bytes, .standard, acceptsCorruption: true).picture.width == 403)
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

extension GrayImage {
    /// ImageMagick reads the file without an error.
    static func isReadable(_ path: String) throws -> Bool {
        try Tool.run("convert", [path, "null:"])
        return true
    }
}
