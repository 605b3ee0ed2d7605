import Foundation
import TestSupport
import Testing

/// Slots on the ways that lead to a store: HTTP/2, and through edges, with the real programs and curl.
@Suite(.timeLimit(.minutes(15)), .enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct SlotPathsTests {
    private let secret = ChatServerSecret()
    /// Where the secrets of the doors are.
    private let secrets: TemporaryFolder

    init() throws {
        secrets = try TemporaryFolder()
        try write(Array("\(secret.text)\n".utf8), toFile: secrets.path("chat.secret"))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: secrets.path("chat.secret"))
    }

    /// A way from a client to a slot.
    private struct Way {
        let scene: EdgeScene
        let server: Server
        var options: [String] = []

        func ask(_ target: String, _ more: String...) async throws -> EdgeAnswer {
            try await scene.get(server, target, options + more)
        }
    }

    private func word(_ path: String, _ bytes: [UInt8]) -> String {
        "slots/chat/\(path)\(secret.query(path, bytes.count))"
    }

    /// Everything that a client does with a slot.
    private func use(_ path: String, _ way: Way) async throws {
        let bytes = EdgeScene.sample(3_000_000)
        let file = way.scene.journey.path("file-\(path)")
        try write(bytes, toFile: file)
        #expect(try await way.ask("slots/chat/\(path)").status == 404)
        let preflight = try await way.ask(
            "slots/chat/\(path)", "-X", "OPTIONS", "-H", "Origin: https://chat.example", "-H",
            "Access-Control-Request-Method: PUT", "-H", "Access-Control-Request-Headers: authorization,content-type")
        #expect(preflight.status == 204 && preflight.fields["access-control-allow-origin"] == "*")
        #expect(preflight.fields["access-control-allow-methods"]?.contains("PUT") == true, "\(preflight.fields)")
        for (target, status) in [
            ("slots/chat/\(path)", 401), ("slots/chat/\(path)?v=00", 403), (word("other", bytes), 403),
            ("slots/chat/\(path)\(secret.query(path, 5))", 403), ("slots/chat/a//b?v=00", 400),
            ("slots/none/\(path)?v=00", 404),
        ] {
            let target = target.replacing("chat/other?", with: "chat/\(path)?")
            let refused = try await way.ask(target, "-T", file, "--path-as-is")
            #expect(refused.status == status && refused.fields["access-control-allow-origin"] == "*", "\(target)")
        }
        #expect(try await way.ask("slots/chat/\(path)").status == 404)
        #expect(try await way.ask(word(path, bytes), "-T", file).status == 201)
        #expect(try await way.ask(word(path, bytes), "-T", file).status == 409)

        let whole = try await way.ask("slots/chat/\(path)")
        let tag = try #require(whole.fields["etag"])
        #expect(whole.status == 200 && whole.body == bytes && whole.fields["content-type"] == "image/jpeg")
        let head = try await way.ask("slots/chat/\(path)", "-I")
        #expect(head.status == 200 && head.fields["content-length"] == "3000000" && head.fields["etag"] == tag)
        for (options, status, body) in [
            (["-r", "2999990-"], 206, bytes[2_999_990...]), (["-r", "-5"], 206, bytes.suffix(5)),
            (["-r", "0-4", "-H", "If-Range: \(tag)"], 206, bytes.prefix(5)),
            (["-r", "0-4", "-H", "If-Range: \"x\""], 200, bytes[...]),
            (["-r", "3000000-"], 416, nil), (["-H", "If-None-Match: \(tag)"], 304, []),
            (["-H", "If-Match: \"x\""], 412, nil), (["-H", "If-None-Match: \"x\""], 200, bytes[...]),
        ] as [([String], Int, ArraySlice<UInt8>?)] {
            let answer = try await way.scene.get(way.server, "slots/chat/\(path)", way.options + options)
            #expect(answer.status == status && answer.fields["access-control-allow-origin"] == "*", "\(options)")
            if let body { #expect(answer.body[...] == body, "\(options)") }
        }
        let address = tag.trimmingCharacters(in: ["\""])
        #expect(try await way.ask(address).status == 404, "not by its address")
    }

    /// Takes a slot down at the origin.
    private func remove(_ path: String, _ scene: EdgeScene) async throws {
        let removed = try await scene.journey.satcheld("remove", "\(scene.origin.url)/slots/chat/\(path)")
        #expect(removed.status == 0, "\(removed.errors)")
    }

    @Test(arguments: ["--http1.1", "--http2"])
    func `a slot is used over TLS in both versions of HTTP, directly and through an edge`(version: String) async throws
    {
        let scene = try await EdgeScene("--slot-secrets", secrets.path)
        try await scene.journey.makeCertificate()
        let edge = try await scene.edge(
            "one", origin: nil, feed: true, on: nil, options: scene.journey.identity)
        let options = [version, "--cacert", scene.journey.path("certificate.pem")]
        let line = version == "--http2" ? "HTTP/2" : "HTTP/1.1"
        let spoken = try await run(
            "/usr/bin/curl", ["-sS", "-o", "/dev/null", "-D", "-"] + options + ["\(edge.url)/slots/chat/nothing"])
        #expect(spoken.output.hasPrefix("\(line) 404"), "\(spoken.output) \(spoken.errors)")
        try await use("edge.jpg", Way(scene: scene, server: edge, options: options))
        try await remove("edge.jpg", scene)
        let gone = try await scene.get(edge, "slots/chat/edge.jpg", options)
        #expect(gone.status == 410, "at once: an edge keeps nothing of it")
        let stats = try await run(
            Programs.path("satcheld"), ["edge-stats", "--cache", scene.journey.path("one")],
            environment: scene.journey.environment(server: nil))
        #expect(stats.output.contains("cached      0 blobs"), "\(stats.output)")
        #expect(await edge.stop() == 0)

        #expect(await scene.origin.stop() == 0)
        let server = try await scene.journey.serve(["--slot-secrets", secrets.path] + scene.journey.identity)
        try await use("direct.jpg", Way(scene: scene, server: server, options: options))
        #expect(await server.stop() == 0)
    }

    @Test func `through a shield and an edge a slot is used as directly`() async throws {
        let scene = try await EdgeScene("--slot-secrets", secrets.path)
        let shield = try await scene.edge("shield", options: scene.keys)
        let log = scene.journey.path("edge.log")
        let edge = try await scene.edge("far", origin: shield.url.absoluteString, options: ["--access-log", log])
        try await use("a.jpg", Way(scene: scene, server: edge))
        #expect(await edge.stop() == 0)
        let lines = String(decoding: try bytes(ofFile: log), as: UTF8.self)
        #expect(lines.contains("route=slot blob=slots/chat/") && !lines.contains("a.jpg") && !lines.contains("v="))
        #expect(await shield.stop() == 0)
    }

    @Test func `an edge that passes nothing on has no slots`() async throws {
        let scene = try await EdgeScene("--slot-secrets", secrets.path)
        let edge = try await scene.edge("one", options: ["--pass", "false"])
        let file = scene.journey.path("file")
        try write([1, 2, 3], toFile: file)
        let target = word("a.jpg", [1, 2, 3])
        #expect(try await scene.get(edge, target, "-T", file).status == 404)
        #expect(try await scene.get(scene.origin, target, "-T", file).status == 201)
        let missing = try await scene.get(edge, "slots/chat/a.jpg")
        #expect(missing.status == 404 && missing.fields["access-control-allow-origin"] == "*")
        #expect(await edge.stop() == 0)
    }
}
