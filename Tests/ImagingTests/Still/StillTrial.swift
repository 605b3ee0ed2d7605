import Cleaning
import Files
import Foundation
import Imaging
import TestSupport

/// Cleans a picture that is not JPEG and prepares it, as the client does.
struct StillTrial {
    let still: PreparedStill
    let file: CleanedFile
    /// Where that is which would be sent.
    let path: String
    let cleanPath: String

    var bytes: [UInt8] { get throws { try TestSupport.bytes(ofFile: path) } }

    enum Failure: Error { case unknownType, halfOutput }

    init(_ source: String, _ quality: Quality, _ studio: Studio, hasWebP: Bool? = nil) throws {
        let input = try OpenFile(source, .read)
        let bytes = try SourceBytes(input)
        guard case .cleaned(let clean) = MediaHandling(of: try MediaType.sniff(bytes)) else {
            throw Failure.unknownType
        }
        file = try clean(bytes)
        guard let traits = file.picture else { throw Failure.unknownType }
        cleanPath = studio.newPath("clean")
        let copy = try OpenFile(cleanPath, .create(permissions: 0o600))
        try file.copy.write(from: input, to: copy)
        let outputPath = studio.newPath("sent")
        let output = try OpenFile(outputPath, .create(permissions: 0o600))
        still = try prepareStill(copy, traits, into: output, quality: quality, hasWebP: hasWebP)
        path = still.form.type == nil ? cleanPath : outputPath
        // What is not sent is not written either.
        guard try (output.size() == 0) == (still.form.type == nil) else { throw Failure.halfOutput }
    }

    var size: (width: Int, height: Int)? { still.look.map { ($0.width, $0.height) } }
}

/// The samples of a picture as another program reads them.
enum Samples {
    /// As ImageMagick or Pillow gives them, RGBA with 8 bits, turned upright.
    static func rgba(_ path: String, _ studio: Studio, _ arguments: [String] = []) throws -> [UInt8] {
        let output = studio.newPath("rgba")
        try Tool.run("convert", ["\(path)[0]", "-auto-orient"] + arguments + ["-depth", "8", "RGBA:\(output)"])
        return try TestSupport.bytes(ofFile: output)
    }

    /// The same with the colours of what cannot be seen made black.
    static func seen(_ rgba: [UInt8]) -> [UInt8] {
        var seen = rgba
        for first in stride(from: 0, to: rgba.count - 3, by: 4) where rgba[first + 3] == 0 {
            for colour in 0..<3 { seen[first + colour] = 0 }
        }
        return seen
    }

    static func alpha(_ rgba: [UInt8]) -> [UInt8] { stride(from: 3, to: rgba.count, by: 4).map { rgba[$0] } }

    /// The largest difference between two samples in the same place; nil if there are not as many.
    static func distance(_ one: [UInt8], _ other: [UInt8]) -> Int? {
        guard one.count == other.count else { return nil }
        return zip(one, other).reduce(0) { max($0, abs(Int($1.0) - Int($1.1))) }
    }
}

extension Studio {
    /// Makes a picture with ImageMagick and tells its path.
    func draw(_ ending: String, _ arguments: [String]) throws -> String {
        let path = newPath(ending.split(separator: ":").last.map(String.init) ?? ending)
        try Tool.run(
            "convert", arguments + [ending.contains(":") ? "\(ending.split(separator: ":")[0]):\(path)" : path])
        return path
    }

    /// What a screen shows: flat areas, text, a photograph.
    func screenshot(_ ending: String = "png", width: Int = 1080, height: Int = 2400, _ more: [String] = []) throws
        -> String
    {
        try draw(
            ending,
            [
                "-size", "\(width)x\(height)", "xc:#f4f4f8", "-fill", "#204080", "-draw", "rectangle 0,0 \(width),150",
                "-fill", "black", "-font", "DejaVu-Sans", "-pointsize", "28", "-annotate", "+40+240",
                (0..<40).map { "Line \($0): the quick brown fox jumps over the lazy dog" }.joined(separator: "\n"),
                "(", Self.photograph, "-crop", "900x600+2500+600", "+repage", ")", "-geometry", "+90+\(height / 2)",
                "-composite",
            ] + more)
    }
}
