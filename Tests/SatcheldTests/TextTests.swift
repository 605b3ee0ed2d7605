import ArgumentParser
import BlobHTTP
import Glibc
import NIOCore
import Store
import Testing

@testable import satcheld

/// What an operator reads: help, reports, log lines.
@Suite struct TextTests {
    @Test(arguments: [SettingsTable.origin, .edge])
    func `help names every setting with its variable and its default`(table: SettingsTable) {
        let help =
            table.command == "edge"
            ? Satcheld.helpMessage(for: EdgeCommand.self, columns: 400)
            : Satcheld.helpMessage(for: ServeCommand.self, columns: 400)
        for setting in table.settings {
            #expect(help.contains(setting.flag) && help.contains(setting.environmentName), "\(setting.name)")
            if !setting.standard.isEmpty { #expect(help.contains("(default: \(setting.standard))"), "\(setting.name)") }
        }
    }

    @Test func `the help of the program lists its commands and its exit codes`() {
        let help = Satcheld.helpMessage(columns: 400)
        for command in ["serve", "gc", "fsck", "remove", "stats", "ticket", "edge-key", "page", "config"] {
            #expect(help.contains(command))
        }
        for status in ExitStatus.allCases {
            #expect(help.contains("\(status.rawValue)") && help.contains(status.meaning))
        }
    }

    @Test(arguments: [
        (["remove", "abc"], "not an address"),
        (["remove", String(repeating: "a", count: 64), "--ban", "--unban"], "contradict"),
    ])
    func `a wrong command line is explained`(arguments: [String], word: String) {
        let error = #expect(throws: (any Error).self) { try Satcheld.parseAsRoot(arguments) }
        #expect(error.map { Satcheld.fullMessage(for: $0).contains(word) } == true)
        #expect(error.map { Satcheld.exitCode(for: $0) } == ExitStatus.usage.code)
    }

    @Test(arguments: [
        (EADDRINUSE, "another program listens there already; stop it, or choose another port with --listen."),
        (EADDRNOTAVAIL, "this machine has no such address; with --listen choose 127.0.0.1 for this machine alone, "),
        (EACCES, "this user may not listen at ports below 1024; give the program CAP_NET_BIND_SERVICE, or choose "),
        (EAFNOSUPPORT, "address family not supported by protocol; choose another address with --listen."),
    ])
    func `why a server cannot listen is one sentence, with what to do`(code: Int32, words: String) throws {
        let settings = try SettingsLoader(arguments: [], environment: [:], configPath: nil).settings()
        let error = ListenError(settings.server.listen, IOError(errnoCode: code, reason: "bind"))
        let text = Running.describe(error, settings)
        #expect(text.hasPrefix("cannot listen at 127.0.0.1:8080: \(words)"), "\(text)")
        #expect(text.hasSuffix(".") && !text.contains("\n"))
    }

    @Test func `a report of a check lists findings, what was repaired, and what is left`() {
        var report = CheckReport()
        report.blobsChecked = 3
        report.bytesChecked = 5 << 20
        #expect(CheckCommand.text(report) == "3 blobs checked (5.0 MiB): clean")
        report.add(.init(Damage(.missing, "the file is missing"), name: "ab", isRepaired: true))
        report.add(.init(Damage(.lostUpload, "the upload's file is missing"), name: "cd", isRepaired: true))
        report.add(.init(Damage(.orphan, "no row"), name: "ef"))
        report.awaitingUpload = 1
        #expect(
            CheckCommand.text(report) == """
                missing ab: the file is missing (set aside)
                lostUpload cd: the upload's file is missing (dropped)
                orphan ef: no row
                3 blobs checked (5.0 MiB): 3 problems
                1 damaged blobs set aside; uploading the same bytes heals them
                """)
    }

    @Test func `a report of a sweep says what was kept, and why`() {
        var report = CollectReport()
        report.dryRun = true
        report.hold = "the clock jumped"
        report.orphansKept = "too many"
        let lines = CollectCommand.text(report).split(separator: "\n")
        #expect(lines.first?.hasPrefix("Dry run") == true)
        #expect(lines.suffix(2) == ["orphans kept: too many", "nothing removed: the clock jumped"])
    }

    @Test(arguments: [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 20, "5.0 MiB"), (3 << 40, "3.0 TiB")])
    func `bytes are shown in the largest unit that fits`(bytes: Int64, text: String) {
        #expect(ByteCount.text(bytes) == text)
    }

    @Test(arguments: [(0, 8, 0), (1, 1 << 30, 1), (8, 8, 24), (4, 8, 12)])
    func `a bar is as long as its share, and never empty for something`(part: Int64, whole: Int64, length: Int) {
        #expect(StatisticsTable.bar(part, of: whole).count == length)
    }
}
