import Foundation
import TestSupport
import Testing

/// What a person meets before there is a program: scripts, and the examples to copy.
@Suite struct ScriptTests {
    private static let top = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").path
    private static let hasTerminals = FileManager.default.isExecutableFile(atPath: "/usr/bin/script")
    private static let verifiesUnits = FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-analyze")

    private let folder: TemporaryFolder

    /// A machine on which no package is installed, and on which installing one only writes down that it was asked for.
    init() throws {
        folder = try TemporaryFolder()
        let programs = [
            "dpkg-query": "exit 1", "sudo": "exec \"$@\"", "apt-get": "echo \"$@\" >> \(folder.path("log"))",
        ]
        for (name, line) in programs {
            try write(Array("#!/bin/sh\n\(line)\n".utf8), toFile: folder.path(name))
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path(name))
        }
    }

    private var installed: Bool {
        let log = (try? String(contentsOfFile: folder.path("log"), encoding: .utf8)) ?? ""
        return log.contains("install") && log.contains("libwish-dev")
    }

    /// Asks the scripts for a package, on a terminal where `answer` is typed, or without one.
    private func need(answer: String?, environment: [String: String] = [:]) async throws -> CommandResult {
        let path = "\(folder.path):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
        let command = "source '\(Self.top)/scripts/prepare.sh' && need_packages libwish-dev"
        let shell =
            answer == nil ? ("/bin/bash", ["-c", command]) : ("/usr/bin/script", ["-qec", command, "/dev/null"])
        return try await run(
            shell.0, shell.1,
            environment: environment.merging(["PATH": path, "SHELL": "/bin/bash"]) { given, _ in given },
            input: Array((answer ?? "").utf8))
    }

    @Test(
        .enabled(if: hasTerminals, "needs script (Debian: bsdutils)"),
        arguments: [("y\n", true), ("\n", true), ("n\n", false)])
    func `on a terminal scripts name the packages and ask`(answer: String, agrees: Bool) async throws {
        let result = try await need(answer: answer)
        #expect(result.output.contains("missing Debian packages: libwish-dev"), "\(result.output)")
        #expect(result.output.contains("[Y/n]"), "\(result.output)")
        #expect(installed == agrees && (result.status == 0) == agrees, "\(result.output)")
    }

    @Test func `without a terminal, and in CI, they name them and do not ask`() async throws {
        let result = try await need(answer: nil)
        #expect(result.status == 0 && installed && result.errors.contains("missing Debian packages: libwish-dev"))
        guard Self.hasTerminals else { return }
        try FileManager.default.removeItem(atPath: folder.path("log"))
        let automatic = try await need(answer: "", environment: ["CI": "true"])
        #expect(automatic.status == 0 && installed && !automatic.output.contains("[Y/n]"), "\(automatic.output)")
    }

    /// Runs lines of a script that has the functions of all of them.
    private func script(_ lines: String) async throws -> CommandResult {
        try await run("/bin/bash", ["-c", "source '\(Self.top)/scripts/prepare.sh'\n\(lines)"])
    }

    @Test func `the story says what it takes, and which program is not in the folder that it is given`() async throws {
        let story = "\(Self.top)/Examples/chat/run"
        let help = try await run("/bin/bash", [story, "--help"])
        #expect(help.status == 0 && help.output.contains("--programs") && !help.output.contains("caller="), "\(help)")
        for (arguments, why) in [
            (["--programs", folder.path("none")], "there is no program \(folder.path("none"))/satchel"),
            (["--programs"], "--programs takes a folder"), (["-x"], "usage: Examples/chat/run"),
        ] {
            let refused = try await run("/bin/bash", [story] + arguments)
            #expect(refused.status == 1 && refused.errors.contains(why) && refused.output.isEmpty, "\(refused)")
        }
    }

    @Test func `what runs beside the rest is heard at the end, and its failure is one of the whole`() async throws {
        let well = try await script("beside echo beside; echo rest; together; echo after")
        #expect(well.status == 0 && well.output == "rest\nafter\n" && well.errors == "beside\n", "\(well)")
        let unwell = try await script("work() { echo beside; false; echo not; }; beside work; together; echo after")
        #expect(unwell.status == 1 && unwell.output.isEmpty && unwell.errors.hasPrefix("beside\n"), "\(unwell)")
        #expect(!unwell.errors.contains("not\n"), "\(unwell)")
    }

    @Test func `what runs beside the rest ends where the rest fails`() async throws {
        let note = folder.path("note")
        let result = try await script(
            """
            work() { sleep 100000 & echo $! > '\(note)'; wait; }
            beside work
            until [ -s '\(note)' ]; do sleep 0.05; done
            false
            """)
        #expect(result.status == 1)
        let text = String(decoding: try bytes(ofFile: note), as: UTF8.self)
        let sleeper = try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        try await eventually { !isRunning(sleeper) }
    }

    /// Whether a process is there and has not ended: one whose end nobody has asked for stays as a zombie, Z in proc(5).
    private func isRunning(_ process: pid_t) -> Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let state = stat.split(separator: ") ").last?.first
        else { return false }
        return state != "Z" && state != "X"
    }

    @Test func `direct dependencies are pinned exactly, and the list of a release has each with its license`()
        async throws
    {
        let manifest = try String(contentsOfFile: "\(Self.top)/Package.swift", encoding: .utf8)
        let pins = manifest.matches(of: /\.package\(url: "[^"]*\/([^"\/]+)\.git", ([^)]*)\)/)
        #expect(pins.count == manifest.components(separatedBy: ".package(url:").count - 1 && pins.count > 5)
        let listed = try await run("/bin/bash", ["\(Self.top)/scripts/contents"])
        #expect(listed.status == 0, "\(listed.errors)")
        let rows = listed.lines.map { $0.split(separator: "\t").map(String.init) }
        for pin in pins {
            let version = try #require(pin.output.2.firstMatch(of: /exact: "([0-9.]+)"/)?.output.1, "\(pin.output.0)")
            let row = try #require(
                rows.first { $0.count == 6 && $0[1] == pin.output.1.lowercased() }, "\(pin.output.1)")
            #expect(row[2] == version && ["Apache-2.0", "MIT"].contains(row[4]), "\(row)")
        }
    }

    @Test(.enabled(if: verifiesUnits, "needs systemd-analyze"))
    func `systemd takes the units of package and component, and finds them well shut in`() async throws {
        for (place, program, exposure) in [
            ("packaging/satcheld.service", "/usr/bin/satcheld", 15),
            ("Examples/chat/media-component.service", "/opt/media/bin/python3", 25),
        ] {
            let unit = try String(contentsOfFile: "\(Self.top)/\(place)", encoding: .utf8)
                .replacing(program, with: "/bin/true")
            let name = String(place.split(separator: "/").last ?? "")
            try write(Array(unit.utf8), toFile: folder.path(name))
            let verified = try await run("/usr/bin/systemd-analyze", ["verify", "--man=no", folder.path(name)])
            #expect(!verified.errors.contains(name), "\(verified.errors)")
            let judged = try await run(
                "/usr/bin/systemd-analyze",
                ["security", "--offline=true", "--threshold=\(exposure)", folder.path(name)])
            #expect(judged.status == 0, "\(judged.output.suffix(200)) \(judged.errors)")
        }
    }
}
