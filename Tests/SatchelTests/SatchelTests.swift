import ArgumentParser
import Blobs
import MediaClient
import MediaMessage
import Testing
import Transfer

@testable import satchel

@Suite("The command line")
struct SatchelTests {
    @Test(
        "Messages and links among the arguments are recognised, files are not",
        arguments: [
            ("{\"v\":1}", true), (" \n{", true), ("https://h/open/ab#v=1&k=x", true), ("message.json", false),
            ("-", false),
            ("./{odd}", false), ("https://media.example", false), ("a#b", false), ("", false),
        ])
    func messages(argument: String, isMessage: Bool) {
        #expect(MessageSource.isMessage(argument) == isMessage)
    }

    @Test("Progress is silent for a second, then shows bytes, rate and time left, five times a second at most")
    func progress() {
        var meter = ProgressMeter(.uploading, start: 0)
        let half = StepProgress(.uploading, 500_000_000, of: 1_000_000_000)
        #expect(meter.line(half, now: 999) == nil)
        #expect(meter.line(half, now: 2000) == "uploading 500.0 MB of 1.0 GB, 250.0 MB/s, 0:02 left")
        #expect(meter.line(half, now: 2199) == nil)
        #expect(meter.line(half, now: 2200) != nil)
        #expect(meter.line(StepProgress(.uploading, 0, of: 5), now: 9000) == "uploading 0 B of 5 B, 0 B/s, stalled")
        let slow = StepProgress(.uploading, 1000, of: 100_000_000)
        #expect(meter.line(slow, now: 10_000) == "uploading 1.0 kB of 100.0 MB, 100 B/s, 277:46:30 left")
    }

    @Test(
        "Moments are written as the calendar has them",
        arguments: [
            (0, "1970-01-01 00:00 UTC"), (951_782_399, "2000-02-28 23:59 UTC"), (951_782_400, "2000-02-29 00:00 UTC"),
            (4_107_542_399, "2100-02-28 23:59 UTC"), (4_107_542_400, "2100-03-01 00:00 UTC"),
            (1_790_000_000, "2026-09-21 14:13 UTC"), (9_007_199_254_740_991, "285428751-11-12 07:36 UTC"),
        ] as [(Int64, String)])
    func calendar(seconds: Int64, expected: String) {
        #expect("\(CalendarTime(Timestamp(seconds: seconds)))" == expected)
    }

    @Test("A description shows neither the key nor what could fool a terminal")
    func description() throws {
        let key = [UInt8](repeating: 0x5a, count: 32)
        let receipt = Secret.random()
        let message = MediaMessage(
            url: nil, address: try #require(BlobAddress(bytes: key.reversed())), size: 4176, key: key, receipt: receipt,
            media: Media(type: "text/plain", size: 6, name: "a\u{202e}txt.exe", caption: "\u{1b}[31mred"))
        let text = MessageDescription(message).text
        #expect(text.contains("text/plain, 6 B (6 bytes)"))
        for hidden in [Base64URL.encode(key), receipt.base64url, "\u{1b}", "\u{202e}"] {
            #expect(!text.contains(hidden))
        }
    }

    @Test(
        "Each failure ends with the code that the help gives it",
        arguments: [
            (MediaClientError.gone(reason: "revoked", host: "h"), 3), (.notFound(host: "h"), 4), (.wrongKey, 6),
            (.message(.missing("url")), 65), (.transfer(.unresolved(host: "h", "")), 69),
            (.transfer(.stalled(host: "h", seconds: 1)), 69), (.exists(path: "p"), 73),
            (.refused(ServerProblem(HTTPResponse(status: 503), now: 0), host: "h"), 75),
            (.refused(ServerProblem(HTTPResponse(status: 507), now: 0), host: "h"), 75),
            (.refused(ServerProblem(HTTPResponse(status: 401), now: 0), host: "h"), 7),
            (.refused(ServerProblem(HTTPResponse(status: 418), now: 0), host: "h"), 76), (.answer("", host: "h"), 76),
            (.hostNotAllowed(HTTPOrigin(scheme: .https, host: "h", port: 443)), 77), (.configuration(""), 78),
        ] as [(MediaClientError, Int32)])
    func endings(error: MediaClientError, code: Int32) throws {
        let ending = try #require(ExitError(error))
        #expect(ending.code.rawValue == code)
        #expect(ExitCode.table.contains("\(code)  \(ending.code.meaning)"))
    }

    @Test("A slip in a flag is wrong usage, one in a file wrong settings")
    func settingEndings() {
        #expect(ExitError(SettingError(.quality, .flag, "no"))?.code == .usage)
        #expect(ExitError(SettingError(.quality, .environment, "no"))?.code == .badSettings)
    }

    @Test(
        "Flags that contradict each other are wrong usage",
        arguments: [
            ["send", "a", "--name", "b", "--no-name"], ["send", "a", "b", "--name", "c"], ["send", "-", "-"], ["send"],
            ["status", "a", "b"], ["revoke"], ["renew"], ["forward"], ["sent", "frob"], ["receipts", "frob"],
            ["seal", "a"], ["seal", "a", "-o", "b", "--format", "link"], ["open"], ["frob"], ["show", "--key"],
        ])
    func usage(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try Satchel.parseAsRoot(arguments) }
        #expect(error.map { Satchel.exitCode(for: $0).rawValue } == 64)
    }

    @Test(
        "Options keep their short names",
        arguments: [
            ["open", "-", "-o", "a"], ["unseal", "-", "blob", "-o", "a", "-q"], ["seal", "a", "-o", "b"],
            ["prepare", "a", "-o", "b", "-q"], ["send", "a", "-q"],
        ])
    func shortNames(arguments: [String]) throws { _ = try Satchel.parseAsRoot(arguments) }
}
