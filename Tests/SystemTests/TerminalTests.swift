import Foundation
import TestSupport
import Testing

/// What the programs show where somebody sits at a terminal, and what goes into files and pipes instead.
@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct TerminalTests {
    private let journey: Journey
    private static let reader = "/usr/bin/zbarimg"
    private static let hasReader = FileManager.default.isExecutableFile(atPath: reader)

    init() throws {
        journey = try Journey()
        try write(Array("a note".utf8), toFile: journey.path("note.txt"))
    }

    /// The lines of a drawing among those of a terminal.
    private func drawing(_ output: String) -> [Substring] {
        output.split(separator: "\n").filter {
            $0.contains("▀") || $0.contains("█") || $0.contains(/^(\x1b\[[0-9;]*m)? +(\x1b\[0m)?$/)
        }
    }

    /// What a code says whose lines these are, photographed as a terminal shows it: dark on light where colours are asked
    /// for, else light on dark.
    private func read(_ lines: [Substring], isInverted: Bool) async throws -> String {
        let rows = lines.map { Array($0.replacing(/\x1b\[[0-9;]*m/, with: "")) }
        let columns = rows.map(\.count).max() ?? 0
        let scale = 4
        var picture = Array("P5 \(columns * scale) \(2 * rows.count * scale) 255\n".utf8)
        for row in 0..<2 * rows.count {
            let line = rows[row / 2].map { block -> UInt8 in
                let isDrawn = block == "█" || block == (row % 2 == 0 ? "▀" : "▄")
                return isDrawn == isInverted ? 255 : 0
            }
            let pixels = line.flatMap { [UInt8](repeating: $0, count: scale) }
            for _ in 0..<scale { picture += pixels }
        }
        try write(picture, toFile: journey.path("code.pgm"))
        let read = try await run(
            Self.reader, ["-q", "--raw", "-Sdisable", "-Sqrcode.enable", journey.path("code.pgm")])
        return read.output
    }

    private func link(_ output: String) throws -> String {
        String(try #require(output.firstMatch(of: /http:\/\/[!-~]+#v=1&[!-~]+/), "\(output)").output)
    }

    @Test(.enabled(if: hasReader, "zbarimg (Debian: zbar-tools) is not here"), arguments: [true, false])
    func `send shows a link, a code of it that a reader reads, and how long it works`(hasColours: Bool) async throws {
        let server = try await journey.serve()
        let shown = try await journey.terminal(
            ["send", "note.txt"], server: server,
            environment: hasColours ? ["TZ": "Asia/Tokyo"] : ["TZ": "Asia/Tokyo", "NO_COLOR": "1"])
        #expect(shown.status == 0 && !shown.output.contains("{"), "\(shown.output)")
        let link = try link(shown.output)
        #expect(try await read(drawing(shown.output), isInverted: !hasColours) == "\(link)\n")
        #expect(shown.output.contains("\u{1b}[38;5;16;48;5;231m") == hasColours)
        #expect(shown.output.contains(/kept until \d{4}-\d\d-\d\d \d\d:\d\d JST, for 30 days/), "\(shown.output)")
        // The key is in the link, and nowhere else.
        let key = try #require(link.firstMatch(of: /k=([^&]+)/)).output.1
        #expect(shown.output.ranges(of: key).count == 1)
        let opened = try await journey.satchel("open", link, "-o", "-", server: server)
        #expect(opened.output == "a note", "\(opened.errors)")
        #expect(await server.stop() == 0)
    }

    @Test func `what is pasted at a terminal is opened at the end of its line`() async throws {
        let server = try await journey.serve()
        for format in ["link", "json"] {
            let sent = try await journey.satchel("send", "note.txt", "--format", format, server: server)
            for arguments in [["open"], ["open", "-"], ["show", "-"]] {
                let shown = try await journey.typing(sent.output, into: arguments, server: server)
                #expect(shown.status == 0 && shown.output.contains("then press Enter"), "\(shown.output)")
                #expect(shown.output.contains(arguments[0] == "show" ? "text/plain" : "note ("), "\(shown.output)")
            }
        }
        let piped = try await journey.satchel("open", server: server)
        #expect(piped.status == 64 && piped.errors.contains("- is standard input"), "\(piped.errors)")
        #expect(await server.stop() == 0)
    }

    @Test func `a file or a pipe gets JSON, and --format decides for both`() async throws {
        let server = try await journey.serve()
        let piped = try await journey.satchel("send", "note.txt", server: server)
        #expect(piped.output.hasPrefix("{\"v\":1,") && piped.lines.count == 1, "\(piped.output)")
        let json = try await journey.terminal(["send", "-q", "note.txt", "--format", "json"], server: server)
        #expect(json.output.hasPrefix("{\"v\":1,") && json.lines.count == 1, "\(json.output)")
        let link = try await journey.terminal(["send", "-q", "note.txt", "--format", "link"], server: server)
        #expect(link.output.hasPrefix("http://") && link.lines.count == 1, "\(link.output)")
        let chosen = try await journey.terminal(
            ["send", "-q", "note.txt"], server: server, environment: ["SATCHEL_FORMAT": "json"])
        #expect(chosen.output.hasPrefix("{\"v\":1,") && chosen.lines.count == 1, "\(chosen.output)")
        #expect(await server.stop() == 0)
    }

    @Test func `a code that does not fit is left out, and its width is said to who asked for it`() async throws {
        let server = try await journey.serve()
        let narrow = try await journey.terminal(["send", "note.txt"], server: server, columns: 40)
        #expect(narrow.status == 0 && !narrow.output.contains("█") && !narrow.output.contains("columns"))
        _ = try link(narrow.output)
        let asked = try await journey.terminal(["send", "note.txt", "--qr"], server: server, columns: 40)
        #expect(asked.output.contains(/the QR code takes \d+ columns, and this terminal has 40/), "\(asked.output)")
        for arguments in [["--qr"], ["--qr", "--format", "json"]] {
            let refused = try await run(
                Programs.path("satchel"), ["send", "note.txt"] + arguments,
                environment: journey.environment(server: server.url), in: journey.folder.path)
            #expect(refused.status == 64 && refused.errors.contains("--qr"), "\(refused.errors)")
        }
        #expect(await server.stop() == 0)
    }

    @Test func `a code that is higher than the terminal is left out, unless it is asked for`() async throws {
        let server = try await journey.serve()
        let low = try await journey.terminal(["send", "note.txt"], server: server, rows: 24)
        #expect(low.status == 0 && !low.output.contains("█"), "\(low.output)")
        #expect(low.output.contains(/the QR code takes \d+ rows, and this terminal has fewer/), "\(low.output)")
        _ = try link(low.output)
        let high = try await journey.terminal(["send", "note.txt"], server: server, rows: 60)
        #expect(high.output.contains("█") && !high.output.contains("rows"), "\(high.output)")
        let asked = try await journey.terminal(["send", "note.txt", "--qr"], server: server, rows: 24)
        #expect(asked.output.contains("█") && !asked.output.contains("rows"), "\(asked.output)")
        #expect(await server.stop() == 0)
    }

    @Test func `of several files each has its link, with its name`() async throws {
        let server = try await journey.serve()
        try write(Array("another".utf8), toFile: journey.path("other.txt"))
        let shown = try await journey.terminal(["send", "-q", "note.txt", "other.txt", "--no-qr"], server: server)
        let starts = ["http://", "note.txt: kept until ", "http://", "other.txt: kept until "]
        #expect(shown.lines.count == 4 && zip(shown.lines, starts).allSatisfy { $0.hasPrefix($1) }, "\(shown.output)")
        #expect(await server.stop() == 0)
    }

    @Test func `what a link has no room for is not lost on a terminal`() async throws {
        let server = try await journey.serve()
        let longName = String(repeating: "ä", count: 700)
        for flags in [["--caption", "Hi"], ["--name", longName]] {
            let shown = try await journey.terminal(["send", "note.txt"] + flags, server: server)
            #expect(shown.output.contains("{\"v\":1,") && shown.output.contains("no room"), "\(shown.output)")
        }
        #expect(await server.stop() == 0)
    }

    @Test func `times are those of the person on a terminal, and UTC in files`() async throws {
        let server = try await journey.serve()
        try write(
            try await journey.satchel("send", "note.txt", server: server).outputBytes, toFile: journey.path("m"))
        for arguments in [["status"], ["show", "m"], ["renew", "m"], ["sent"], ["quota"]] {
            let shown = try await journey.terminal(arguments, server: server, environment: ["TZ": "Asia/Tokyo"])
            #expect(shown.output.contains(" JST") && !shown.output.contains(" UTC"), "\(shown.output)")
            let written = try await run(
                Programs.path("satchel"), arguments,
                environment: journey.environment(server: server.url).merging(["TZ": "Asia/Tokyo"]) { $1 },
                in: journey.folder.path)
            #expect(written.output.contains(" UTC") && !written.output.contains(" JST"), "\(written.output)")
        }
        #expect(await server.stop() == 0)
    }

    @Test func `help says which flag shows the rest, and it does`() async throws {
        let some = try await journey.satchel("send", "--help")
        let all = try await journey.satchel("send", "--help-all")
        #expect(some.status == 0 && some.output.contains("--help-all") && !some.output.contains("--padding"))
        #expect(all.status == 0 && all.output.contains("--padding") && all.output.contains("--stall-timeout"))
    }
}
