import BlobHTTP
import Blobs
import Store
import TestSupport
import Testing
import Vault

@Suite(.timeLimit(.minutes(15))) struct ReadingRouteTests {
    @Test func `a blob goes in and comes out again, whole, in ranges and conditionally`() async throws {
        try await TestServer.run { server in
            let bytes = makeBytes(300_000) { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            let address = try await server.put(bytes)
            let path = "/\(address.hex)"
            let whole = try #require(try await server.answer(to: "GET", path + ".bin?x=y"))
            #expect(whole.statusLine == "HTTP/1.1 200 OK")
            #expect(whole.body == bytes)
            #expect(whole["etag"] == "\"\(address.hex)\"")
            #expect(whole["date"] != nil)
            #expect(whole["connection"] == nil)
            let part = try #require(try await server.answer(to: "GET", path, fields: [("Range", "bytes=5-199999")]))
            #expect(part.status == 206 && part.body == Array(bytes[5...199_999]))
            #expect(part["content-range"] == "bytes 5-199999/300000")
            let fields = [("Range", "bytes=299999-,0-1")]
            let parts = try #require(try await server.answer(to: "GET", path, fields: fields))
            #expect(parts.status == 206)
            #expect(parts["content-length"] == "\(parts.body.count)")
            #expect(parts.text.contains("Content-Range: bytes 299999-299999/300000\r\n\r\n"))
            #expect(parts.text.hasSuffix("\r\n--\(address.hex)--\r\n"))
            let same = try #require(
                try await server.answer(to: "GET", path, fields: [("If-None-Match", "W/\"\(address.hex)\"")]))
            #expect(same.status == 304 && same.body.isEmpty && same["content-length"] == nil)
            let failed = try #require(try await server.answer(to: "GET", path, fields: [("If-Match", "\"x\"")]))
            #expect(failed.status == 412 && failed["x-reason"] == "precondition-failed")
            let beyond = try #require(
                try await server.answer(to: "GET", path, fields: [("Range", "bytes=300000-")]))
            #expect(beyond.status == 416 && beyond["content-range"] == "bytes */300000")
            #expect(beyond["cache-control"] == "no-store" && beyond["x-reason"] == "bad-range")
            let huge = [("Range", "bytes=0-9223372036854775807")]
            #expect(try await server.answer(to: "GET", path, fields: huge)?.body == bytes)
            let head = try #require(try await server.answer(to: "HEAD", path, fields: [("Range", "bytes=0-1")]))
            #expect(head.status == 200 && head["content-length"] == "300000")
        }
    }

    @Test func `an empty blob is a blob`() async throws {
        try await TestServer.run { server in
            let address = try await server.put([])
            let answer = try #require(try await server.answer(to: "GET", "/\(address.hex)"))
            #expect(answer.status == 200 && answer["content-length"] == "0" && answer.body.isEmpty)
            let range = try #require(
                try await server.answer(to: "GET", "/\(address.hex)", fields: [("Range", "bytes=0-")]))
            #expect(range.status == 416)
        }
    }

    @Test func `never held is 404, held once is 410 with its reason, and neither is cached`() async throws {
        try await TestServer.run { server in
            let unknown = "/" + String(repeating: "0", count: 64)
            for method in ["GET", "HEAD"] {
                let answer = try #require(try await server.answer(to: method, unknown))
                #expect(answer.status == 404 && answer["x-reason"] == "not-found")
                #expect(answer["cache-control"] == "no-store" && answer["access-control-allow-origin"] == "*")
            }
            let secret = Secret.random()
            let owner = [("Satchel-Owner", secret.hash.base64url)]
            let address = try await server.put([1, 2, 3], fields: owner)
            let shown = [("Satchel-Secret", secret.base64url)]
            let revoked = try #require(try await server.answer(to: "DELETE", "/\(address.hex)", fields: shown))
            #expect(revoked.statusLine == "HTTP/1.1 204 No Content" && revoked["content-length"] == nil)
            #expect(try await server.answer(to: "DELETE", "/\(address.hex)", fields: shown)?.status == 204)
            let gone = try #require(try await server.answer(to: "GET", "/\(address.hex)"))
            #expect(gone.status == 410 && gone["x-reason"] == "gone" && gone["cache-control"] == "no-store")
            #expect(gone["content-type"] == "application/problem+json")
            #expect(gone.text.contains("\"reason\":\"revoked\"") && gone.text.contains("\"type\":\"/problems/gone\""))
            let again = try #require(
                try await server.answer(to: "PUT", "/upload", fields: owner, body: [1, 2, 3]))
            #expect(again.status == 410 && again["x-reason"] == "lease-ended")
        }
    }

    @Test func `a lease is shown to whoever has its secret, and to nobody else`() async throws {
        try await TestServer.run { server in
            let secret = Secret.random()
            let address = try await server.put(
                [7], fields: [("Satchel-Owner", secret.hash.base64url), ("Satchel-Recipients", "3")])
            let path = "/\(address.hex)/lease"
            let answer = try #require(
                try await server.answer(to: "GET", path, fields: [("Satchel-Secret", secret.base64url)]))
            #expect(answer.status == 200 && answer["cache-control"] == "no-store")
            #expect(answer.text.contains("\"state\":\"held\"") && answer.text.contains("\"recipients\":3"))
            #expect(answer.text.contains("\"received\":[]") && answer.text.contains("\"size\":1"))
            let other = [("Satchel-Secret", Secret.random().base64url)]
            let stranger = try #require(try await server.answer(to: "GET", path, fields: other))
            #expect(stranger.status == 403 && stranger["x-reason"] == "wrong-secret")
            #expect(try await server.answer(to: "GET", path)?.status == 403)
            #expect(try await server.answer(to: "GET", path, fields: [("Satchel-Secret", "x")])?.status == 400)
            let unknown = "/" + String(repeating: "0", count: 64) + "/lease"
            #expect(try await server.answer(to: "GET", unknown, fields: other)?.status == 404)
            #expect(try await server.answer(to: "DELETE", "/\(address.hex)", fields: other)?.status == 403)
        }
    }

    @Test func `every route takes its methods, tells them to others, and answers a preflight`() async throws {
        try await TestServer.run { server in
            let address = try await server.put([1])
            let table: [(path: String, allow: String)] = [
                ("/\(address.hex)", "GET, HEAD, DELETE, OPTIONS"),
                ("/\(address.hex)/lease", "GET, HEAD, PATCH, OPTIONS"),
                ("/\(address.hex)/leases", "POST, OPTIONS"),
                ("/\(address.hex)/receipts/AAAAAAAAAAAAAAAAAAAAAA", "PUT, OPTIONS"),
                ("/upload", "PUT, HEAD, POST, OPTIONS"), ("/uploads", "POST, OPTIONS"),
                ("/upload/", "PUT, HEAD, POST, OPTIONS"), ("/uploads/", "POST, OPTIONS"), ("/files", "POST, OPTIONS"),
                ("/files/", "POST, OPTIONS"),
                ("/files/\(String(repeating: "0", count: 32))/", "HEAD, PATCH, DELETE, OPTIONS"),
                ("/uploads/\(String(repeating: "0", count: 32))", "HEAD, PATCH, DELETE, OPTIONS"),
                ("/quota", "GET, HEAD, OPTIONS"),
                ("/open/\(address.hex)", "GET, HEAD, OPTIONS"), ("/open/video.js", "GET, HEAD, OPTIONS"),
                ("/send", "GET, HEAD, OPTIONS"),
                ("/healthz", "GET, HEAD, OPTIONS"), ("/readyz", "GET, HEAD, OPTIONS"),
            ]
            for (path, allow) in table {
                for method in ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "TRACE", "PROPFIND"] {
                    let answer = try #require(try await server.answer(to: method, path), "\(method) \(path)")
                    let isAllowed = allow.split(separator: ", ").contains(method[...])
                    #expect((answer.status == 405) == !isAllowed, "\(method) \(path)")
                    if !isAllowed { #expect(answer["allow"] == allow) }
                    if !isAllowed { #expect(answer["cache-control"] == "no-store") }
                }
                let options = try #require(try await server.answer(to: "OPTIONS", path))
                #expect(options.status == 204 && options["allow"] == allow && options["content-length"] == nil)
                #expect(try await server.answer(to: "GET", path + "/x")?.status == 404)
            }
            #expect(try await server.answer(to: "OPTIONS", "*")?.status == 204)
        }
    }

    @Test func `pages of any origin read, only the server's own write`() async throws {
        try await TestServer.run { server in
            let address = try await server.put([1])
            let read = [("Origin", "https://x.example"), ("Access-Control-Request-Method", "GET")]
            let preflight = try #require(try await server.answer(to: "OPTIONS", "/\(address.hex)", fields: read))
            #expect(preflight["access-control-allow-origin"] == "*")
            #expect(preflight["access-control-allow-methods"] == "GET, HEAD")
            let write = [("Origin", "https://x.example"), ("Access-Control-Request-Method", "PUT")]
            let refused = try #require(try await server.answer(to: "OPTIONS", "/upload", fields: write))
            #expect(refused.status == 204 && refused["access-control-allow-origin"] == nil)
            let own = [("Origin", server.url), ("Access-Control-Request-Method", "DELETE")]
            let allowed = try #require(try await server.answer(to: "OPTIONS", "/\(address.hex)", fields: own))
            #expect(allowed["access-control-allow-origin"] == server.url && allowed["vary"] == "Origin")
            #expect(allowed["access-control-allow-methods"] == "DELETE")
            let answer = try #require(
                try await server.answer(to: "GET", "/\(address.hex)", fields: [("Origin", "https://x.example")]))
            #expect(answer["access-control-allow-origin"] == "*")
            #expect(answer["access-control-expose-headers"]?.contains("Repr-Digest") == true)
        }
    }

    @Test func `health is short for strangers and told in detail to the operator`() async throws {
        try await TestServer.run { server in
            #expect(try await server.answer(to: "GET", "/healthz")?.text == "ok\n")
            #expect(try await server.answer(to: "GET", "/readyz")?.text == "ready\n")
            let admin = try await RawClient.connect(port: server.adminPort)
            for path in ["/readyz", "/upload"] {
                try await admin.send("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
            }
            let detailed = try #require(await admin.answer())
            #expect(detailed.status == 200 && detailed.text.contains("\"ready\":true"))
            #expect(detailed.text.contains("\"sweep_held_back\":\"the clocks parted\""))
            #expect(detailed.text.contains("\"sweeps_held_back\":2"))
            #expect(await admin.answer()?.status == 404)
            await admin.close()
        }
    }

    @Test func `what the store throws reaches the client as a problem, and its facts do not`() async throws {
        try await TestServer.run(store: { FailingStore($0, finding: .io("pread /secret/place: I/O error")) }) {
            server in
            let answer = try #require(try await server.answer(to: "GET", "/" + String(repeating: "0", count: 64)))
            #expect(answer.status == 503 && answer["retry-after"] == "5" && !answer.text.contains("secret"))
            #expect(try await server.answer(to: "GET", "/readyz")?.status == 503)
            let admin = try await RawClient.connect(port: server.adminPort)
            try await admin.send("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(await admin.answer()?.text.contains("broken for the test") == true)
            await admin.close()
        }
    }
}
