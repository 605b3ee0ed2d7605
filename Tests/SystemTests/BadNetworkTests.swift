import Foundation
import TestSupport
import Testing

/// The file arrives, and of what was acknowledged nothing goes twice: bytes are counted where they pass.
@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct BadNetworkTests {
    let journey: Journey
    private static let plaintext = OutboxTests.bytes(4_000_000)

    init() throws {
        journey = try Journey(anyoneUploads: true)
        try write(Self.plaintext, toFile: journey.path("film.bin"))
    }

    /// What was sent is there, comes back as it was, and nothing is left in the outbox.
    private func arrives(_ sent: CommandResult, at server: Server) async throws {
        #expect(sent.status == 0, "\(sent.errors)")
        let opened = try await journey.satchel(
            "open", "-", "-o", "came.bin", "--force", server: server, input: sent.outputBytes)
        #expect(opened.status == 0, "\(opened.errors)")
        #expect(try bytes(ofFile: journey.path("came.bin")) == Self.plaintext)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: "\(journey.state)/satchel/outbox").isEmpty
        )
    }

    /// Bytes of the sealed file.
    private func size(_ sent: CommandResult) throws -> Int { Int(try Message(sent.output).size) }

    /// How many bytes may be sent for it where nothing breaks.
    private func bound(_ sent: CommandResult) throws -> Int { try size(sent) * 12 / 10 }

    @Test func `a connection that is reset every few hundred kilobytes costs little more than the file`() async throws {
        let server = try await journey.serve()
        let relay = try await Relay(to: "\(server.port)", in: journey, "cut=300000")
        let sent = try await journey.satchel("send", "film.bin", at: relay.url)
        try await arrives(sent, at: server)
        let count = relay.count
        let bound = try self.bound(sent)
        #expect(count.cuts >= 12)
        // What a cut costs is what was on its way: the kernel's buffers, not an append of megabytes.
        #expect(
            count.sent <= bound + count.cuts * 64 << 10, "\(count.sent) bytes sent, \(count.cuts) cuts")
        #expect(await server.stop() == 0)
    }

    @Test(
        .enabled(if: Proxy.hasNginx, Comment(rawValue: Proxy.missingNginx)))
    func `a proxy that caps requests at a megabyte is met by smaller appends`() async throws {
        let server = try await journey.serve()
        let proxy = try await Proxy.nginx(before: server, bodyLimit: "1m", in: journey)
        let relay = try await Relay(to: proxy.socket, in: journey)
        let sent = try await journey.satchel("send", "film.bin", at: relay.url)
        try await arrives(sent, at: server)
        let count = relay.count
        let bound = try self.bound(sent)
        #expect(count.sent <= bound, "\(count.sent) bytes sent")
        #expect(proxy.log.contains("413") && !sent.errors.contains("retrying in"), "\(sent.errors)")
        proxy.stop()
        #expect(await server.stop() == 0)
    }

    @Test func `a server that is killed in the middle gets the rest when it is back`() async throws {
        let server = try await journey.serveOnKeptPort()
        let relay = try await Relay(to: "\(server.port)", in: journey, "hold=1500000")
        let sending = try RunningCommand(
            Programs.path("satchel"), ["send", "film.bin", "--attempts", "20"],
            environment: journey.environment(server: relay.url), in: journey.folder.path)
        try await relay.hasPassed(sentBytes: 1_500_000)
        await server.kill()
        let back = try await journey.serve(port: server.port)
        let sent = await sending.result()
        try await arrives(sent, at: back)
        let count = relay.count
        let bound = try self.bound(sent)
        #expect(
            count.sent <= bound + 4 << 20, "one append at most goes again: \(count.sent) bytes sent")
        #expect(await back.stop() == 0)
        #expect(try await journey.satcheld("fsck").status == 0)
    }

    /// A send that is killed when a good part of it has passed.
    private func sendAndDie(through relay: Relay) async throws {
        let sending = try RunningCommand(
            Programs.path("satchel"), ["send", "film.bin"], environment: journey.environment(server: relay.url),
            in: journey.folder.path)
        try await relay.hasPassed(sentBytes: 1_500_000)
        sending.send(signal: SIGKILL)
        #expect(await sending.status() == -SIGKILL)
    }

    @Test func `a send that is killed goes on in the next program under the same key`() async throws {
        let server = try await journey.serve()
        let relay = try await Relay(to: "\(server.port)", in: journey, "hold=1500000")
        try await sendAndDie(through: relay)
        let waiting = try await journey.satchel("outbox", "list", "--json")
        #expect(waiting.output.contains("\"state\":\"waiting\""), "\(waiting.output)")
        let before = relay.count.sent
        let resumed = try await journey.satchel("outbox", "resume", at: relay.url)
        try await arrives(resumed, at: server)
        let rest = relay.count.sent - before
        #expect(try rest < size(resumed) - 1_000_000, "\(rest) bytes went after the resume")
        #expect(try journey.blobFiles().count == 1, "nothing was sealed twice")
        #expect(await server.stop() == 0)
    }

    @Test func `cancelling a send half way leaves nothing at the server`() async throws {
        let server = try await journey.serve()
        let relay = try await Relay(to: "\(server.port)", in: journey, "hold=1500000")
        try await sendAndDie(through: relay)
        let id = try await journey.satchel("outbox", "list", "--json").output.split(separator: "\"")[3]
        let cancelled = try await journey.satchel("outbox", "cancel", String(id), at: relay.url)
        #expect(cancelled.status == 0, "\(cancelled.errors)")
        let quota = try await journey.satchel("quota", server: server)
        #expect(!quota.output.contains("in progress"), "\(quota.output)")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: "\(journey.storage)/staging").isEmpty)
        #expect(await server.stop() == 0)
    }

    @Test(
        .enabled(
            if: HostNetwork.canBeMade, Comment(rawValue: HostNetwork.missing)))
    func `a network that loses packets carries it all the same`() async throws {
        try await HostNetwork.with(hosts: 1) { network in
            let host = network.hosts[0]
            try await network.lose(perThousand: 20, at: host)
            let server = try await journey.serve(at: host)
            let sent = try await journey.satchel("send", "film.bin", "--allow-http", at: server.url)
            #expect(sent.status == 0, "\(sent.errors)")
            let count = try network.bytesSent(to: host)
            #expect(try count <= bound(sent), "\(count) bytes went over the wire")
            let opened = try await journey.satchel(
                "open", "-", "-o", "came.bin", "--allow-http", at: server.url, input: sent.outputBytes)
            #expect(opened.status == 0, "\(opened.errors)")
            #expect(try bytes(ofFile: journey.path("came.bin")) == Self.plaintext)
            server.command.send(signal: SIGTERM)
            _ = await server.command.status()
        }
    }
}
