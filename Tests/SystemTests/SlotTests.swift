import Blobs
import Foundation
import TestSupport
import Testing

/// The doors of chat servers, with the real programs: `satcheld` and curl.
@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct SlotTests {
    private let journey: Journey
    private let secret = ChatServerSecret()
    private var secrets: String { journey.path("secrets") }

    init() throws {
        journey = try Journey()
        try FileManager.default.createDirectory(atPath: secrets, withIntermediateDirectories: true)
        try write(secret, to: "chat.secret")
    }

    private func write(_ secret: ChatServerSecret, to name: String) throws {
        let path = "\(secrets)/\(name)"
        try Data("\(secret.text)\n".utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }

    /// Asks the server for something; the status of the answer.
    private func status(_ arguments: String..., target: String, of server: Server) async throws -> String {
        try await run(
            "/usr/bin/curl",
            ["-sS", "-g", "--path-as-is", "--max-time", "900", "-o", "answer", "-w", "%{http_code}"] + arguments + [
                "\(server.url)\(target)"
            ], in: journey.folder.path
        ).output
    }

    private func put(_ path: String, _ secret: ChatServerSecret, _ file: String, at server: Server) async throws
        -> String
    {
        let size = try bytes(ofFile: journey.path(file)).count
        let escaped = path.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? path
        return try await status("-T", file, target: "/slots/chat/\(escaped)\(secret.query(path, size))", of: server)
    }

    @Test func `names of files, people and queries are nowhere in store, catalog and logs`() async throws {
        let log = journey.path("access.log")
        let server = try await journey.serve("--slot-secrets", secrets, "--access-log", log, "--log-level", "trace")
        let (address, file) = ("alice.wonderland@chat.example", "A holiday with the Müllers.jpg")
        let user = ChatServerSecret.digest(of: address)
        try TestSupport.write([UInt8](repeating: 3, count: 90_000), toFile: journey.path("blob"))
        #expect(try await put("\(user)/random-segment/\(file)", secret, "blob", at: server) == "201")
        let claims =
            #"{"slot":"prosody-slot","filename":"report-of-the-year.pdf","filesize":90000,"#
            + #""sub":"\#(address)","exp":\#(Int(Date().timeIntervalSince1970) + 600)}"#
        let token = secret.token(claims: claims)
        let target = "/slots/chat/prosody-slot/report-of-the-year.pdf"
        #expect(
            try await status("-T", "blob", "-H", "Authorization: Bearer \(token)", target: target, of: server) == "201")
        #expect(try await status(target: "\(target)?secret-query=1", of: server) == "200")
        #expect(try await status("-T", "blob", target: "\(target)?v=secret-query", of: server) == "403")
        let slot = "\(user)/random-segment/\(file)".addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? ""
        #expect(try await status(target: "/slots/chat/\(slot)", of: server) == "200")
        #expect(try await status("-T", "blob", target: "/slots/chat/prosody-slot/../x", of: server) == "400")
        let stats = try await journey.satcheld("stats")
        #expect(stats.output.contains("2 held at door chat"), "\(stats.output)")
        #expect(await server.stop() == 0)

        var places = [("log", Array(server.log.utf8)), ("access log", try bytes(ofFile: log))]
        for file in FileManager.default.enumerator(atPath: journey.storage)?.compactMap({ $0 as? String }) ?? [] {
            if let contents = try? bytes(ofFile: "\(journey.storage)/\(file)") { places.append((file, contents)) }
        }
        #expect(
            places.count > 4 && String(decoding: places[1].1, as: UTF8.self).contains("route=slot blob=slots/chat/"))
        let needles = [
            "holiday", "ller", "report-of", "random-segment", "prosody-slot", "alice", "wonderland", "secret-query",
            token,
            secret.text, secret.query("\(user)/random-segment/\(file)", 90_000).dropFirst(3).description,
        ]
        for (place, contents) in places {
            for needle in needles {
                #expect(Data(contents).range(of: Data(needle.utf8)) == nil, "\(needle) found in \(place)")
            }
        }
    }

    @Test func `nobody finds out by its address what a slot holds, by uploading, revoking and waiting either`()
        async throws
    {
        let server = try await journey.serve(
            "--slot-secrets", secrets, "--accept", "any", "--allow-anonymous-uploads", "--tombstone-lifetime", "1s",
            // Nothing is forgotten before this test says so.
            "--gc-interval", "1d")
        let guess = [UInt8](repeating: 5, count: 5000)
        try TestSupport.write(guess, toFile: journey.path("guess"))
        let digest = try await run("/usr/bin/sha256sum", ["guess"], in: journey.folder.path).output.prefix(64)
        let target = "/\(digest)"
        #expect(try await put("s/form.pdf", secret, "guess", at: server) == "201")
        #expect(try await status(target: target, of: server) == "404")
        for _ in 0..<2 {
            let owner = Secret.random()
            let uploaded = try await status(
                "-T", "guess", "-H", "Satchel-Owner: \(owner.hash.base64url)", target: "/upload", of: server)
            #expect(uploaded == "201", "as new, each time")
            #expect(try await status(target: target, of: server) == "200")
            let revoked = try await status(
                "-X", "DELETE", "-H", "Satchel-Secret: \(owner.base64url)", target: target, of: server)
            #expect(revoked == "204")
            #expect(try await status(target: target, of: server) == "410")
            // Forgotten with the tombstones of its age.
            try await eventually {
                _ = try await journey.satcheld("gc")
                return try await status(target: target, of: server) == "404"
            }
        }
        #expect(try await status(target: "/slots/chat/s/form.pdf", of: server) == "200")
        #expect(await server.stop() == 0)
    }

    @Test func `an operator takes down what a link leads to, and all that a person holds`() async throws {
        let server = try await journey.serve("--slot-secrets", secrets)
        let user = ChatServerSecret.digest(of: "bob@chat.example")
        for (number, name) in ["one", "two", "three"].enumerated() {
            try TestSupport.write([UInt8](repeating: UInt8(number), count: 5000 + number), toFile: journey.path(name))
            #expect(try await put("\(user)/r/\(name).jpg", secret, name, at: server) == "201")
        }
        func target(_ name: String) -> String { "/slots/chat/\(user)/r/\(name).jpg" }
        let key = String(repeating: "0f", count: 44)
        let link = "\(server.url)\(target("one"))#\(key)".replacing("http://", with: "aesgcm://")
        let removed = try await journey.satcheld("remove", link, "\(server.url)\(target("two"))?v=1", "--json")
        #expect(removed.status == 0 && removed.output.split(separator: "\n").count == 2, "\(removed.errors)")
        #expect(!removed.output.contains(key))
        for (name, expected) in [("one", "410"), ("two", "410"), ("three", "200")] {
            #expect(try await status(target: target(name), of: server) == expected, "\(name)")
        }
        let unknown = try await journey.satcheld("remove", "\(server.url)/slots/chat/nothing")
        #expect(unknown.status == 1 && unknown.output.contains("does not know this slot"))
        for arguments in [
            ["ftp://x/y"], ["\(server.url)/slots/chat/a//b#\(key)"], ["x#\(key)"], ["--user", "bob"], ["--dry-run"],
        ] {
            let refused = try await run(
                Programs.path("satcheld"), ["remove"] + arguments + ["--storage", journey.storage])
            #expect(refused.status == 64 && !refused.errors.contains(key), "\(arguments)")
        }
        let nobody = try await journey.satcheld("remove", "--user", "rob@chat.example")
        #expect(nobody.status == 0 && nobody.output == "nobody of this address holds anything\n", "\(nobody.output)")
        let dry = try await journey.satcheld("remove", "--user", "xmpp:Bob@chat.example/phone", "--dry-run")
        #expect(dry.status == 0 && dry.output.contains("leases held    1"), "\(dry.output)\(dry.errors)")
        #expect(try await status(target: target("three"), of: server) == "200")
        let all = try await journey.satcheld("remove", "--user", "bob@chat.example", "--json")
        #expect(all.output.contains(#""leasesEnded":1"#) && all.output.contains(#""blobsRemoved":1"#), "\(all.output)")
        #expect(try await status(target: target("three"), of: server) == "410")
        #expect(try await journey.satcheld("fsck").status == 0)
        #expect(await server.stop() == 0)
    }

    @Test func `with doors alone a server that others reach takes slots and no tickets, and says why it refuses`()
        async throws
    {
        let server = try await journey.serve("--slot-secrets", secrets, "--public-url", "https://media.example")
        let line = String(decoding: server.command.outputSoFar, as: UTF8.self)
        #expect(line.contains("ready at http://127.0.0.1:") && !line.contains("ticket"), "\(line)")
        #expect(server.log.contains("Uploads come through slots alone"))
        try TestSupport.write([1, 2, 3], toFile: journey.path("blob"))
        #expect(try await put("s/a.jpg", secret, "blob", at: server) == "201")
        #expect(try await status("-T", "blob", target: "/upload", of: server) == "401")
        #expect(try await status("-H", "Authorization: Bearer a.b.c", target: "/quota", of: server) == "401")
        let other = ChatServerSecret("another secret of thirty-two bytes or more")
        for name in ["b", "c", "d"] { #expect(try await put("s/\(name).jpg", other, "blob", at: server) == "403") }
        let told = server.log.split(separator: "\n").filter { $0.contains("Refused an upload to a slot for its word") }
        // At most once a minute, which may have passed.
        #expect(!told.isEmpty, "\(server.log)")
        let reason = "no secret of this door has signed it"
        #expect(told.allSatisfy { $0.contains("door=chat") && $0.contains(reason) }, "\(told)")
        #expect(await server.stop() == 0)
    }

    @Test func `secrets are read again while the server runs, and bad ones stop it at its start`() async throws {
        let server = try await journey.serve("--slot-secrets", secrets)
        try TestSupport.write([1, 2, 3], toFile: journey.path("blob"))
        let next = ChatServerSecret("another secret of thirty-two bytes or more")
        #expect(try await put("s/a.jpg", next, "blob", at: server) == "403")
        try write(next, to: "chat.2027.secret")
        server.command.send(signal: SIGHUP)
        _ = try await eventually { server.log.contains("Reloaded") ? true : nil }
        #expect(try await put("s/a.jpg", next, "blob", at: server) == "201")
        #expect(try await put("s/b.jpg", secret, "blob", at: server) == "201")
        #expect(await server.stop() == 0)
        for (text, why) in [("short", "32 to 256 bytes"), (String(repeating: "x", count: 257), "32 to 256 bytes")] {
            try write(ChatServerSecret(text), to: "bad.secret")
            let refused = try await run(
                Programs.path("satcheld"),
                ["serve", "--listen", "127.0.0.1:0", "--storage", journey.storage, "--slot-secrets", secrets])
            #expect(refused.status == 78 && refused.errors.contains(why), "\(refused.errors)")
            #expect(refused.errors.contains("bad.secret") && !refused.errors.contains(text))
        }
    }
}
