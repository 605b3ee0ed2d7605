import ArgumentParser
import BlobHTTP
import Blobs
import Files
import Glibc
import NIOCore
import Store
import TestSupport
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
        let words = help.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        for status in ExitStatus.allCases { #expect(words.contains(" \(status.rawValue) \(status.meaning)")) }
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

    @Test func `help fits a terminal of 80 columns: what is set in stays set in`() throws {
        for help in [
            Satcheld.helpMessage(columns: 80), Satcheld.helpMessage(for: ServeCommand.self, columns: 80),
            Satcheld.helpMessage(for: EdgeCommand.self, columns: 80),
        ] {
            let lines = help.split(separator: "\n")
            #expect(lines.allSatisfy { $0.count <= 80 })
            let start = try #require(lines.firstIndex { $0 == "SETTINGS:" || $0 == "EXIT CODES:" })
            let table = lines[start...].dropFirst().prefix { !$0.hasPrefix("USAGE:") }
            #expect(table.count > 5 && table.allSatisfy { $0.hasPrefix("  ") }, "\(table)")
        }
    }

    @Test(
        arguments: [
            (nil, true), ("serve", true), ("edge-stats", true), ("help", true), ("--listen", true), ("-h", true),
            ("start", false), ("", false), ("Serve", false),
        ] as [(String?, Bool)])
    func `a first argument that is neither a command nor a flag is said to be none`(first: String?, isFine: Bool) {
        let told = Satcheld.refusal(ofCommand: first)
        #expect(told == (isFine ? nil : "there is no command \"\(first ?? "")\"; see satcheld --help."))
    }

    @Test func `a store that is not found, or not this user's, is said with what to do`() throws {
        let folder = try TemporaryFolder()
        let (settings, none) = (folder.path("satcheld.json"), folder.path("none"))
        try write(Array("{}".utf8), toFile: settings)
        let advice = "there is no store in storage; see --storage; for the package's service add --config \(settings)."
        #expect(StoreAdvice.missing(in: "storage", packagedSettings: settings) == advice)
        #expect(StoreAdvice.unserved("storage", packagedSettings: settings).hasSuffix("add --config \(settings)"))
        #expect(StoreAdvice.unserved("storage", packagedSettings: none) == "none runs on this store")
        for (place, file) in [("storage", none), ("/var/lib/other", settings)] {
            let told = StoreAdvice.missing(in: place, packagedSettings: file)
            #expect(told == "there is no store in \(place); see --storage.")
        }
        let forbidden = FileError(operation: "stat", path: "/var/lib/satchel/x", code: EACCES)
        #expect(StoreAdvice.unreadable(forbidden).contains("Permission denied; run it as the store's own user"))
        let broken = FileError(operation: "stat", path: "/var/lib/satchel/x", code: EIO)
        #expect(StoreAdvice.unreadable(broken) == broken.description)
    }

    @Test func `a person's address may be a link, and who holds nothing is said`() throws {
        let plain = try #require(RemoveCommand.name(user: "alice@example.org"))
        for link in ["xmpp:alice@example.org", "XMPP:Alice@example.org/phone", "xmpp:alice@example.org?chat"] {
            #expect(RemoveCommand.name(user: link) == plain, "\(link)")
        }
        for none in ["xmpp:", "xmpp:alice", "http:alice@example.org@x", ""] {
            #expect(RemoveCommand.name(user: none) == nil, "\(none)")
        }
        #expect(RemoveCommand.text(RemoveSubjectReport()) == "nobody of this address holds anything")
    }

    @Test func `what the store does not know was not removed, though it may be banned`() throws {
        let address = try #require(BlobAddress(hex: String(repeating: "ab", count: 32)))
        var known = RemoveReport(address: address)
        known.isKnown = true
        let (unknown, nowhere) = (RemoveReport(address: address), RemoveReport(address: nil))
        for (report, action, isKnown) in [
            (known, .takeDown, true), (unknown, .takeDown, false), (unknown, .ban, true), (unknown, .unban, true),
            (nowhere, .takeDown, false), (nowhere, .ban, false),
        ] as [(RemoveReport, RemoveOptions.Action, Bool)] {
            #expect(RemoveCommand.knows(report, action) == isKnown)
        }
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
