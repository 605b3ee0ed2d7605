import ArgumentParser
import Blobs
import Foundation
import MediaClient
import MediaMessage
import Testing
import Transfer

@testable import satchel

@Suite
struct SatchelTests {
    @Test(arguments: [
        ("{\"v\":1}", true), (" \n{", true), ("https://h/open/ab#v=1&k=x", true), ("message.json", false),
        ("-", false),
        ("aesgcm://h/a", true), ("AESGCM://h/a#b", true), ("./aesgcm", false), ("./{odd}", false),
        ("https://media.example", false), ("a#b", false), ("", false),
    ])
    func `messages and links among the arguments are recognised, files are not`(argument: String, isMessage: Bool) {
        #expect(MessageSource.isMessage(argument) == isMessage)
    }

    @Test func `progress is silent for a second, then shows bytes, rate and time left, five times a second at most`() {
        var meter = ProgressMeter(.uploading, start: 0)
        let half = StepProgress(.uploading, 500_000_000, of: 1_000_000_000)
        #expect(meter.line(half, now: 999, columns: 80) == nil)
        #expect(meter.line(half, now: 2000, columns: 80) == "uploading 500.0 MB of 1.0 GB, 250.0 MB/s, 0:02 left")
        #expect(meter.line(half, now: 2199, columns: 80) == nil)
        #expect(meter.line(half, now: 2200, columns: 80) != nil)
        #expect(
            meter.line(StepProgress(.uploading, 0, of: 5), now: 9000, columns: 80)
                == "uploading 0 B of 5 B, 0 B/s, stalled")
        let slow = StepProgress(.uploading, 1000, of: 100_000_000)
        #expect(meter.line(slow, now: 10_000, columns: 80) == "uploading 1.0 kB of 100.0 MB, 100 B/s, 277:46:30 left")
    }

    @Test(arguments: [
        (80, "uploading 500.0 MB of 1.0 GB, 250.0 MB/s, 0:02 left"), (49, "uploading 500.0 MB of 1.0 GB, 250.0 MB/s"),
        (30, "uploading 500.0 MB of 1.0 GB"), (28, "uploading 500.0 MB"), (12, "uploading"), (5, ""), (0, ""),
    ])
    func `progress fits into a terminal of any width, which it never fills`(columns: Int, expected: String) {
        var meter = ProgressMeter(.uploading, start: 0)
        let half = StepProgress(.uploading, 500_000_000, of: 1_000_000_000)
        #expect(meter.line(half, now: 2000, columns: columns) == expected)
    }

    @Test(
        arguments: [
            (0, "1970-01-01 00:00 UTC"), (951_782_399, "2000-02-28 23:59 UTC"), (951_782_400, "2000-02-29 00:00 UTC"),
            (4_107_542_399, "2100-02-28 23:59 UTC"), (4_107_542_400, "2100-03-01 00:00 UTC"),
            (1_790_000_000, "2026-09-21 14:13 UTC"), (9_007_199_254_740_991, "285428751-11-12 07:36 UTC"),
        ] as [(Int64, String)])
    func `moments are written as the calendar has them`(seconds: Int64, expected: String) {
        #expect("\(CalendarTime(Timestamp(seconds: seconds)))" == expected)
    }

    @Test func `a description shows neither the key nor what could fool a terminal`() throws {
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
        arguments: [
            (MediaClientError.gone(reason: "revoked", host: "h"), 3), (.notFound(host: "h"), 4), (.wrongKey, 6),
            (.wrongTag(host: "h"), 5), (.slot(""), 65), (.tooLargeForLink(bytes: 2, limitBytes: 1), 77),
            (.slotRefused(ServerProblem(HTTPResponse(status: 409), now: 0), bytes: 1, host: "h"), 7),
            (.message(.missing("url")), 65), (.transfer(.unresolved(host: "h", "")), 69),
            (.transfer(.stalled(host: "h", seconds: 1)), 69), (.exists(path: "p"), 73),
            (.refused(ServerProblem(HTTPResponse(status: 503), now: 0), host: "h"), 75),
            (.refused(ServerProblem(HTTPResponse(status: 507), now: 0), host: "h"), 75),
            (.refused(ServerProblem(HTTPResponse(status: 401), now: 0), host: "h"), 7),
            (.refused(ServerProblem(HTTPResponse(status: 418), now: 0), host: "h"), 76), (.answer("", host: "h"), 76),
            (.hostNotAllowed(HTTPOrigin(scheme: .https, host: "h", port: 443)), 77), (.configuration(""), 78),
        ] as [(MediaClientError, Int32)])
    func `each failure ends with the code that the help gives it`(error: MediaClientError, code: Int32) throws {
        let ending = try #require(ExitError(error))
        #expect(ending.code.rawValue == code)
        let words = ExitCode.table.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(words.contains("\(code) \(ending.code.meaning)"))
    }

    @Test func `a slip in a flag is wrong usage, one in a file wrong settings`() {
        #expect(ExitError(SettingError(.quality, .flag, "no"))?.code == .usage)
        #expect(ExitError(SettingError(.quality, .environment, "no"))?.code == .badSettings)
    }

    @Test(arguments: [
        ["send", "a", "--name", "b", "--no-name"], ["send", "a", "b", "--name", "c"], ["send", "-", "-"], ["send"],
        ["status", "a", "b"], ["revoke"], ["renew"], ["forward"], ["sent", "frob"], ["receipts", "frob"],
        ["seal", "a"], ["seal", "a", "-o", "b", "--format", "link"], ["open"], ["frob"], ["show", "--key"],
        ["seal", "a", "-o", "-"], ["prepare", "a", "-o", "-", "--force"], ["open", "a", "-o", "-", "--force"],
        ["unseal", "a", "b", "-o", "-", "--force"], ["show", "a", "--force"],
        ["send", "a", "--wait", "--attempts", "2"],
        ["outbox", "resume", "--wait", "--attempts", "2"], ["outbox", "cancel", "a", "--only-here", "--attempts", "2"],
        ["forward", "a", "--resumable-from", "1"], ["send", "a", "--caption", "\u{10ffe9}"],
        ["send", "a", "--name", "\u{10ffe9}"], ["seal", "a", "-o", "b", "--alt", "\u{10ffe9}"],
        ["forward", "a", "--caption", "\u{10ffe9}"], ["send", "a", "--force"],
        ["outbox", "cancel", "a", "--server", "x"], ["prepare", "a"], ["prepare", "a", "--slot-size", "-o", "b"],
        ["prepare", "a", "--slot-size", "--force"], ["send", "a", "b", "--slot", "s"], ["send", "-", "--slot", "-"],
        ["send", "a", "--slot", "s", "--wait"], ["send", "a", "--slot", "s", "--server", "https://h"],
        ["send", "a", "--slot", "s", "--lifetime", "1d"], ["send", "a", "--slot", "s", "--caption", "b"],
        ["send", "a", "--slot", "s", "--name", "b"], ["send", "a", "--slot", "s", "--no-qr"],
        ["send", "a", "--slot", "s", "--attempts", "2"], ["send", "a", "--slot", "s", "--format", "link"],
    ])
    func `flags that contradict each other are wrong usage`(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try Satchel.parseAsRoot(arguments) }
        #expect(error.map { Satchel.exitCode(for: $0).rawValue } == 64)
    }

    @Test func `the version is that of the changes that are not released yet, or of the latest release`() throws {
        let top = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let changes = try String(contentsOf: top.appending(path: "CHANGELOG.md"), encoding: .utf8)
        let heading = try #require(changes.firstMatch(of: /\n## (.+)\n/)).output.1
        let version = Satchel.configuration.version.prefix { $0 != " " }
        #expect(!version.isEmpty && heading.contains(version), "\(version) under \(heading)")
    }

    /// What the program tells of a command and its flags.
    private struct Description: Decodable {
        struct Name: Decodable { let kind: String, name: String }
        struct Argument: Decodable { let kind: String, names: [Name]?, isOptional: Bool }
        struct Command: Decodable { let commandName: String, arguments: [Argument]?, subcommands: [Command]? }
        let command: Command
    }

    @Test func `each flag that stands for a setting sets it, in each command that has the flag`() throws {
        let root = try JSONDecoder().decode(Description.self, from: Data(Satchel._dumpHelp().utf8)).command
        var count = 0
        for (path, command) in commands(below: root) {
            let arguments = command.arguments ?? []
            let required = arguments.filter { !$0.isOptional }.flatMap { argument in
                argument.kind == "positional"
                    ? ["x"] : ["--\(argument.names?.first { $0.kind == "long" }?.name ?? "")", "x"]
            }
            for argument in arguments {
                guard let name = argument.names?.first(where: { $0.kind == "long" })?.name else { continue }
                let isNegative = name.hasPrefix("no-")
                guard let setting = SettingKey(rawValue: isNegative ? String(name.dropFirst(3)) : name),
                    setting != .name || isNegative, setting != .preview || isNegative
                else { continue }
                let isFlag = argument.kind == "flag"
                // What the command, or the flag, needs beside it.
                let partner =
                    switch path {
                    case ["prepare"]: ["-o", "x"]
                    // Without a message it asks on a terminal.
                    case ["open"]: ["x"]
                    case ["forward"] where setting == .resumableFrom: ["--file", "x"]
                    default: [String]()
                    }
                let parsed = try Satchel.parseAsRoot(
                    path + required + partner + ["--\(name)"] + (isFlag ? [] : ["json"]))
                let flags = try #require(parsed as? any ConfiguredCommand, "\(path)").flags
                #expect(flags[setting] == (isFlag ? (isNegative ? "no" : "yes") : "json"), "\(path) --\(name)")
                count += 1
            }
        }
        #expect(count > 70)
    }

    private func commands(below command: Description.Command, _ path: [String] = []) -> [(
        [String], Description.Command
    )] {
        [(path, command)] + (command.subcommands ?? []).flatMap { commands(below: $0, path + [$0.commandName]) }
    }

    @Test(arguments: [
        ["open", "-", "-o", "a"], ["unseal", "-", "blob", "-o", "a", "-q"], ["seal", "a", "-o", "b"],
        ["prepare", "a", "-o", "b", "-q"], ["send", "a", "-q"],
    ])
    func `options keep their short names`(arguments: [String]) throws { _ = try Satchel.parseAsRoot(arguments) }
}
