import Files
import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct BackupTests {
    let journey: Journey

    init() throws { journey = try Journey(anyoneUploads: true) }

    /// The steps of docs/operations.md, with uploads and an end between them.
    @Test func `a backup taken from a running server is restored whole in a new folder`() async throws {
        let server = try await journey.serve("--accept", "any")
        var before: [String] = []
        for number in 0..<20 { before.append(try await upload("before \(number)", to: server)) }
        try await snapshotCatalog()
        for number in 0..<5 { _ = try await upload("between \(number)", to: server) }
        try await copyFiles()
        for number in 0..<5 { _ = try await upload("after \(number)", to: server) }
        await server.kill()

        let restored = try Journey(anyoneUploads: true)
        try FileManager.default.moveItem(atPath: journey.path("backup"), toPath: restored.storage)
        let kept = try await restored.satcheld("gc", "--json")
        #expect(kept.status == 0 && kept.output.contains("orphansKept"), "files that the snapshot does not know stay")
        #expect(try await restored.satcheld("gc", "--orphans").status == 0)
        let checked = try await restored.satcheld("fsck")
        #expect(checked.status == 0 && checked.output.hasPrefix("20 blobs checked"), "\(checked.output)")

        let again = try await restored.serve("--accept", "any")
        for (number, address) in before.enumerated() {
            #expect(try await restored.curl("\(again.url)/\(address)").output == "before \(number)")
        }
        let uploaded = try await upload("between 0", to: again)
        #expect(try await restored.curl("\(again.url)/\(uploaded)").output == "between 0", "it takes uploads as before")
        #expect(await again.stop() == 0)
        #expect(try await restored.satcheld("fsck").status == 0)
    }

    private func upload(_ text: String, to server: Server) async throws -> String {
        try write(Array(text.utf8), toFile: journey.path("body"))
        let answer = try await journey.curl("-T", "body", "\(server.url)/upload")
        return String(try #require(answer.output.firstMatch(of: /"sha256":"([0-9a-f]{64})"/)).output.1)
    }

    /// What `sqlite3 catalog.sqlite ".backup …"` does, with the library that Python brings.
    private func snapshotCatalog() async throws {
        try FileManager.default.createDirectory(atPath: journey.path("backup"), withIntermediateDirectories: false)
        let script = """
            import sqlite3, sys
            sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2]))
            """
        let result = try await run(
            "/usr/bin/python3",
            ["-c", script, "\(journey.storage)/catalog.sqlite", journey.path("backup/catalog.sqlite")])
        #expect(result.status == 0, "\(result.errors)")
    }

    private func copyFiles() async throws {
        let result = try await run("/bin/cp", ["-a", "\(journey.storage)/blobs.v1", journey.path("backup")])
        #expect(result.status == 0, "\(result.errors)")
    }
}
