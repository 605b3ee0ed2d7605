import Foundation
import TestSupport
import Testing

/// Mirrors and edges, played by a second server that has the same blobs.
@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct MirrorTests {
    private let journey: Journey
    /// The machine of the second server.
    private let elsewhere: Journey

    init() throws {
        journey = try Journey(anyoneUploads: true)
        elsewhere = try Journey(anyoneUploads: true)
    }

    private func environment(_ server: URL, _ others: [URL], edges: [URL] = []) -> [String: String] {
        let servers = ([server] + others).map(\.absoluteString).joined(separator: ",")
        return journey.environment(server: server).merging([
            "SATCHEL_SERVERS": servers, "SATCHEL_EDGES": edges.map(\.absoluteString).joined(separator: ","),
        ]) { $1 }
    }

    private func satchel(_ environment: [String: String], _ arguments: String..., input: String = "") async throws
        -> CommandResult
    {
        try await run(
            Programs.path("satchel"), arguments, environment: environment, input: Array(input.utf8),
            in: journey.folder.path)
    }

    /// Gives the second server a blob of the first.
    private func copy(_ message: Message, from first: Server, to second: Server) async throws {
        let path = journey.path("copy")
        _ = try await journey.curl("-o", path, "\(first.url)/\(message.sha256)")
        let copied = try await journey.curl("-T", path, "-H", "Expect:", "\(second.url)/upload")
        #expect(copied.output.contains(message.sha256), "\(copied.output)\(copied.errors)")
    }

    private func makeFile(bytes count: Int) throws -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        let contents = makeBytes(count) { _ in UInt8.random(in: .min ... .max, using: &generator) }
        try write(contents, toFile: journey.path("file"))
        return contents
    }

    // The second goes up in several requests.
    @Test(arguments: [40_000, 3_000_000])
    func `a mirror of the server is in the message, and the file comes from there when the server is gone`(
        count: Int
    ) async throws {
        let second = try await elsewhere.serve()
        let first = try await journey.serve("--mirrors", "\(second.url),https://nobody.example")
        let contents = try makeFile(bytes: count)
        let person = environment(first.url, [second.url])

        let sent = try await satchel(person, "send", "file")
        #expect(sent.status == 0, "\(sent.errors)")
        let message = try Message(sent.output)
        #expect(message.url == "\(first.url)/\(message.sha256)")
        #expect(sent.output.contains(#""mirrors":["\#(second.url)/\#(message.sha256)"]"#), "\(sent.output)")
        #expect(!sent.errors.contains("mirror") && !sent.errors.contains("nobody"))
        let forwarded = try await satchel(person, "forward", "-", input: sent.output)
        #expect(forwarded.output.contains(#""mirrors":["\#(second.url)/\#(message.sha256)"]"#))
        let alone = try await satchel(environment(first.url, []), "send", "file")
        #expect(alone.status == 0 && !alone.output.contains("mirrors"))

        try await copy(message, from: first, to: second)
        #expect(await first.stop() == 0)
        let opened = try await satchel(
            person, "open", "-", "-o", "-", "--attempts", "1", "--no-receipt", input: sent.output)
        #expect(opened.status == 0 && opened.outputBytes == contents, "\(opened.errors)")
    }

    @Test func `an edge gives the file and sees no secret; the server gets the receipt alone`() async throws {
        let second = try await elsewhere.serve()
        let first = try await journey.serve()
        let contents = try makeFile(bytes: 2_000_000)
        let sent = try await satchel(environment(first.url, []), "send", "file", "--recipients", "1")
        let message = try Message(sent.output)
        try await copy(message, from: first, to: second)
        let edge = try await Recorder(in: elsewhere)
        defer { edge.stop() }
        try edge.passOn(to: second.port)

        let person = environment(first.url, [], edges: [edge.url]).merging(["SATCHEL_TICKET": "a.b.c"]) { $1 }
        let opened = try await satchel(person, "open", "-", "-o", "-", input: sent.output)
        #expect(opened.status == 0 && opened.outputBytes == contents && opened.errors.isEmpty, "\(opened.errors)")
        let traffic = Data(edge.traffic)
        #expect(traffic.range(of: Data("GET /\(message.sha256) ".utf8)) != nil)
        for word in ["uthorization", "atchel-Secret", "a.b.c", "receipts"] {
            #expect(traffic.range(of: Data(word.utf8)) == nil, "\(word)")
        }
        let status = try await satchel(environment(first.url, []), "status", "-", "--json", input: sent.output)
        #expect(status.output.contains(#""received":[{"recipient":"#), "\(status.output)")

        // Without the edge it comes from the server, and the edge is not missed for long.
        await second.kill()
        edge.stop()
        let again = try await satchel(person, "open", "-", "-o", "-", input: sent.output)
        #expect(again.status == 0 && again.outputBytes == contents)
        #expect(again.errors.contains("trying the next location"), "\(again.errors)")
    }

    @Test func `a bit that an edge turned costs a chunk more: from the edge, or if it stays wrong from the server`()
        async throws
    {
        let second = try await elsewhere.serve("--scrub-rate", "0")
        let first = try await journey.serve()
        let contents = try makeFile(bytes: 4_000_000)
        let sent = try await satchel(environment(first.url, []), "send", "file")
        let message = try Message(sent.output)
        try await copy(message, from: first, to: second)
        let server = try await Relay(to: "\(first.port)", in: journey)

        let once = try await Relay(to: "\(second.port)", in: elsewhere, "turn=2000000", "turns=1")
        let person = environment(server.url, [first.url], edges: [once.url])
        let opened = try await satchel(person, "open", "-", "-o", "-", "--no-receipt", input: sent.output)
        #expect(opened.status == 0 && opened.outputBytes == contents, "\(opened.errors)")
        let extra = once.count.received - Int(message.size)
        #expect((65_536..<200_000).contains(extra), "\(extra) bytes more than the blob")

        // On the disk of the second server itself.
        try elsewhere.flipByte(
            of: "\(elsewhere.storage)/blobs.v1/\(message.sha256.prefix(2))/\(message.sha256)", at: 3_000_000)
        let moved = sent.output.replacing("\(first.url)", with: "\(server.url)")
        let rotten = environment(server.url, [], edges: [second.url])
        let healed = try await satchel(rotten, "open", "-", "-o", "-", "--no-receipt", input: moved)
        #expect(healed.status == 0 && healed.outputBytes == contents, "\(healed.errors)")
        #expect(healed.errors.contains("is not the file of this message"))
        #expect((65_536..<200_000).contains(server.count.received), "\(server.count.received) bytes of the server")
    }
}
