import Foundation
import TestSupport
import Testing

/// What people meet every day: odd names, closed pipes, files with several messages, machines without a home.
@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct EverydayTests {
    private let journey: Journey

    init() throws { journey = try Journey() }

    private func shell(_ script: String, server: Server) async throws -> CommandResult {
        try await run(
            "/bin/sh", ["-c", "set -e; PATH=\(Programs.path("")):$PATH; \(script)"],
            environment: journey.environment(server: server.url), in: journey.folder.path)
    }

    /// Runs `satchel` with a pipe as its output that nobody reads; the status of a signal is negative.
    private func unread(_ arguments: [String], server: Server) async throws -> CommandResult {
        let script = """
            import os, subprocess, sys
            reader, writer = os.pipe()
            os.close(reader)
            print(subprocess.run(sys.argv[1:], stdout=writer).returncode)
            """
        return try await run(
            "/usr/bin/env", ["python3", "-c", script, Programs.path("satchel")] + arguments,
            environment: journey.environment(server: server.url), in: journey.folder.path)
    }

    private func send(_ text: String, as name: String, to server: Server) async throws -> CommandResult {
        try write(Array(text.utf8), toFile: journey.path(name))
        return try await journey.satchel("send", name, server: server)
    }

    @Test func `a file whose name is not UTF-8 is sent, and one is opened under such a name`() async throws {
        let server = try await journey.serve()
        let told = try await shell(
            """
            name=$(printf 'caf\\351'); mkdir "$name"; printf 'a note' > "$name/$name.txt"
            satchel send "$name/$name.txt" > m; satchel open m -o "$name/came"; cat "$name/came"
            """, server: server)
        #expect(told.status == 0, "\(told.errors)")
        #expect(told.outputBytes == Array("caf".utf8) + [0xE9] + Array("/came\na note".utf8))
        let message = String(decoding: try bytes(ofFile: journey.path("m")), as: UTF8.self)
        #expect(message.contains("\"name\":\"caf_.txt\""), "\(message)")
        let missing = try await shell("satchel send $(printf 'no\\351')", server: server)
        #expect(missing.status == 66 && missing.errors.contains("open no_"), "\(missing.errors)")
        #expect(await server.stop() == 0)
    }

    @Test func `a command whose output nobody reads ends quietly, unless that was a message`() async throws {
        let server = try await journey.serve()
        try write(try await send("a note", as: "note", to: server).outputBytes, toFile: journey.path("m"))
        for arguments in [["show", "m"], ["sent"], ["open", "m", "-o", "-"], ["open", "m"], ["--help"], ["config"]] {
            let ended = try await unread(arguments, server: server)
            #expect(
                ended.output == "\(-SIGPIPE)\n" && ended.errors.isEmpty, "\(arguments): \(ended.output)\(ended.errors)")
        }
        let lost = try await unread(["send", "note", "-q"], server: server)
        #expect(lost.output == "74\n" && lost.errors.contains("satchel outbox resume"), "\(lost.errors)")
        #expect(await server.stop() == 0)
    }

    @Test func `what one command sent, one command opens, shows and revokes`() async throws {
        let server = try await journey.serve()
        for name in ["a", "b"] { try write(Array("file \(name)".utf8), toFile: journey.path(name)) }
        let told = try await shell(
            """
            satchel send a b > m; mkdir out; satchel open m -o out; satchel show m | grep -c '^location: '
            satchel forward m | wc -l; satchel status m | wc -l; satchel renew m --lifetime 2d | wc -l
            satchel revoke m | wc -l
            """, server: server)
        #expect(told.lines.prefix(2) == ["out/a.txt", "out/b.txt"], "\(told.output)\(told.errors)")
        #expect(told.lines.dropFirst(2).map { $0.filter(\.isNumber) } == ["2", "2", "2", "2", "2"], "\(told.errors)")
        #expect(try bytes(ofFile: journey.path("out/b.txt")) == Array("file b".utf8))
        let one = try await shell("satchel open m -o one", server: server)
        #expect(one.status == 64 && one.errors.contains("2 messages"), "\(one.errors)")
        // Messages for several people are of one file, which is opened once.
        let group = try await shell(
            "satchel send a --recipients 3 --recipient-secrets > g; satchel open g -o out/ --force", server: server)
        #expect(group.lines == ["out/a.txt"], "\(group.output)\(group.errors)")
        #expect(await server.stop() == 0)
    }

    @Test func `one of several files that is gone does not keep the others`() async throws {
        let server = try await journey.serve()
        let gone = try await send("gone", as: "gone", to: server)
        let here = try await send("here", as: "here", to: server)
        _ = try await journey.satchel("revoke", "-", server: server, input: gone.outputBytes)
        let opened = try await journey.satchel("open", "-", server: server, input: gone.outputBytes + here.outputBytes)
        #expect(opened.status == ExitCodes.gone && opened.lines == ["here.txt"], "\(opened.errors)")
        #expect(opened.errors.contains("revoked") && opened.errors.contains("not every file"), "\(opened.errors)")
        #expect(await server.stop() == 0)
    }

    @Test func `a message is read as an editor may have saved it`() async throws {
        let server = try await journey.serve()
        let sent = try await send("a note", as: "note", to: server)
        let marked = try await journey.satchel(
            "open", "-", "-o", "-", server: server, input: [0xEF, 0xBB, 0xBF] + sent.outputBytes)
        #expect(marked.output == "a note", "\(marked.errors)")
        let wide: [UInt8] = [0xFF, 0xFE] + sent.outputBytes.flatMap { [$0, 0] as [UInt8] }
        let refusals: [([UInt8], String)] = [
            (wide, "is UTF-16"), ([], "the text is empty"), (Array(" \n".utf8), "the text is empty"),
        ]
        for (input, sentence) in refusals {
            let refused = try await journey.satchel("open", "-", server: server, input: input)
            #expect(refused.status == ExitCodes.badMessage && refused.errors.contains(sentence), "\(refused.errors)")
        }
        #expect(await server.stop() == 0)
    }

    @Test func `without a home what keeps nothing works, and the rest says what it lacks`() async throws {
        let server = try await journey.serve()
        try write(try await send("a note", as: "note", to: server).outputBytes, toFile: journey.path("m"))
        let environment = ["SATCHEL_SERVER": server.url.absoluteString, "XDG_RUNTIME_DIR": journey.runtime]
        for (arguments, output) in [
            (["quota"], "bytes"), (["show", "m"], "text/plain"), (["open", "m", "-o", "-"], "a note"),
            (["prepare", "note", "-o", "-"], "a note"), (["seal", "note", "-o", "sealed"], "\"v\":1"),
            (["config"], "server"),
        ] {
            let done = try await run(
                Programs.path("satchel"), arguments, environment: environment, in: journey.folder.path)
            #expect(done.status == 0 && done.output.contains(output), "\(arguments): \(done.errors)")
            if arguments[0] == "open" { #expect(done.errors.contains("no receipt sent"), "\(done.errors)") }
        }
        for arguments in [["send", "note"], ["status"], ["outbox"], ["forward", "m"]] {
            let refused = try await run(
                Programs.path("satchel"), arguments, environment: environment, in: journey.folder.path)
            #expect(refused.status == 78 && refused.errors.contains("set HOME"), "\(refused.errors)")
        }
        #expect(await server.stop() == 0)
    }

    @Test func `clients of tus find uploads at the places they know`() async throws {
        let server = try await journey.serve("--accept", "any", "--allow-anonymous-uploads")
        for place in ["uploads", "uploads/", "files", "files/"] {
            let tus = ["-H", "Tus-Resumable: 1.0.0"]
            let made = try await run(
                "/usr/bin/curl",
                ["-sSi", "--max-time", "900", "-X", "POST", "-H", "Upload-Length: 5", "\(server.url)/\(place)"] + tus)
            #expect(made.output.contains("HTTP/1.1 201"), "\(place): \(made.output)")
            let location = try #require(made.output.firstMatch(of: /(?i)location: (\S+)/)).output.1
            let id = try #require(location.split(separator: "/").last)
            for address in ["\(location)", "\(location)/", "\(server.url)/files/\(id)", "\(server.url)/files/\(id)/"] {
                let asked = try await run("/usr/bin/curl", ["-sSI", "--max-time", "900", address] + tus)
                #expect(asked.output.lowercased().contains("upload-offset: 0"), "\(address): \(asked.output)")
            }
        }
        #expect(await server.stop() == 0)
    }
}
