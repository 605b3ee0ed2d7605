import Foundation
import TestSupport
import Testing

/// No flag is accepted and then ignored. The program lists its flags; each that stands for no setting has its proof here.
/// What becomes of those that do is seen where the commands are read (`SatchelTests`).
@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct FlagTests {
    /// The commands as the program describes them.
    private struct Description: Decodable {
        struct Name: Decodable { let kind: String, name: String }
        struct Argument: Decodable { let kind: String, names: [Name]? }
        struct Command: Decodable {
            let commandName: String
            let arguments: [Argument]?
            let subcommands: [Command]?
        }
        let command: Command
    }

    /// `send --caption`, for each flag of each command.
    private static func flags(_ command: Description.Command, _ path: [String] = []) -> [String] {
        let own = (command.arguments ?? []).filter { $0.kind != "positional" }.compactMap { argument in
            argument.names?.first { $0.kind == "long" }.map { (path + ["--\($0.name)"]).joined(separator: " ") }
        }
        return own + (command.subcommands ?? []).flatMap { flags($0, path + [$0.commandName]) }
    }

    @Test func `each flag of each command makes a difference`() async throws {
        let scene = try await FlagScene()
        let listed = try await scene.satchel(["--experimental-dump-help"])
        let commands = try JSONDecoder().decode(Description.self, from: Data(listed.outputBytes)).command
        let settings = Set(
            try await scene.satchel(["config"]).lines.compactMap { line in
                line.firstMatch(of: #/^(# )?([a-z-]+) (=|is) /#).map { String($0.output.2) }
            }
        ).subtracting(["name", "preview"])
        let own = Self.flags(commands).filter { flag in
            let name = String(flag.split(separator: "-", maxSplits: 2, omittingEmptySubsequences: false).last ?? "")
            let positive = name.hasPrefix("no-") ? String(name.dropFirst(3)) : name
            return !["help", "help-all", "version"].contains(name) && !settings.contains(positive)
                && !["no-name", "no-preview"].contains(name)
        }
        #expect(own.count > 40 && own.contains("outbox cancel --only-here"))
        let unproven = Set(own).symmetricDifference(FlagScene.proofs.keys)
        #expect(unproven.isEmpty, "\(unproven.sorted())")
        for (flag, proof) in FlagScene.proofs.sorted(by: { $0.key < $1.key }) {
            #expect(try await proof(scene), "\(flag)")
        }
        await scene.server.stop()
    }
}

/// What the proofs need: a server, a file that was sent to it, and places where nobody is.
private struct FlagScene: Sendable {
    let journey: Journey
    let server: Server
    private static let nobody = ["http_proxy": "http://127.0.0.1:1", "SATCHEL_ATTEMPTS": "2"]

    init() async throws {
        journey = try Journey()
        server = try await journey.serve()
        try write(Array("a note".utf8), toFile: journey.path("note"))
        // A picture without its end.
        let picture = try bytes(ofFile: photograph(in: journey.folder))
        try write(Array(picture.dropLast(picture.count / 10)), toFile: journey.path("broken"))
        // A picture of a kind that nothing is taken out of.
        try write([0x49, 0x49, 42, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0], toFile: journey.path("scan"))
        let sent = try await satchel(["send", "note"])
        try write(sent.outputBytes, toFile: journey.path("m"))
        let sealed = try await satchel(["seal", "note", "-o", "blob"])
        try write(sealed.outputBytes, toFile: journey.path("s"))
    }

    func satchel(_ arguments: [String], _ environment: [String: String] = [:]) async throws -> CommandResult {
        try await run(
            Programs.path("satchel"), arguments,
            environment: journey.environment(server: server.url).merging(environment) { $1 }, in: journey.folder.path)
    }

    /// Whether the output of a command has a text only with these flags.
    private func adds(_ text: String, _ command: [String], _ flags: [String]) async throws -> Bool {
        let without = try await satchel(command)
        let with = try await satchel(command + flags)
        return !without.output.contains(text) && with.output.contains(text)
    }

    /// Whether a file that is there is replaced with the flag, and without it left.
    private func replaces(_ command: [String], _ path: String) async throws -> Bool {
        try write([1], toFile: journey.path(path))
        let kept = try await satchel(command)
        let isKept = try kept.status == 73 && bytes(ofFile: journey.path(path)) == [1]
        return try await satchel(command + ["--force"]).status == 0 && isKept
            && bytes(ofFile: journey.path(path)) != [1]
    }

    /// Whether `-q` takes away what a command says besides its results.
    private func silences(_ notice: String, _ command: [String], _ environment: [String: String] = nobody) async throws
        -> Bool
    {
        let loud = try await satchel(command, environment)
        let quiet = try await satchel(command + ["-q"], environment)
        return loud.errors.contains(notice) && !quiet.errors.contains(notice)
    }

    /// The same for what is said on a terminal alone.
    private func silencesOnTerminal(_ notice: String, _ command: [String]) async throws -> Bool {
        var said: [Bool] = []
        for arguments in [command, command + ["-q"]] {
            said.append(try await journey.terminal(arguments, server: server).output.contains(notice))
        }
        return said == [true, false]
    }

    /// Whether a code is drawn by itself, not where that is not wanted, and only on request beside a chosen format.
    private func drawsCode(_ command: [String]) async throws -> Bool {
        var drawn: [Bool] = []
        for flags in [[], ["--no-qr"], ["--format", "link"], ["--format", "link", "--qr"]] {
            let shown = try await journey.terminal(command + flags, server: server)
            drawn.append(shown.output.contains("█"))
        }
        return drawn == [true, false, false, true]
    }

    /// Whether a send is resumed with a code where these flags are, and without one where the others are.
    private func resumes(_ drawing: [String], insteadOf others: [String]) async throws -> Bool {
        // One after the other: of two that were made in one second nobody knows which is the later.
        let drawn = try await entry(sent: true)
        let shown = try await journey.terminal(["outbox", "resume", drawn] + drawing, server: server)
        let plain = try await entry(sent: true)
        let hidden = try await journey.terminal(["outbox", "resume", plain] + others, server: server)
        return shown.output.contains("█") && hidden.output.contains("http") && !hidden.output.contains("█")
    }

    /// Whether a file is refused, and taken with the flag.
    private func acceptsRefused(_ command: [String], _ flag: String) async throws -> Bool {
        let refused = try await satchel(command)
        let tried = try await satchel(command + [flag])
        return refused.status == 65 && tried.status == 0
    }

    /// Whether a command goes on beyond the one attempt that the settings allow.
    private func keepsTrying(_ command: [String]) async throws -> Bool {
        var environment = journey.environment(server: server.url).merging(Self.nobody) { $1 }
        environment["SATCHEL_ATTEMPTS"] = "1"
        guard try await !satchel(command, environment).errors.contains("retrying in") else { return false }
        let patient = try RunningCommand(
            Programs.path("satchel"), command + ["--wait"], environment: environment, in: journey.folder.path)
        try await eventually { patient.errorsSoFar.contains("retrying in") || !patient.isRunning }
        let isTrying = patient.isRunning
        patient.send(signal: SIGKILL)
        _ = await patient.status()
        return isTrying
    }

    /// The name of an entry of the outbox: one that nobody has taken, or one that was sent and not printed.
    private func entry(sent: Bool = false) async throws -> String {
        let environment = journey.environment(server: server.url)
        let command = "exec \(Programs.path("satchel")) send note --attempts 1 > \(sent ? "/dev/full" : "/dev/null")"
        _ = try await run(
            "/bin/sh", ["-c", command], environment: sent ? environment : environment.merging(Self.nobody) { $1 },
            in: journey.folder.path)
        let listed = try await satchel(["outbox", "list", "--json"])
        let state = sent ? "sent" : "waiting"
        let line = try #require(listed.lines.last { $0.contains("\"state\":\"\(state)\"") }, "\(listed.output)")
        return String(try #require(line.firstMatch(of: /"id":"([0-9a-f-]+)"/)).output.1)
    }

    typealias Proof = @Sendable (FlagScene) async throws -> Bool

    static let proofs: [String: Proof] = [
        "send --slot": { scene in
            let sent = try await scene.satchel(["send", "note", "--slot", "note"])
            return sent.status == 65 && sent.errors.contains("not a slot")
        },
        "prepare --slot-size": { try await $0.satchel(["prepare", "note", "--slot-size"]).output == "22\n" },
        "send --wait": { try await $0.keepsTrying(["send", "note"]) },
        "send --recipient-secrets": { scene in
            let sent = try await scene.satchel(["send", "note", "--recipients", "2", "--recipient-secrets"])
            return sent.lines.count == 2
        },
        "send --caption": { try await $0.adds("\"caption\":\"Hi\"", ["send", "note"], ["--caption", "Hi"]) },
        "send --alt": { try await $0.adds("\"alt\":\"Hi\"", ["send", "note"], ["--alt", "Hi"]) },
        "send --name": { try await $0.adds("\"name\":\"x\"", ["send", "note"], ["--name", "x"]) },
        "send --accept-damage": { try await $0.acceptsRefused(["send", "broken"], "--accept-damage") },
        "send --as-file": { try await $0.acceptsRefused(["send", "scan"], "--as-file") },
        "send --qr": { try await $0.drawsCode(["send", "note"]) },
        "forward --qr": { try await $0.drawsCode(["forward", "m"]) },
        "send --no-qr": { try await $0.drawsCode(["send", "note"]) },
        "forward --no-qr": { try await $0.drawsCode(["forward", "m"]) },
        "outbox resume --qr": { try await $0.resumes(["--format", "link", "--qr"], insteadOf: ["--format", "link"]) },
        "outbox resume --no-qr": { try await $0.resumes([], insteadOf: ["--no-qr"]) },
        "send --quiet": { try await $0.silences("sent as it is", ["send", "note"], [:]) },
        "forward --caption": { try await $0.adds("\"caption\":\"Hi\"", ["forward", "m"], ["--caption", "Hi"]) },
        "forward --file": { try await $0.satchel(["forward", "m", "--file", "broken"]).status == 65 },
        "forward --recipient-secrets": { scene in
            let sent = try await scene.satchel(["forward", "m", "--recipients", "2", "--recipient-secrets"])
            return sent.lines.count == 2
        },
        "forward --quiet": { try await $0.silences("retrying in", ["forward", "m"]) },
        "open --output": { try await $0.satchel(["open", "m", "-o", "-"]).output == "a note" },
        "open --force": { try await $0.replaces(["open", "m", "-o", "opened"], "opened") },
        "open --from": { scene in
            let command = ["open", "m", "-o", "-"]
            let elsewhere = ["SATCHEL_SERVER": "https://media.example", "SATCHEL_SERVERS": "media.example"]
            let from = ["--from", "127.0.0.1:\(scene.server.port)"]
            let unknown = try await scene.satchel(command, elsewhere)
            let named = try await scene.satchel(command + from, elsewhere)
            return unknown.errors.contains("not one of your servers") && named.errors.contains("not a public address")
                && !unknown.errors.contains("not a public address")
        },
        "open --quiet": { try await $0.silences("retrying in", ["open", "m", "-o", "-"]) },
        "show --preview": { try await $0.satchel(["show", "m", "--preview", "p"]).errors.contains("no preview") },
        "show --force": { scene in
            // The one command that takes it with another flag alone: there is nothing else to replace.
            let alone = try await scene.satchel(["show", "m", "--force"])
            let both = try await scene.satchel(["show", "m", "--preview", "p", "--force"])
            return alone.status == 64 && both.errors.contains("no preview")
        },
        "show --quiet": { scene in
            let message = try String(contentsOfFile: scene.journey.path("m"), encoding: .utf8)
            return try await scene.silencesOnTerminal("other users can see", ["show", message])
        },
        "status --json": { try await $0.adds("\"state\":\"held\"", ["status", "m"], ["--json"]) },
        "status --watch": { scene in
            let sent = try await scene.satchel(["send", "note"])
            try write(sent.outputBytes, toFile: scene.journey.path("watched"))
            let watching = try RunningCommand(
                Programs.path("satchel"), ["status", "watched", "--watch"],
                environment: scene.journey.environment(server: scene.server.url), in: scene.journey.folder.path)
            try await eventually { watching.outputSoFar.contains(0x0a) }
            _ = try await scene.satchel(["revoke", "watched"])
            return await watching.result().lines.count == 2
        },
        "status --quiet": { scene in
            try await scene.silences(
                "nothing sent", ["status"], ["XDG_STATE_HOME": scene.journey.path("of nobody")])
        },
        "renew --quiet": { try await $0.silences("retrying in", ["renew", "m"]) },
        "revoke --quiet": { try await $0.silences("retrying in", ["revoke", "m"]) },
        "quota --quiet": { try await $0.silences("retrying in", ["quota"]) },
        "sent prune --over-for": { scene in
            let sent = try await scene.satchel(["send", "note"])
            try write(sent.outputBytes, toFile: scene.journey.path("over"))
            _ = try await scene.satchel(["revoke", "over"])
            // It ended a moment ago: less than a year, and perhaps as much as a second.
            let kept = try await scene.satchel(["sent", "prune", "--over-for", "365d"])
            try await eventually {
                try await scene.satchel(["sent", "prune", "--over-for", "1s"]).output != "removed: 0\n"
            }
            return kept.output == "removed: 0\n"
        },
        "outbox list --json": { scene in
            _ = try await scene.entry()
            return try await scene.adds("\"state\":", ["outbox", "list"], ["--json"])
        },
        "outbox resume --wait": { scene in
            let name = try await scene.entry()
            return try await scene.keepsTrying(["outbox", "resume", name])
        },
        "outbox resume --quiet": { scene in
            let name = try await scene.entry()
            return try await scene.silences("retrying in", ["outbox", "resume", name])
        },
        "outbox cancel --only-here": { scene in
            let name = try await scene.entry(sent: true)
            let unreachable = try await scene.satchel(["outbox", "cancel", name], nobody)
            let local = try await scene.satchel(["outbox", "cancel", name, "--only-here"], nobody)
            return unreachable.status == 69 && local.status == 0
        },
        "outbox cancel --quiet": { scene in
            let name = try await scene.entry(sent: true)
            return try await scene.silences("retrying in", ["outbox", "cancel", name])
        },
        "receipts send --quiet": { scene in
            let folder = "\(scene.journey.state)/satchel/receipts"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let place = "http://127.0.0.1:1/\(String(repeating: "ab", count: 32))"
            let now = Int(Date().timeIntervalSince1970)
            let receipt =
                #"{"v":1,"at":\#(now),"place":"\#(place)","secret":"AAECAwQFBgcICQoLDA0ODw","addresses":"any"}"#
            try write(Array("\(receipt)\n".utf8), toFile: "\(folder)/one.json")
            return try await scene.silences("cannot reach", ["receipts", "send"])
        },
        "page --check": { scene in
            let checked = try await scene.satchel(["page", "--check", scene.server.url.absoluteString])
            return checked.status == 0 && checked.lines.allSatisfy { $0.contains("  the same, of release ") }
        },
        "page --quiet": { try await $0.silences("retrying in", ["page", "--check", $0.server.url.absoluteString]) },
        "seal --output": { try await $0.satchel(["unseal", "s", "blob", "-o", "-"]).output == "a note" },
        "seal --force": { try await $0.replaces(["seal", "note", "-o", "sealed"], "sealed") },
        "seal --caption": {
            try await $0.adds("\"caption\":\"Hi\"", ["seal", "note", "-o", "c", "--force"], ["--caption", "Hi"])
        },
        "seal --alt": {
            try await $0.adds("\"alt\":\"Hi\"", ["seal", "note", "-o", "c", "--force"], ["--alt", "Hi"])
        },
        "seal --name": {
            try await $0.adds("\"name\":\"x\"", ["seal", "note", "-o", "c", "--force"], ["--name", "x"])
        },
        "seal --accept-damage": { try await $0.acceptsRefused(["seal", "broken", "-o", "d"], "--accept-damage") },
        "seal --as-file": { try await $0.acceptsRefused(["seal", "scan", "-o", "e"], "--as-file") },
        "seal --quiet": { try await $0.silences("sent as it is", ["seal", "note", "-o", "c", "--force"]) },
        "unseal --output": { try await $0.satchel(["unseal", "s", "blob", "-o", "-"]).output == "a note" },
        "unseal --force": { try await $0.replaces(["unseal", "s", "blob", "-o", "plain"], "plain") },
        "unseal --quiet": { scene in
            let message = try String(contentsOfFile: scene.journey.path("s"), encoding: .utf8)
            return try await scene.silencesOnTerminal("other users can see", ["unseal", message, "blob", "-o", "-"])
        },
        "prepare --output": { try await $0.satchel(["prepare", "note", "-o", "-"]).output == "a note" },
        "prepare --force": { try await $0.replaces(["prepare", "note", "-o", "prepared"], "prepared") },
        "prepare --accept-damage": {
            try await $0.acceptsRefused(["prepare", "broken", "-o", "p"], "--accept-damage")
        },
        "prepare --as-file": { try await $0.acceptsRefused(["prepare", "scan", "-o", "q"], "--as-file") },
        "prepare --quiet": { try await $0.silences("sent as it is", ["prepare", "note", "-o", "-"]) },
    ]
}
