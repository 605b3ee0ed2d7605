import Foundation
import TestSupport
import Testing

/// What somebody meets who has read the README and tries: slips, refusals, and what is said of them.
@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct FirstDayTests {
    private let journey: Journey

    init() throws {
        journey = try Journey()
        try write(Array("a note".utf8), toFile: journey.path("note"))
    }

    private func satcheld(_ arguments: String...) async throws -> CommandResult {
        try await run(
            Programs.path("satcheld"), arguments, environment: journey.environment(server: nil),
            in: journey.folder.path)
    }

    // MARK: Sending

    @Test(arguments: [["send", "it"], ["prepare", "it", "-o", "-"], ["seal", "it", "-o", "blob"]])
    func `that metadata stays in a file is said even to who wants to hear little`(command: [String]) async throws {
        let server = try await journey.serve()
        let files: [([UInt8], Bool)] = [
            ([1, 2, 3, 4], true), (Array("%PDF-1.7".utf8), true), (Array("a note".utf8), false),
        ]
        for (bytes, isWarned) in files {
            try write(bytes, toFile: journey.path("it"))
            _ = try? FileManager.default.removeItem(atPath: journey.path("blob"))
            let quiet = try await run(
                Programs.path("satchel"), command + ["-q"], environment: journey.environment(server: server.url),
                in: journey.folder.path)
            #expect(quiet.status == 0 && quiet.errors.contains("is not removed") == isWarned, "\(quiet.errors)")
            #expect(isWarned || quiet.errors.isEmpty, "\(quiet.errors)")
        }
        #expect(await server.stop() == 0)
    }

    @Test(arguments: [["send", "it"], ["prepare", "it", "-o", "-"], ["seal", "it", "-o", "blob"]])
    func `what cannot be cleaned leaves only for who asks for that`(command: [String]) async throws {
        let server = try await journey.serve()
        let environment = journey.environment(server: server.url)
        // A photograph and a film without anything in them, and a picture of a kind that nothing is taken out of.
        for start in ["ftypheic", "ftypqt  ", "jP  \r\n\u{87}\n"] {
            let bytes = [0, 0, 0, start.hasPrefix("j") ? 12 : 24] + start.unicodeScalars.map { UInt8($0.value) }
            try write(bytes + [UInt8](repeating: 0, count: 12), toFile: journey.path("it"))
            _ = try? FileManager.default.removeItem(atPath: journey.path("blob"))
            let refused = try await run(
                Programs.path("satchel"), command, environment: environment, in: journey.folder.path)
            #expect(refused.status == 65 && refused.errors.contains("--as-file"), "\(refused.errors)")
            #expect(refused.outputBytes.isEmpty && !FileManager.default.fileExists(atPath: journey.path("blob")))
            let quiet = try await run(
                Programs.path("satchel"), command + ["-q", "--as-file"], environment: environment,
                in: journey.folder.path)
            #expect(quiet.status == 0 && quiet.errors.contains("is not known here"), "\(quiet.errors)")
        }
        #expect(await server.stop() == 0)
    }

    @Test func `a server on this machine may be called by any of its names`() async throws {
        let server = try await journey.serve()
        let environment = journey.environment(server: URL(string: "http://localhost:\(server.port)"))
        for command in [["send", "note"], ["forward", "m"], ["open", "m", "-o", "-"], ["quota"]] {
            let done = try await run(
                Programs.path("satchel"), command, environment: environment, in: journey.folder.path)
            #expect(done.status == 0, "\(command): \(done.errors)")
            if command[0] == "send" { try write(done.outputBytes, toFile: journey.path("m")) }
        }
        #expect(await server.stop() == 0)
    }

    @Test func `a server that calls itself otherwise is refused before a byte is sent`() async throws {
        let server = try await journey.serve(
            "--allow-anonymous-uploads", "--public-url", "https://media.example/files")
        let refused = try await journey.satchel("send", "note", server: server)
        #expect(refused.status == 76 && refused.errors.contains("media.example"), "\(refused.errors)")
        #expect(try journey.blobFiles().isEmpty)
        #expect(try await journey.satchel("outbox").output.isEmpty)
        #expect(await server.stop() == 0)
    }

    @Test func `a refusal says what is allowed`() async throws {
        let server = try await journey.serve("--blob-limit", "1MiB")
        try write([UInt8](repeating: 7, count: 2 << 20), toFile: journey.path("large"))
        for (arguments, words) in [
            (["note", "--lifetime", "90d"], "the lifetime is longer than 30d"),
            (["large"], "the limit is 1048576 bytes"),
        ] {
            let refused = try await run(
                Programs.path("satchel"), ["send"] + arguments, environment: journey.environment(server: server.url),
                in: journey.folder.path)
            #expect(refused.status == ExitCodes.refused && refused.errors.contains(words), "\(refused.errors)")
        }
        var environment = journey.environment(server: server.url)
        environment["SATCHEL_TICKET"] = "a.b.c"
        let refused = try await run(
            Programs.path("satchel"), ["send", "note"], environment: environment, in: journey.folder.path)
        #expect(
            refused.status == ExitCodes.refused && refused.errors.contains("it is not the local ticket"),
            "\(refused.errors)")
        #expect(await server.stop() == 0)
    }

    @Test func `the files that were not sent are counted`() async throws {
        let server = try await journey.serve()
        for (files, words) in [
            (["note", "missing", "note"], "the last 2 of 3 files were not sent"),
            (["note", "missing"], "the last of 2 files was not sent"),
            (["missing", "note"], "none of the 2 files was sent"),
        ] {
            let sent = try await run(
                Programs.path("satchel"), ["send"] + files, environment: journey.environment(server: server.url),
                in: journey.folder.path)
            #expect(sent.status == 66 && sent.errors.contains(words), "\(sent.errors)")
        }
        #expect(await server.stop() == 0)
    }

    @Test func `a file whose name looks like a flag is not taken for one`() async throws {
        let server = try await journey.serve()
        try write(Array("a note".utf8), toFile: journey.path("-dash.jpg"))
        let refused = try await journey.satchel("send", "-dash.jpg", server: server)
        #expect(refused.status == 64 && refused.output.isEmpty, "\(refused.output)")
        #expect(refused.errors.contains("./-dash.jpg") && refused.errors.contains("--"), "\(refused.errors)")
        for arguments in [["./-dash.jpg"], ["--", "-dash.jpg"]] {
            let sent = try await run(
                Programs.path("satchel"), ["send", "-q"] + arguments,
                environment: journey.environment(server: server.url), in: journey.folder.path)
            #expect(sent.status == 0 && sent.output.contains("\"name\":\"-dash.jpg\""), "\(sent.errors)")
        }
        #expect(await server.stop() == 0)
    }

    @Test func `a damaged picture can be sent, and what stands in the way says how`() async throws {
        let picture = try bytes(ofFile: photograph(in: journey.folder))
        try write(Array(picture.dropLast(picture.count / 10)), toFile: journey.path("broken"))
        let refused = try await journey.satchel("seal", "broken", "-o", "blob")
        #expect(refused.status == 65 && refused.errors.contains("--accept-damage"), "\(refused.errors)")
        #expect(try await journey.satchel("seal", "broken", "-o", "blob", "--accept-damage").status == 0)
    }

    // MARK: Opening

    @Test func `who has named no server is told how to, and it works`() async throws {
        let server = try await journey.serve()
        let sent = try await journey.satchel("send", "note", server: server)
        let refused = try await journey.satchel("open", "-", "-o", "-", input: sent.outputBytes)
        #expect(refused.status == ExitCodes.hostNotAllowed && !refused.errors.contains("--from"), "\(refused.errors)")
        let setting = try #require(refused.errors.firstMatch(of: /SATCHEL_SERVER=([^ ,;]+)/)).output.1
        let opened = try await run(
            Programs.path("satchel"), ["open", "-", "-o", "-"],
            environment: journey.environment(server: nil).merging(["SATCHEL_SERVER": String(setting)]) { $1 },
            input: sent.outputBytes, in: journey.folder.path)
        #expect(opened.output == "a note", "\(opened.errors)")
        #expect(await server.stop() == 0)
    }

    @Test func `a preview goes to standard output like any other result`() async throws {
        let sealed = try await journey.satchel("seal", try photograph(in: journey.folder), "-o", "blob")
        let shown = try await journey.satchel("show", "-", "--preview", "-", input: sealed.outputBytes)
        #expect(shown.status == 0 && shown.outputBytes.prefix(3) == [0xFF, 0xD8, 0xFF], "\(shown.errors)")
        #expect(shown.outputBytes.suffix(2) == [0xFF, 0xD9], "and nothing else")
        #expect(!FileManager.default.fileExists(atPath: journey.path("-")))
        try write([1], toFile: journey.path("taken"))
        let kept = try await journey.satchel("show", "-", "--preview", "taken", input: sealed.outputBytes)
        #expect(kept.status == 73 && kept.errors.contains("--force"), "\(kept.errors)")
    }

    // MARK: Serving

    @Test(arguments: [
        (["serve", "--listn", "x"], "satcheld serve --help"), (["gc", "--dry"], "satcheld gc --help"),
        (["fsck", "stray"], "satcheld fsck --help"), (["config", "--what"], "satcheld config --help"),
        (["stats", "--listen"], "--listen needs a value"), (["health", "--listen=a:1", "--listen=b:2"], "twice"),
    ])
    func `wrong usage is 64, and the help is that of the command`(arguments: [String], words: String) async throws {
        let refused = try await run(
            Programs.path("satcheld"), arguments, environment: journey.environment(server: nil),
            in: journey.folder.path)
        #expect(refused.status == 64 && refused.errors.contains(words), "\(refused.errors)")
        let value = try await satcheld(arguments[0], "--uploads", "many")
        #expect(value.status == 64 && value.errors.contains("--uploads: expected a whole number"), "\(value.errors)")
    }

    @Test func `where it cannot listen is said in words`() async throws {
        let server = try await journey.serve()
        let taken = "127.0.0.1:\(server.port)"
        let other = journey.path("other")
        let cases = [
            (
                ["--listen", taken],
                "cannot listen at \(taken): another program listens there already; stop it, or choose another port with --listen."
            ),
            (
                ["--listen", "127.0.0.1:0", "--admin-listen", taken],
                "cannot listen at \(taken): another program listens there already; stop it, or choose another port with --admin-listen."
            ),
            (
                ["--listen", "192.0.2.1:0"],
                "cannot listen at 192.0.2.1:0: this machine has no such address; with --listen choose 127.0.0.1"
            ),
            (
                ["--listen", "nowhere.invalid:0"],
                "cannot listen at nowhere.invalid:0: there is no such host; choose another with --listen"
            ),
        ]
        for (arguments, words) in cases {
            let refused = try await run(
                Programs.path("satcheld"),
                ["serve", "--storage", other, "--allow-anonymous-uploads"] + arguments,
                environment: journey.environment(server: nil))
            #expect(refused.status == 74 && refused.errors.contains("satcheld: \(words)"), "\(refused.errors)")
            #expect(!FileManager.default.fileExists(atPath: other), "no store was made")
        }
        let edge = try await run(
            Programs.path("satcheld"),
            ["edge", "--listen", taken, "--origin", "\(server.url)", "--cache", other],
            environment: journey.environment(server: nil))
        #expect(edge.status == 74 && edge.errors.contains("cannot listen at \(taken): another"), "\(edge.errors)")
        #expect(!FileManager.default.fileExists(atPath: other), "no cache was made")
        #expect(await server.stop() == 0)
    }

    @Test func `both programs tell their version, which is one`() async throws {
        let client = try await journey.satchel("--version")
        let server = try await satcheld("--version")
        #expect(
            client.status == 0
                && client.output.contains(/^\d+\.\d+\.\d+ \((commit [0-9a-f]+(, and changes)?|unknown commit)\)\n$/),
            "\(client.output)\(client.errors)")
        #expect(server.status == 0 && server.output == client.output, "\(server.output)\(server.errors)")
    }
}
