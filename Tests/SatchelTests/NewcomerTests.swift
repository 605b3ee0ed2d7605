import ArgumentParser
import Blobs
import MediaClient
import Testing

@testable import satchel

/// What people see who type: help, sizes, times, links.
@Suite
struct NewcomerTests {
    private func options(_ help: String) -> [Substring] {
        help.split(separator: "\n").filter { $0.hasPrefix("  -") }
    }

    @Test func `help of send shows ten options besides those of help itself, and all of them if asked`() {
        let shown = options(Satchel.helpMessage(for: SendCommand.self))
        let own = shown.filter { !$0.contains("--help") && !$0.contains("--version") }
        #expect(own.count == 10, "\(own)")
        for name in ["--lifetime", "--recipients", "--quality", "--caption", "--name", "--as-file", "--format", "--qr"]
        {
            #expect(own.contains { $0.contains(name) }, "\(name)")
        }
        #expect(shown.contains { $0.contains("--help-all") })
        let all = options(Satchel.helpMessage(for: SendCommand.self, includeHidden: true))
        #expect(all.count > 25 && all.contains { $0.contains("--padding") }, "\(all)")
    }

    @Test func `every command with hidden options names the flag that shows them`() {
        for command in [
            SendCommand.self, OpenCommand.self, ForwardCommand.self, StatusCommand.self, RenewCommand.self,
            RevokeCommand.self, QuotaCommand.self, SealCommand.self, DoctorCommand.self, PageCommand.self,
            OutboxCommand.ResumeEntries.self, OutboxCommand.CancelEntries.self, ReceiptsCommand.SendWaiting.self,
        ] as [any ParsableCommand.Type] {
            let some = Satchel.helpMessage(for: command)
            let all = Satchel.helpMessage(for: command, includeHidden: true)
            #expect(options(all).count > options(some).count && some.contains("--help-all"), "\(command)")
        }
    }

    @Test(arguments: [
        (["send", "--help-all"], ["send", "--help-hidden"]),
        (["send", "--", "--help-all"], ["send", "--", "--help-all"]),
        ([], []),
    ])
    func `the flag is the parser's by another name, and a file behind two dashes`(given: [String], taken: [String]) {
        #expect(showingAllHelp(in: given) == taken)
    }

    @Test(
        arguments: [
            (nil, nil), ("send", nil), ("help", nil), ("--help", nil), ("-h", nil),
            ("upload", "there is no command \"upload\"; see satchel --help"), ("", "there is no command \"\""),
            ("https://h/open/x#v=1&k=KEY", "satchel open MESSAGE"), ("{\"v\":1}", "satchel open MESSAGE"),
        ] as [(String?, String?)])
    func `a first argument that is neither a command nor a flag is said to be none`(first: String?, told: String?) {
        do throws(ExitError) {
            try refuseUnknownCommand(first)
            #expect(told == nil)
        } catch {
            #expect(told.map { error.sentence.contains($0) } == true && error.code == .usage, "\(error.sentence)")
            #expect(!error.sentence.contains("KEY"))
        }
    }

    @Test func `the exit codes fit a terminal of 80 columns, set in as they are`() {
        let lines = Satchel.helpMessage(columns: 80).split(separator: "\n")
        let table = lines.drop { $0 != "EXIT CODES:" }.dropFirst().prefix { $0.hasPrefix(" ") }
        #expect(table.count > ExitCode.allCases.count && table.allSatisfy { $0.count <= 80 })
        #expect(table.contains { $0.hasPrefix("  78  ") }, "\(table)")
    }

    @Test(
        arguments: [
            (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1049, "1.0 kB"), (1050, "1.1 kB"), (180_299, "180.3 kB"),
            (999_949, "999.9 kB"), (999_950, "1.0 MB"), (1_960_000, "2.0 MB"), (999_999_999, "1.0 GB"),
            (2_147_483_648, "2.1 GB"), (.max, "9223372.0 TB"),
        ] as [(Int64, String)])
    func `sizes are rounded, not cut`(bytes: Int64, text: String) { #expect(ProgressMeter.bytes(bytes) == text) }

    @Test(
        arguments: [
            (1, "1 seconds"), (89, "89 seconds"), (90, "2 minutes"), (3600, "60 minutes"), (7200, "2 hours"),
            (172_800, "2 days"), (2_591_999, "30 days"), (31_536_000, "365 days"),
        ] as [(Int64, String)])
    func `how long a link works is said in a unit that people count in`(seconds: Int64, words: String) {
        let end = Timestamp(seconds: 1_790_000_000 + seconds)
        #expect(
            LinkCard.kept(until: end, now: 1_790_000_000, .utc) == "kept until \(CalendarTime(end, .utc)), for \(words)"
        )
    }

    @Test func `a code is drawn where it fits, and otherwise it is known what it takes`() {
        func code(_ length: Int, _ columns: Int, _ rows: Int?) -> LinkCard.Code {
            LinkCard.code(of: String(repeating: "a", count: length), columns: columns, rows: rows, hasColours: true)
        }
        guard case .tooWide(let columns?) = code(200, 20, nil), case .tooHigh(let rows) = code(200, 999, 9),
            case .drawn(let drawing) = code(200, columns, rows)
        else {
            Issue.record("drawn into 20 columns or 9 rows, or not drawn where it fits")
            return
        }
        #expect(drawing.split(separator: "\n").count == rows)
        #expect(code(200, columns - 1, rows) == .tooWide(columns))
        #expect(code(200, columns, rows - 1) == .tooHigh(rows))
        #expect(code(200, columns, nil) == .drawn(drawing))
        #expect(code(3000, 999, nil) == .tooWide(nil))
    }

    @Test(arguments: [
        ("a note", true), ("", false), (" \n", false), ("{\"v\":1}", false), (" {", false),
        ("https://h/open/x#k", false),
        ("http://h", false), ("HTTP://h", false), ("ftp://h", true), ("SBLB\u{1}", true), ("\u{FEFF}{", false),
        ("a\0b\0", false),
    ])
    func `what is surely no message is called none`(text: String, isNone: Bool) {
        #expect((MessageSource.whyNone(Array(text.utf8)) != nil) == isNone)
    }

    @Test(arguments: [
        ("https://h/open/x#k\n", true), ("\n aesgcm://h/a#0\n", true), ("{\"v\":1}\n", true), ("{\n\"v\":1\n}\n", true),
        ("https://h/open/x#k", false), ("{\"v\":1}", false), ("{\n\"v\":1\n", false), ("", false), ("\n", false),
        ("hello\n", false), ("[]\n", false),
    ])
    func `what somebody pastes is whole at the end of its line`(text: String, isWhole: Bool) {
        #expect(MessageSource.isWhole(Array(text.utf8)) == isWhole)
    }

    @Test(arguments: [
        ("'https://h/open/x#v=1&k=K' is not it", "'https://h/open/x#…' is not it"),
        ("--server: http://h:1/#k=K&f=a.jpg is", "--server: http://h:1/#… is"), ("aesgcm://h/a#0f", "aesgcm://h/a#…"),
        (#"'{"v":1,"key":"K","receipt": "R"}'"#, #"'{"v":1,"key":"…","receipt": "…"}'"#),
        ("cannot read photo#1.jpg", "cannot read photo#1.jpg"), ("http://ada:pw@h is not", "http://…@h is not"),
        ("https://h/ and #1", "https://h/ and #1"), ("", ""),
    ])
    func `no sentence has a key`(text: String, shown: String) { #expect(withoutKeys(text) == shown) }

    // MARK: The doctor's rules

    @Test(
        arguments: [
            (nil, .ok), (0, .ok), (60, .ok), (-60, .ok), (61, .warn), (-61, .warn), (.min, .warn), (.max, .warn),
        ] as [(Int64?, Diagnosis.Grade)])
    func `a clock may differ by as much as servers tolerate`(seconds: Int64?, grade: Diagnosis.Grade) {
        let finding = Diagnosis.clock(serverAhead: seconds)
        #expect(finding.grade == grade && (finding.advice == nil) == (grade == .ok), "\(finding.line)")
    }

    @Test func `what has to be done is counted`() {
        #expect(Diagnosis.summary([.ok("a", "b")]) == "all is well")
        let two = [Diagnosis.fail("a", "b", do: "c"), .warn("a", "b", do: "c")]
        #expect(Diagnosis.summary(two) == "1 to be mended, 1 to be looked at")
        #expect(Diagnosis.warn("clock", "slow", do: "mend").line == "warn  clock      slow → mend")
        #expect(Diagnosis.state(freeBytes: 1 << 20, in: "/x").grade == .warn)
        #expect(Diagnosis.outbox(waiting: 2).advice?.contains("satchel outbox resume") == true)
        let now = Timestamp(seconds: 0)
        #expect(Diagnosis.ticket(nil, places: [], now: now, .utc).advice == "set ticket-file")
        let local = Diagnosis.ticket(nil, places: ["/run/a", "storage/b"], now: now, .utc)
        #expect(local.grade == .warn && local.sentence.hasSuffix("at /run/a, nor at storage/b"), "\(local.line)")
    }
}
