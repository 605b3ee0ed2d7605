import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct OutboxTests {
    let journey: Journey

    init() throws { journey = try Journey() }

    /// Bytes that compress to nothing shorter and repeat nowhere.
    static func bytes(_ count: Int) -> [UInt8] {
        var state: UInt64 = 88_172_645_463_325_252
        return makeBytes(count) { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return UInt8(truncatingIfNeeded: state >> 24)
        }
    }

    /// What `satchel outbox --json` tells of one entry.
    struct Entry: Decodable {
        let id: String
        let state: String
        let size: Int
        let acknowledged: Int
        let failure: String?
    }

    func entries() async throws -> [Entry] {
        let told = try await journey.satchel("outbox", "list", "--json")
        #expect(told.status == 0, "\(told.errors)")
        return try told.lines.map { try JSONDecoder().decode(Entry.self, from: Data($0.utf8)) }
    }

    @Test func `a file sent offline waits, is listed, and goes out later`() async throws {
        let server = try await journey.serveOnKeptPort()
        await server.kill()
        try write(Array("for later".utf8), toFile: journey.path("note.txt"))
        let sent = try await journey.satchel("send", "note.txt", "--attempts", "1", server: server)
        #expect(sent.status == ExitCodes.network && sent.output.isEmpty)
        let entry = try #require(try await entries().first)
        #expect(sent.errors.contains("satchel outbox resume \(entry.id)"), "\(sent.errors)")
        #expect(entry.state == "waiting" && entry.failure?.contains("cannot reach") == true)
        let listed = try await journey.satchel("outbox")
        #expect(listed.output.contains("note.txt: waiting; cannot reach"), "\(listed.output)")

        let back = try await journey.serve(port: server.port)
        let resumed = try await journey.satchel("outbox", "resume", String(entry.id.prefix(8)), server: back)
        #expect(resumed.status == 0, "\(resumed.errors)")
        #expect(try await entries().isEmpty)
        let opened = try await journey.satchel("open", "-", "-o", "-", server: back, input: resumed.outputBytes)
        #expect(opened.output == "for later", "\(opened.errors)")
        #expect(try await journey.satchel("outbox", "resume", entry.id, server: back).status == ExitCodes.notFound)
        #expect(await back.stop() == 0)
    }

    @Test func `who waits for it gets the message once the server is there`() async throws {
        let server = try await journey.serveOnKeptPort()
        await server.kill()
        try write(Array("patience".utf8), toFile: journey.path("note.txt"))
        let waiting = try RunningCommand(
            Programs.path("satchel"), ["send", "--wait", "note.txt"],
            environment: journey.environment(server: server.url), in: journey.folder.path)
        try await eventually { waiting.errorsSoFar.contains("retrying in") }
        let entry = try #require(try await entries().first)
        #expect(entry.state == "sending" && entry.failure != nil)
        for arguments in ["resume", "cancel"] {
            let second = try await journey.satchel("outbox", arguments, entry.id, server: server)
            #expect(second.status == 75 && second.errors.contains("another satchel"), "\(second.errors)")
        }
        let back = try await journey.serve(port: server.port)
        let sent = await waiting.result()
        #expect(sent.status == 0 && sent.lines.count == 1, "\(sent.errors)")
        #expect(try await entries().isEmpty)
        #expect(await back.stop() == 0)
    }

    @Test func `a message that could not be printed is still there`() async throws {
        let server = try await journey.serve()
        try write(Array("twice".utf8), toFile: journey.path("note.txt"))
        let lost = try await run(
            "/bin/sh", ["-c", "exec \(Programs.path("satchel")) send note.txt >/dev/full"],
            environment: journey.environment(server: server.url), in: journey.folder.path)
        #expect(lost.status == 74, "\(lost.errors)")
        let entry = try #require(try await entries().first)
        #expect(entry.state == "sent" && entry.acknowledged == entry.size)
        #expect(try await journey.satchel("outbox").output.contains("satchel outbox resume \(entry.id)"))
        #expect(await server.stop() == 0)
        let printed = try await journey.satchel("outbox", "resume", server: server)
        #expect(printed.status == 0 && printed.lines.count == 1, "it needs no server: \(printed.errors)")
        #expect(try await entries().isEmpty)
    }

    @Test func `cancelling takes it from both sides`() async throws {
        let server = try await journey.serve()
        try write(Array("never mind".utf8), toFile: journey.path("note.txt"))
        _ = try await run(
            "/bin/sh", ["-c", "exec \(Programs.path("satchel")) send note.txt >/dev/full"],
            environment: journey.environment(server: server.url), in: journey.folder.path)
        let entry = try #require(try await entries().first)
        let cancelled = try await journey.satchel("outbox", "cancel", entry.id, server: server)
        #expect(cancelled.output == "\(entry.id) cancelled\n", "\(cancelled.errors)")
        #expect(try await entries().isEmpty)
        let log = try await journey.satchel("sent")
        #expect(log.output.contains("revoked"), "\(log.output)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(journey.state)/satchel/outbox").isEmpty)
        #expect(await server.stop() == 0)
    }

    @Test func `an open that was killed goes on where it stopped`() async throws {
        let server = try await journey.serve()
        let plaintext = Self.bytes(3_000_000)
        try write(plaintext, toFile: journey.path("film.bin"))
        let sent = try await journey.satchel("send", "film.bin", server: server)
        #expect(sent.status == 0, "\(sent.errors)")
        let relay = try await Relay(to: "\(server.port)", in: journey, "hold=1500000")
        let message = sent.output.replacing("127.0.0.1:\(server.port)", with: "127.0.0.1:\(relay.url.port ?? 0)")
        let opening = try RunningCommand(
            Programs.path("satchel"), ["open", "-", "-o", "came.bin"],
            environment: journey.environment(server: relay.url), input: Array(message.utf8), in: journey.folder.path)
        try await relay.hasPassed(receivedBytes: 1_500_000)
        opening.send(signal: SIGKILL)
        #expect(await opening.status() == -SIGKILL)
        let opened = try await journey.satchel(
            "open", "-", "-o", "came.bin", at: relay.url, input: Array(message.utf8))
        #expect(opened.status == 0, "\(opened.errors)")
        #expect(try TestSupport.bytes(ofFile: journey.path("came.bin")) == plaintext)
        let size = try Message(sent.output).size
        let received = relay.count.received
        #expect(received < Int(size) * 12 / 10, "\(received) bytes came for \(size)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(journey.state)/satchel/partial").isEmpty)
        #expect(await server.stop() == 0)
    }
}
