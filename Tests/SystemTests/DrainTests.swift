import Blobs
import Files
import Foundation
import TestSupport
import Testing

/// Two servers, of which the new one takes over from the old one.
struct DrainScene {
    let journey: Journey
    let old: Server
    let new: Server
    /// The options of the new one, but for its address.
    let options: [String]

    /// Both answer with URLs below this, at which clients reach the new one.
    static let publicURL = "http://media.example"

    /// Without `feed` the new one has no key of the old one, and lives by ages alone.
    init(feed: Bool = true, _ options: String...) async throws {
        journey = try Journey(anyoneUploads: true)
        let made = try await run(Programs.path("satcheld"), ["edge-key", journey.path("edge.key")])
        #expect(made.status == 0, "\(made.errors)")
        let shared = ["--accept", "any", "--address-request-rate", "0", "--allow-anonymous-uploads"]
        let keys = ["--edge-keys", journey.path("edge.key"), "--public-url", Self.publicURL]
        old = try await Self.serve(journey, "old", shared + keys)
        let drain = ["--drain-from", old.url.absoluteString] + (feed ? ["--drain-key", journey.path("edge.key")] : [])
        self.options = shared + keys + drain + options
        new = try await Self.serve(journey, "new", self.options)
    }

    private static func serve(_ journey: Journey, _ storage: String, _ options: [String]) async throws -> Server {
        try await Server(
            RunningCommand(
                Programs.path("satcheld"),
                ["serve", "--listen", "127.0.0.1:0", "--storage", journey.path(storage)] + options,
                environment: journey.environment(server: nil)))
    }

    /// Asks a server with curl: status, fields in lower case, body.
    func ask(_ server: Server, _ path: String, _ options: [String] = []) async throws -> EdgeAnswer {
        let body = journey.path("body-\(UInt64.random(in: 0 ... .max))")
        let result = try await run(
            "/usr/bin/curl", ["-sS", "--max-time", "900", "-D", "-", "-o", body] + options + ["\(server.url)\(path)"])
        return EdgeAnswer(head: result.output, body: (try? bytes(ofFile: body)) ?? [])
    }

    func get(_ server: Server, _ address: String, _ options: String...) async throws -> EdgeAnswer {
        try await ask(server, "/\(address)", options)
    }

    /// Stores bytes at a server; their address.
    func send(_ bytes: [UInt8], to server: Server, _ fields: [String] = []) async throws -> String {
        let path = file(bytes)
        let answer = try await ask(server, "/upload", ["-T", path] + fields.flatMap { ["-H", $0] })
        #expect(answer.status == 201, "\(answer.text)")
        return try #require(answer.text.firstMatch(of: /"sha256":"([0-9a-f]{64})"/).map { String($0.output.1) })
    }

    func file(_ bytes: [UInt8]) -> String {
        let path = journey.path("file-\(UInt64.random(in: 0 ... .max))")
        do { try write(bytes, toFile: path) } catch { Issue.record(error) }
        return path
    }

    func revoke(_ address: String, at server: Server, _ secret: Secret) async throws -> Int {
        try await ask(server, "/\(address)", ["-X", "DELETE", "-H", secret.field]).status
    }

    /// Runs a command of an operator on the new store.
    func command(_ arguments: String...) async throws -> CommandResult {
        try await run(
            Programs.path("satcheld"), arguments + ["--storage", journey.path("new")],
            environment: journey.environment(server: nil))
    }

    func stop() async {
        #expect(await new.stop() == 0)
        if old.command.isRunning { #expect(await old.stop() == 0) }
    }
}

extension Secret {
    fileprivate var field: String { "Satchel-Secret: \(base64url)" }
    fileprivate var owner: String { "Satchel-Owner: \(hash.base64url)" }
}

extension EdgeAnswer {
    fileprivate var text: String { String(decoding: body, as: UTF8.self) }
}

/// `satcheld serve --drain-from`: a new server in front of an old one, which nobody else reaches any more.
@Suite(.timeLimit(.minutes(30)), .enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct DrainTests {
    // MARK: Reading

    @Test(arguments: [1, 100_000, 3_000_000])
    func `a blob of the old server is read through the new one: whole, in part, by its head`(count: Int) async throws {
        let scene = try await DrainScene()
        let bytes = EdgeScene.sample(count)
        let address = try await scene.send(bytes, to: scene.old)
        let first = try await scene.get(scene.new, address)
        #expect(first.status == 200 && first.body == bytes && first.fields["etag"] == "\"\(address)\"")
        let there = try await scene.get(scene.old, address)
        #expect(first.fields["sunset"] == there.fields["sunset"])
        #expect(first.fields["cache-control"]?.contains("max-age=300") == true)
        try await eventually { try await scene.get(scene.new, address).cacheStatus.hasSuffix("; hit") }
        let part = try await scene.get(scene.new, address, "-r", "0-0")
        #expect(part.status == 206 && part.body == [bytes[0]])
        let head = try await scene.get(scene.new, address, "-I")
        #expect(head.status == 200 && head.fields["content-length"] == "\(count)")
        let known = try await scene.get(scene.new, address, "-H", "If-None-Match: \"\(address)\"")
        #expect(known.status == 304)
        let unknown = String(repeating: "0", count: 64)
        #expect(try await scene.get(scene.new, unknown).status == 404)
        await scene.stop()
    }

    @Test func `what is uploaded at the new server lives there alone, also what the old one has`() async throws {
        let scene = try await DrainScene()
        let (bytes, others) = (EdgeScene.sample(100_000), EdgeScene.sample(5000))
        let secret = Secret.random()
        let address = try await scene.send(bytes, to: scene.old)
        #expect(try await scene.get(scene.new, address).body == bytes)
        #expect(try await scene.send(bytes, to: scene.new, [secret.owner, "Satchel-Lifetime: 600"]) == address)
        let own = try await scene.get(scene.new, address)
        #expect(own.body == bytes && own.fields["cache-status"] == nil, "the own one wins at once")
        let other = try await scene.send(others, to: scene.new)
        #expect(try await scene.get(scene.old, other).status == 404)

        // Another's lease there still holds it.
        #expect(try await scene.revoke(address, at: scene.new, secret) == 204)
        #expect(try await scene.get(scene.new, address).body == bytes)
        #expect(await scene.old.stop() == 0)
        #expect(try await scene.get(scene.new, other).body == others)
        await scene.stop()
    }

    @Test(arguments: [true, false])
    func `what ends at the old server ends here, by its feed or by its age`(feed: Bool) async throws {
        let scene = try await DrainScene(feed: feed, "--cache-max-age", feed ? "1h" : "1s")
        let secret = Secret.random()
        let address = try await scene.send(EdgeScene.sample(5000), to: scene.old, [secret.owner])
        #expect(try await scene.get(scene.new, address).status == 200)
        #expect(try await scene.revoke(address, at: scene.old, secret) == 204)
        try await eventually { try await scene.get(scene.new, address).status == 410 }
        await scene.stop()
    }

    @Test func `what the old server cannot answer for any more is not served beyond its age`() async throws {
        let scene = try await DrainScene("--cache-max-age", "1s")
        let address = try await scene.send(EdgeScene.sample(5000), to: scene.old)
        try await eventually { try await scene.get(scene.new, address).cacheStatus.hasSuffix("; hit") }
        // So many connections come to every event loop.
        let readers = 0..<32
        for _ in readers { #expect(try await scene.get(scene.new, address).status == 200) }
        #expect(await scene.old.stop() == 0)
        try await eventually {
            for _ in readers where try await scene.get(scene.new, address).status != 504 { return false }
            return true
        }
        await scene.stop()
    }

    // MARK: Leases

    @Test(arguments: [true, false])
    func `leases of the old server are shown, renewed, confirmed and revoked through the new one`(
        feed: Bool
    ) async throws {
        let scene = try await DrainScene(feed: feed, "--cache-max-age", "1h")
        let (owner, receipt, stranger) = (Secret.random(), Secret.random(), Secret.random())
        let address = try await scene.send(
            EdgeScene.sample(5000), to: scene.old,
            [owner.owner, "Satchel-Receipt: \(receipt.hash.base64url)", "Satchel-Recipients: 2"])
        #expect(try await scene.get(scene.new, address).status == 200)
        let lease = ["-H", owner.field]
        let shown = try await scene.ask(scene.new, "/\(address)/lease", lease)
        #expect(shown.status == 200 && shown.text.contains(#""state":"held""#), "\(shown.text)")

        let before = try await scene.get(scene.new, address).fields["sunset"]
        let renewed = try await scene.ask(
            scene.new, "/\(address)/lease", lease + ["-X", "PATCH", "-H", "Satchel-Lifetime: 3600"])
        #expect(renewed.status == 200, "\(renewed.text)")
        let after = try await scene.get(scene.new, address).fields["sunset"]
        let there = try await scene.get(scene.old, address).fields["sunset"]
        #expect(after != before && after == there)

        let recipient = String(repeating: "A", count: 22)
        let confirmed = try await scene.ask(
            scene.new, "/\(address)/receipts/\(recipient)", ["-X", "PUT", "-H", receipt.field])
        #expect(confirmed.status == 204, "\(confirmed.text)")
        #expect(try await scene.ask(scene.old, "/\(address)/lease", lease).text.contains(recipient))

        let added = try await scene.ask(scene.new, "/\(address)/leases", ["-X", "POST", "-H", stranger.owner])
        #expect(added.status == 201 && added.text.contains(#""url":"\#(DrainScene.publicURL)/\#(address)""#))
        #expect(try await scene.revoke(address, at: scene.new, stranger) == 204)

        #expect(try await scene.revoke(address, at: scene.new, .random()) == 403)
        #expect(try await scene.revoke(String(repeating: "0", count: 64), at: scene.new, owner) == 404)
        #expect(try await scene.revoke(address, at: scene.new, owner) == 204)
        #expect(try await scene.get(scene.new, address).status == 410)
        #expect(try await scene.get(scene.old, address).status == 410)
        await scene.stop()
    }

    @Test func `an upload that was sent to both is revoked at both`() async throws {
        let scene = try await DrainScene()
        let (bytes, secret) = (EdgeScene.sample(5000), Secret.random())
        let address = try await scene.send(bytes, to: scene.old, [secret.owner])
        #expect(try await scene.send(bytes, to: scene.new, [secret.owner]) == address)
        #expect(try await scene.revoke(address, at: scene.new, secret) == 204)
        #expect(try await scene.get(scene.new, address).status == 410)
        #expect(try await scene.get(scene.old, address).status == 410)
        await scene.stop()
    }

    // MARK: Uploads

    @Test func `an upload that the old server has begun is finished through the new one`() async throws {
        let scene = try await DrainScene()
        let bytes = EdgeScene.sample(3_000_000)
        let (first, second) = (Array(bytes[..<1_000_000]), Array(bytes[1_000_000...]))
        let tus = ["-H", "Tus-Resumable: 1.0.0"]
        let append = tus + ["-X", "PATCH", "-H", "Content-Type: application/offset+octet-stream"]
        func begin(at server: Server) async throws -> String {
            let made = try await scene.ask(
                server, "/uploads", tus + ["-X", "POST", "-H", "Upload-Length: \(bytes.count)"])
            let location = try #require(made.fields["location"], "\(made.text)")
            #expect(made.status == 201 && location.hasPrefix(DrainScene.publicURL))
            return String(location.dropFirst(DrainScene.publicURL.count))
        }
        let path = try await begin(at: scene.old)
        let half = try await scene.ask(
            scene.old, path, append + ["-H", "Upload-Offset: 0", "--data-binary", "@\(scene.file(first))"])
        #expect(half.status == 204)
        let shown = try await scene.ask(scene.new, path, tus + ["-I"])
        #expect(shown.fields["upload-offset"] == "1000000", "\(shown.fields)")
        let rest = try await scene.ask(
            scene.new, path, append + ["-H", "Upload-Offset: 1000000", "--data-binary", "@\(scene.file(second))"])
        let url = try #require(rest.fields["content-location"], "\(rest.status) \(rest.text)")
        #expect(rest.status == 204 && url.hasPrefix(DrainScene.publicURL))
        let address = String(url.suffix(64))
        #expect(try await scene.get(scene.new, address).body == bytes)
        #expect(try await scene.get(scene.old, address).body == bytes)

        let cancelled = try await begin(at: scene.old)
        #expect(try await scene.ask(scene.new, cancelled, tus + ["-X", "DELETE"]).status == 204)
        #expect(try await scene.ask(scene.old, cancelled, tus + ["-I"]).status == 404)
        #expect(try await scene.ask(scene.new, cancelled, tus + ["-I"]).status == 404)

        let own = try await begin(at: scene.new)
        #expect(try await scene.ask(scene.old, own, tus + ["-I"]).status == 404)
        #expect(try await scene.ask(scene.new, own, tus + ["-I"]).fields["upload-offset"] == "0")
        await scene.stop()
    }

    // MARK: Operators

    @Test func `a ban here refuses what the old server has, and so does a removal of what both have`() async throws {
        let scene = try await DrainScene()
        let (bytes, owner) = (EdgeScene.sample(5000), Secret.random())
        let banned = try await scene.send(bytes, to: scene.old, [owner.owner])
        #expect(try await scene.get(scene.new, banned).status == 200)
        #expect(try await scene.command("remove", banned, "--ban").status == 0)
        #expect(try await scene.get(scene.new, banned).status == 404)
        #expect(try await scene.get(scene.old, banned).status == 200, "the old one knows nothing of it")
        let added = try await scene.ask(scene.new, "/\(banned)/leases", ["-X", "POST"])
        #expect(added.status == 403 && added.text.contains("banned"))
        let renewed = try await scene.ask(scene.new, "/\(banned)/lease", ["-X", "PATCH", "-H", owner.field])
        #expect(renewed.status == 404)
        #expect(try await scene.command("remove", banned, "--unban").status == 0)
        #expect(try await scene.get(scene.new, banned).body == bytes)

        let removed = try await scene.send(EdgeScene.sample(6000), to: scene.old)
        let again = try await scene.get(scene.old, removed).body
        #expect(try await scene.send(again, to: scene.new) == removed)
        #expect(try await scene.command("remove", removed).status == 0)
        #expect(try await scene.get(scene.new, removed).status == 410)
        #expect(try await scene.get(scene.old, removed).status == 200)
        await scene.stop()
    }

    @Test func `an edge in front of the new server hears what ends at the old one, and what is banned here`()
        async throws
    {
        let scene = try await DrainScene("--cache-max-age", "1h")
        let edge = try await Server(
            RunningCommand(
                Programs.path("satcheld"),
                [
                    "edge", "--listen", "127.0.0.1:0", "--origin", scene.new.url.absoluteString, "--cache",
                    scene.journey.path("edge"), "--edge-key", scene.journey.path("edge.key"), "--keep-free", "0",
                    "--address-request-rate", "0", "--cache-max-age", "1h",
                ], environment: scene.journey.environment(server: nil)))
        try await eventually {
            try await run(
                Programs.path("satcheld"), ["edge-stats", "--json", "--cache", scene.journey.path("edge")],
                environment: scene.journey.environment(server: nil)
            ).output.contains("feed_age")
        }
        let secret = Secret.random()
        let revoked = try await scene.send(EdgeScene.sample(5000), to: scene.old, [secret.owner])
        let banned = try await scene.send(EdgeScene.sample(6000), to: scene.old)
        for address in [revoked, banned] { #expect(try await scene.get(edge, address).status == 200) }
        #expect(try await scene.revoke(revoked, at: scene.old, secret) == 204)
        #expect(try await scene.command("remove", banned, "--ban").status == 0)
        try await eventually { try await scene.get(edge, revoked).status == 410 }
        try await eventually { try await scene.get(edge, banned).status == 404 }
        #expect(await edge.stop() == 0)
        await scene.stop()
    }

    @Test func `the new server goes on when the old one is gone`() async throws {
        let scene = try await DrainScene(feed: false, "--admin-listen", "127.0.0.1:0")
        let secret = Secret.random()
        let bytes = EdgeScene.sample(5000)
        let lost = try await scene.send(EdgeScene.sample(6000), to: scene.old, [secret.owner])
        let own = try await scene.send(bytes, to: scene.new, [secret.owner])
        #expect(await scene.old.stop() == 0)
        #expect(try await scene.get(scene.new, own).body == bytes)
        #expect(try await scene.get(scene.new, lost).status == 504)
        #expect(try await scene.ask(scene.new, "/\(lost)/lease", ["-H", secret.field]).status == 504)
        #expect(try await scene.ask(scene.new, "/\(own)/lease", ["-H", secret.field]).status == 200)
        let ready = try await scene.ask(scene.new, "/readyz")
        #expect(ready.status == 200 && ready.text == "ready, draining\n")
        #expect(try await scene.revoke(own, at: scene.new, secret) == 204)
        #expect(String(decoding: scene.new.command.outputSoFar, as: UTF8.self).contains("draining \(scene.old.url)"))
        await scene.stop()
    }
}
