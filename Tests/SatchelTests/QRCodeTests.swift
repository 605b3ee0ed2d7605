import Foundation
import TestSupport
import Testing

@testable import satchel

/// A reader of QR codes that others have written.
private enum Zbar {
    static let path = "/usr/bin/zbarimg"
    static let isHere = FileManager.default.isExecutableFile(atPath: path)

    /// The bytes in a code that is drawn with four pixels a module.
    static func read(_ code: QRCode) throws -> [UInt8] {
        let side = 4 * (code.size + 8)
        var picture = Array("P5 \(side) \(side) 255\n".utf8)
        for row in 0..<side {
            for column in 0..<side { picture.append(code.isDark(row / 4 - 4, column / 4 - 4) ? 0 : 255) }
        }
        let folder = try TemporaryFolder()
        try write(picture, toFile: folder.path("code.pgm"))
        let (process, output) = (Process(), Pipe())
        process.executableURL = URL(filePath: path)
        process.arguments = ["-q", "--raw", "-Sdisable", "-Sqrcode.enable", folder.path("code.pgm")]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Array(text.dropLast())
    }
}

@Suite
struct QRCodeTests {
    /// The most bytes of each version at level L, by table 7 of ISO/IEC 18004:2015.
    private static let limits = [
        17, 32, 53, 78, 106, 134, 154, 192, 230, 271, 321, 367, 425, 458, 520, 586, 644, 718, 792, 858, 929, 1003,
        1091, 1171, 1273, 1367, 1465, 1528, 1628, 1732, 1840, 1952, 2068, 2188, 2303, 2431, 2563, 2699, 2809, 2953,
    ]

    private func link(_ length: Int) -> [UInt8] { (0..<length).map { UInt8(0x21 + ($0 * 31 + length) % 94) } }

    @Test func `the smallest version is taken that holds the bytes`() {
        for (index, limit) in Self.limits.enumerated() {
            #expect(QRVersion(holding: limit)?.number == index + 1)
            #expect(QRVersion(holding: limit)?.byteLimit == limit)
            #expect(QRVersion(holding: limit + 1)?.number == (index < 39 ? index + 2 : nil))
        }
        #expect(QRCode(link(2954)) == nil)
    }

    @Test(
        .enabled(if: Zbar.isHere, "zbarimg (Debian: zbar-tools) is not here"),
        arguments: [1, 2, 16, 33, 100, 180, 200, 220, 240, 260, 300, 400, 500] + limits)
    func `a reader reads what was written`(length: Int) throws {
        let bytes = link(length)
        #expect(try Zbar.read(#require(QRCode(bytes))) == bytes)
    }

    @Test(arguments: [true, false])
    func `half blocks show each module, with a light zone around them`(hasColours: Bool) throws {
        let code = try #require(QRCode(link(200)))
        let drawing = QRDrawing(code, hasColours: hasColours)
        let lines = drawing.text.split(separator: "\n").map { line in
            hasColours ? line.split(separator: "m")[1].dropLast(3) : line
        }
        #expect(drawing.columns == code.size + 8 && lines.count == (code.size + 9) / 2)
        #expect(drawing.text.contains("\u{1b}[38;5;16;48;5;231m") == hasColours)
        for (index, line) in lines.enumerated() {
            #expect(line.count == drawing.columns)
            for (column, block) in line.enumerated() {
                let row = 2 * index - 4
                // Without colours the light ones are drawn.
                let (top, bottom) = ("█▀".contains(block), "█▄".contains(block))
                #expect(code.isDark(row, column - 4) == (top == hasColours), "\(row) \(column)")
                #expect(code.isDark(row + 1, column - 4) == (bottom == hasColours), "\(row + 1) \(column)")
            }
        }
    }
}
