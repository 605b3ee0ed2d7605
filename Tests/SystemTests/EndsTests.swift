import Blobs
import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct EndsTests {
    let journey: Journey

    init() throws { journey = try Journey(anyoneUploads: true) }

    /// Sends some bytes; the message's text and the owner secret from the sent log.
    func send(_ text: String, to server: Server, _ options: String...) async throws -> (
        message: CommandResult, owner: String
    ) {
        try write(Array(text.utf8), toFile: journey.path("plain.txt"))
        let sent = try await run(
            Programs.path("satchel"), ["send", "plain.txt"] + options,
            environment: journey.environment(server: server.url), in: journey.folder.path)
        #expect(sent.status == 0, "\(sent.errors)")
        return (sent, try SentLog.lastOwner(below: journey.state))
    }

    func open(_ message: [UInt8], from server: Server?) async throws -> CommandResult {
        try await journey.satchel("open", "-", "-o", "-", server: server, input: message)
    }

    @Test func `what is revoked is gone at once, and swept`() async throws {
        let server = try await journey.serve()
        let (sent, owner) = try await send("to be revoked", to: server)
        let address = try Message(sent.output).sha256
        let revoked = try await journey.curl(
            "-X", "DELETE", "-H", "Satchel-Secret: \(owner)", "-o", "/dev/null", "-w", "%{http_code}",
            "\(server.url)/\(address)")
        #expect(revoked.output == "204")

        let opened = try await open(sent.outputBytes, from: server)
        #expect(opened.status == ExitCodes.gone)
        #expect(opened.errors.contains("revoked"))
        let head = try await journey.curl("-I", "\(server.url)/\(address)")
        #expect(head.output.contains(" 410"))

        let swept = try await journey.satcheld("gc", "--json")
        #expect(swept.status == 0, "\(swept.errors)")
        #expect(try journey.blobFiles().isEmpty)
        let again = try await open(sent.outputBytes, from: server)
        #expect(again.status == ExitCodes.gone, "a tombstone remembers")
        #expect(try await journey.satcheld("fsck").status == 0)
    }

    @Test func `what expires is gone, and fsck is clean`() async throws {
        let server = try await journey.serve()
        let (sent, _) = try await send("short-lived", to: server, "--lifetime", "1s")
        try await Task.sleep(for: .milliseconds(2100))
        let opened = try await open(sent.outputBytes, from: server)
        #expect(opened.status == ExitCodes.gone)
        #expect(opened.errors.contains("expired"))
        #expect(await server.stop() == 0)
        #expect(try await journey.satcheld("gc").status == 0)
        #expect(try journey.blobFiles().isEmpty)
        #expect(try await journey.satcheld("fsck").status == 0)
    }

    @Test func `every failure has its own exit code and sentence`() async throws {
        let server = try await journey.serve()
        let (sent, _) = try await send("a message with a life of its own", to: server)
        let message = try Message(sent.output)

        let unknown = sent.output.replacing(message.sha256, with: String(repeating: "ab", count: 32))
        #expect(try await open(Array(unknown.utf8), from: server).status == ExitCodes.notFound)

        let otherKey = sent.output.replacing(message.key, with: Base64URL.encode([UInt8](repeating: 7, count: 32)))
        #expect(try await open(Array(otherKey.utf8), from: server).status == ExitCodes.wrongKey)

        let refused = try await open(sent.outputBytes, from: nil)
        #expect(refused.status == ExitCodes.hostNotAllowed, "a host that no setting names: \(refused.errors)")

        #expect(try await open(Array("{}".utf8), from: server).status == ExitCodes.badMessage)

        let blob = try #require(try journey.blobFiles().first)
        try journey.flipByte(of: blob, at: 100)
        #expect(try await open(sent.outputBytes, from: server).status == ExitCodes.wrongDigest)

        await server.stop()
        let dead = try await journey.satchel(
            "open", "-", "-o", "-", "--attempts", "1", server: server, input: sent.outputBytes)
        #expect(dead.status == ExitCodes.network, "\(dead.errors)")
    }

    @Test func `a damaged blob is set aside, and heals when it comes again`() async throws {
        let server = try await journey.serve()
        try write([UInt8](repeating: 5, count: 150_000), toFile: journey.path("plain.bin"))
        let sealed = try await journey.satchel("seal", "plain.bin", "-o", "plain.sealed")
        #expect(sealed.status == 0, "\(sealed.errors)")
        func upload() async throws -> String {
            try await journey.curl(
                "-T", "plain.sealed", "-o", "/dev/null", "-w", "%{http_code}", "\(server.url)/upload"
            ).output
        }
        #expect(try await upload() == "201")
        let blob = try #require(try journey.blobFiles().first)
        try journey.flipByte(of: blob, at: 90_000)

        let found = try await journey.satcheld("fsck")
        #expect(found.status == 1)
        let repaired = try await journey.satcheld("fsck", "--repair", "--json")
        #expect(repaired.status == 1, "it tells what it found: \(repaired.output)")
        let address = String(blob.split(separator: "/").last ?? "")
        let damaged = try await journey.curl("-i", "\(server.url)/\(address)")
        #expect(damaged.output.contains(" 404") && damaged.output.contains("damaged"))

        #expect(try await upload() == "201", "a damaged blob takes new bytes")
        let healed = try await journey.curl("-o", "/dev/null", "-w", "%{http_code}", "\(server.url)/\(address)")
        #expect(healed.output == "200")
        #expect(try await journey.satcheld("fsck").status == 0)
    }
}

/// The documented exit codes of `satchel`.
enum ExitCodes {
    static let gone: Int32 = 3
    static let notFound: Int32 = 4
    static let wrongDigest: Int32 = 5
    static let wrongKey: Int32 = 6
    static let refused: Int32 = 7
    static let badMessage: Int32 = 65
    static let network: Int32 = 69
    static let hostNotAllowed: Int32 = 77
}

/// What the client wrote down about what it sent.
enum SentLog {
    struct NoOwner: Error {}

    /// The owner secret of the newest entry in any file of the state folder.
    static func lastOwner(below folder: String) throws -> String {
        let files = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        for file in files {
            guard let text = try? String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8) else { continue }
            if let match = text.matches(of: /"owner":"([A-Za-z0-9_-]{22})"/).last { return String(match.output.1) }
        }
        throw NoOwner()
    }
}

extension Journey {
    /// Every file below `blobs.v1` that bears an address.
    func blobFiles() throws -> [String] {
        let root = "\(storage)/blobs.v1"
        let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.split(separator: "/").last?.count == 64 }.map { "\(root)/\($0)" }
    }

    /// Turns one bit of a stored file, as a disk does now and then.
    func flipByte(of path: String, at offset: UInt64) throws {
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try file.seek(toOffset: offset)
        let byte = try #require(try file.read(upToCount: 1)?.first)
        try file.seek(toOffset: offset)
        try file.write(contentsOf: Data([byte ^ 1]))
        try file.close()
    }
}
