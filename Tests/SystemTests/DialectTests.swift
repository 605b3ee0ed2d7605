import Foundation
import TestSupport
import Testing

/// Clients that nobody made for this server go on with their uploads.
@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct DialectTests {
    private static let python = ProcessInfo.processInfo.environment["SATCHEL_TUSPY"]
    private static let bytes = OutboxTests.bytes(3_000_000)

    let journey: Journey

    init() throws {
        journey = try Journey(anyoneUploads: true)
        try write(Self.bytes, toFile: journey.path("film.bin"))
    }

    private func tuspy(_ arguments: String...) async throws -> CommandResult {
        let script = "\(#filePath)".split(separator: "/").dropLast().map { "/" + $0 }.joined()
        return try await run(
            Self.python ?? "", ["\(script)/Peer/tuspy_upload.py"] + arguments,
            environment: ["HOME": journey.path("home")],
            in: journey.folder.path)
    }

    /// The blob is there with the bytes of the file.
    private func arrives(at server: Server) async throws {
        let digest = try await run("/usr/bin/sha256sum", ["film.bin"], in: journey.folder.path).output.prefix(64)
        let got = try await journey.curl("-f", "-o", "came.bin", "\(server.url)/\(digest)")
        #expect(got.status == 0, "\(got.errors)")
        #expect(try TestSupport.bytes(ofFile: journey.path("came.bin")) == Self.bytes)
    }

    @Test(.enabled(if: python != nil, "needs tuspy, which scripts/test installs and names in SATCHEL_TUSPY"))
    func `tuspy begins an upload, and another process goes on with it at a server that was killed meanwhile`()
        async throws
    {
        let server = try await journey.serveOnKeptPort("--accept", "any")
        let begun = try await tuspy("begin", "\(server.url)", "film.bin")
        #expect(begun.status == 0, "\(begun.errors)")
        server.command.send(signal: SIGKILL)
        _ = await server.command.status()
        let again = try await journey.serve("--accept", "any", port: server.port)
        let resumed = try await tuspy("resume", "\(again.url)", "film.bin", begun.lines.first ?? "")
        #expect(resumed.status == 0, "\(resumed.errors)")
        try await arrives(at: again)
        #expect(await again.stop() == 0)
    }

    @Test(.enabled(if: python != nil, "needs tuspy, which scripts/test installs and names in SATCHEL_TUSPY"))
    func `tuspy brings a file with a checksum for each of its requests`() async throws {
        let server = try await journey.serve("--accept", "any")
        let sent = try await tuspy("whole", "\(server.url)", "film.bin")
        #expect(sent.status == 0, "\(sent.errors)")
        try await arrives(at: server)
        #expect(await server.stop() == 0)
    }

    @Test(arguments: [3, 5, 6, 7, 8])
    func `curl is told of the upload before its bytes, and brings them in two requests`(version: Int) async throws {
        let server = try await journey.serve("--accept", "any")
        func completeness(_ isLast: Bool) -> String {
            version == 3 ? "Upload-Incomplete: \(isLast ? "?0" : "?1")" : "Upload-Complete: \(isLast ? "?1" : "?0")"
        }
        let name = "Upload-Draft-Interop-Version: \(version)"
        try write(Array(Self.bytes[..<1_000_000]), toFile: journey.path("first.bin"))
        try write(Array(Self.bytes[1_000_000...]), toFile: journey.path("second.bin"))
        let begun = try await journey.curl(
            "-i", "-T", "first.bin", "-H", name, "-H", completeness(false), "\(server.url)/upload")
        #expect(begun.output.contains("HTTP/1.1 104") && begun.output.contains("HTTP/1.1 201"))
        let location = try #require(begun.output.firstMatch(of: /(?i)location: (\S+)/)?.output.1)
        let head = try await journey.curl("-I", "-H", name, String(location))
        #expect(head.output.lowercased().contains("upload-offset: 1000000"))
        let last = try await journey.curl(
            "-X", "PATCH", "-T", "second.bin", "-H", name, "-H", completeness(true), "-H", "Upload-Offset: 1000000",
            "-H", "Content-Type: application/partial-upload", String(location))
        #expect(last.output.contains("\"size\":3000000"))
        try await arrives(at: server)
        #expect(await server.stop() == 0)
    }
}
