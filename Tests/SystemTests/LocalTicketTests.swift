import Files
import Foundation
import TestSupport
import Testing

/// Who may upload to a server without ticket keys: programs of its own user, whatever comes in between.
@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct LocalTicketTests {
    private let journey: Journey

    init() throws {
        journey = try Journey()
        try write(Array("a note".utf8), toFile: journey.path("note.txt"))
    }

    /// The path that the server names as it starts.
    private func ticketFile(of server: Server) throws -> String {
        let line = String(decoding: server.command.outputSoFar, as: UTF8.self)
        return try #require(line.firstMatch(of: /, ticket (.+)\)\n/).map { String($0.1) }, "\(line)")
    }

    /// A file with the field that shows the ticket of `server`, so that it is in nobody's process list.
    private func ticketField(of server: Server) throws -> String {
        let ticket = try String(contentsOfFile: ticketFile(of: server), encoding: .utf8)
        try write(Array("Authorization: Bearer \(ticket)".utf8), toFile: journey.path("field"))
        return "@field"
    }

    @Test func `the ticket is a file of the user's own, found by satchel, new at each start, and gone at the end`()
        async throws
    {
        let server = try await journey.serve()
        let file = try ticketFile(of: server)
        #expect(file == "\(journey.runtime)/satchel/127.0.0.1:\(server.port).ticket")
        #expect(try Folder.status(file)?.permissions == 0o600)
        let sent = try await journey.satchel("send", "note.txt", server: server)
        #expect(sent.status == 0, "\(sent.errors)")
        let opened = try await journey.satchel("open", "-", "-o", "-", server: server, input: sent.outputBytes)
        #expect(opened.output == "a note", "\(opened.errors)")
        let quota = try await journey.satchel("quota", server: server)
        #expect(quota.status == 0, "\(quota.errors)")
        let first = try String(contentsOfFile: file, encoding: .utf8)

        await server.kill()
        #expect(try Folder.status(file) != nil, "one that was killed leaves it")
        let next = try await journey.serve(port: server.port)
        #expect(try ticketFile(of: next) == file)
        #expect(try String(contentsOfFile: file, encoding: .utf8) != first)
        #expect(await next.stop() == 0)
        #expect(try Folder.status(file) == nil)
    }

    @Test func `without a runtime folder of the user's own it is in the store's folder`() async throws {
        var environment = journey.environment(server: nil)
        for runtime in [nil, "relative", journey.path("missing"), journey.path("shared")] {
            try FileManager.default.createDirectory(
                atPath: journey.path("shared"), withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o755])
            environment["XDG_RUNTIME_DIR"] = runtime
            let server = try await Server(
                RunningCommand(
                    Programs.path("satcheld"), ["serve", "--listen", "127.0.0.1:0", "--storage", "storage"],
                    environment: environment, in: journey.folder.path))
            // The system may know the folder by another name.
            let file = try ticketFile(of: server)
            #expect(file.hasPrefix("/") && file.hasSuffix("/storage/127.0.0.1:\(server.port).ticket"), "\(file)")
            #expect(FileManager.default.fileExists(atPath: file))
            // In the folder where the server was started, its client needs no word about it.
            environment["SATCHEL_SERVER"] = server.url.absoluteString
            let sent = try await run(
                Programs.path("satchel"), ["send", "note.txt"], environment: environment, in: journey.folder.path)
            #expect(sent.status == 0, "\(sent.errors)")
            await server.kill()
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: journey.storage).filter {
            $0.hasSuffix("ticket")
        }
        #expect(left.count == 1, "each start removes what killed servers have left: \(left)")
    }

    @Test func `a server that others can reach has no local ticket, and does not start without keys`() async throws {
        let reachable = [
            ["--listen", "0.0.0.0:0"], ["--listen", "[::]:0"], ["--public-url", "https://media.example"],
        ]
        for arguments in reachable {
            let refused = try await run(
                Programs.path("satcheld"), ["serve", "--storage", journey.storage] + arguments,
                environment: journey.environment(server: nil))
            #expect(refused.status == 78, "\(arguments): \(refused.errors)")
            #expect(!FileManager.default.fileExists(atPath: journey.storage), "nothing was made")
        }
    }

    @Test func `a stranger is told what is missing, and a program of the user's uploads with curl`() async throws {
        let server = try await journey.serve("--accept", "any")
        let place = "\(server.url)/upload"
        let refused = try await journey.curl("-i", "-T", "note.txt", place).output
        #expect(refused.contains("X-Reason: ticket-missing") && refused.contains("local ticket"), "\(refused)")
        let other = "Authorization: Bearer \(String(repeating: "A", count: 22))"
        for (field, answer) in [(other, "ticket-invalid"), (try ticketField(of: server), " 201 ")] {
            let told = try await journey.curl("-i", "-T", "note.txt", "-H", field, place).output
            #expect(told.contains(answer), "\(told)")
        }
        #expect(await server.stop() == 0)
    }

    /// Every way to upload, and to hold what is there.
    private static let uploads: [[String]] = [
        ["-T", "note.txt", "/upload"], ["-X", "POST", "--data-binary", "@note.txt", "/upload"],
        ["-X", "POST", "-H", "Tus-Resumable: 1.0.0", "-H", "Upload-Length: 6", "/uploads"],
        ["-T", "note.txt", "-H", "Upload-Draft-Interop-Version: 8", "-H", "Upload-Complete: ?0", "/upload"],
        ["-I", "/upload"], ["/quota"],
    ]

    @Test(.enabled(if: Proxy.hasNginx, Comment(rawValue: Proxy.missingNginx)))
    func `behind an nginx that adds nothing, strangers read and do not upload`() async throws {
        let server = try await journey.serve("--accept", "any")
        let field = try ticketField(of: server)
        let proxy = try await Proxy.nginx(before: server, bodyLimit: "1g", in: journey)
        func ask(_ arguments: [String]) async throws -> String {
            let place = "http://media.example\(arguments.last ?? "")"
            let all = ["-o", "/dev/null", "-w", "%{http_code}"] + arguments.dropLast() + [place]
            return try await proxy.curl(all, in: journey).output
        }
        let stored = try await journey.curl("-T", "note.txt", "-H", field, "\(server.url)/upload")
        let address = try #require(stored.output.firstMatch(of: /[0-9a-f]{64}/)).output
        #expect(try await ask(["/\(address)"]) == "200")
        for upload in Self.uploads + [["-X", "POST", "/\(address)/leases"]] {
            #expect(try await ask(upload) == "401", "\(upload)")
            let status = try await ask(["-H", field] + upload)
            #expect(["200", "201"].contains(status), "\(upload) with the ticket: \(status)")
        }
        proxy.stop()
        #expect(await server.stop() == 0)
    }
}
