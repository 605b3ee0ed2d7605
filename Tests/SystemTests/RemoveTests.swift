import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct RemoveTests {
    let journey: Journey

    init() throws { journey = try Journey(anyoneUploads: true) }

    /// Asks the server for something; the status of the answer.
    func status(_ arguments: String..., path: String, of server: Server) async throws -> String {
        try await run(
            "/usr/bin/curl",
            ["-sS", "--max-time", "900", "-o", "/dev/null", "-w", "%{http_code}"] + arguments + [
                "\(server.url)\(path)"
            ],
            in: journey.folder.path
        ).output
    }

    @Test func `a blob goes from everybody at once and stays out while it is banned`() async throws {
        try write([UInt8](repeating: 3, count: 90_000), toFile: journey.path("plain"))
        let sealed = try await journey.satchel("seal", "plain", "-o", "sealed")
        #expect(sealed.status == 0, "\(sealed.errors)")
        let server = try await journey.serve()
        #expect(try await status("-T", "sealed", path: "/upload", of: server) == "201")
        let address = try #require(try journey.blobFiles().first?.split(separator: "/").last.map(String.init))

        let removed = try await journey.satcheld("remove", address, "--json")
        #expect(removed.status == 0, "\(removed.errors)")
        #expect(removed.output.contains(#""leasesEnded":1"#) && removed.output.contains(#""blobsRemoved":1"#))
        #expect(try journey.blobFiles().isEmpty)
        #expect(try await status(path: "/\(address)", of: server) == "410")
        #expect(try await status("-T", "sealed", path: "/upload", of: server) == "201", "it was not banned")

        let banned = try await journey.satcheld("remove", address, "--ban")
        #expect(banned.status == 0 && banned.output.contains("banned"), "\(banned.errors)")
        #expect(try await status("-T", "sealed", path: "/upload", of: server) == "403")
        #expect(try await status("-X", "POST", path: "/\(address)/leases", of: server) == "403")
        #expect(await server.stop() == 0)

        let next = try await journey.serve()
        #expect(try await status("-T", "sealed", path: "/upload", of: next) == "403", "also after a restart")
        #expect(await next.stop() == 0)
        let lifted = try await journey.satcheld("remove", address, "--unban")
        #expect(lifted.status == 0 && lifted.output.contains("lifted"), "\(lifted.errors)")
        let last = try await journey.serve()
        #expect(try await status("-T", "sealed", path: "/upload", of: last) == "201")
        #expect(await last.stop() == 0)
        #expect(try await journey.satcheld("fsck").status == 0)
    }

    @Test(arguments: [["remove"], ["remove", "abc"], ["remove", String(repeating: "AB", count: 32)]])
    func `an address that is none is refused before anything is touched`(arguments: [String]) async throws {
        let refused = try await run(Programs.path("satcheld"), arguments + ["--storage", journey.storage])
        #expect(refused.status == 64 && !refused.errors.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: journey.storage))
    }
}
