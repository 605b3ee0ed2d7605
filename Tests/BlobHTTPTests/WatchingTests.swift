import BlobHTTP
import Blobs
import HTTPTypes
import Store
import Telemetry
import TestSupport
import Testing
import Vault

@Suite struct WatchingTests {
    @Test func `every answer is counted once, with its class, its status and its bytes`() async throws {
        try await TestServer.run { server in
            let bytes = [UInt8](repeating: 7, count: 200_000)
            let address = try await server.put(bytes)
            let whole = try await server.answer(to: "GET", "/\(address.hex)")
            let part = try await server.answer(to: "GET", "/\(address.hex)", fields: [("Range", "bytes=0-99")])
            let head = try await server.answer(to: "HEAD", "/\(address.hex)")
            let absent = try await server.answer(to: "GET", "/\(String(repeating: "0", count: 64))")
            let nothing = try await server.answer(to: "GET", "/no/such/thing")
            #expect(whole?.status == 200 && part?.status == 206 && head?.status == 200)
            #expect(absent?.status == 404 && nothing?.status == 404)

            let meter = server.vault.meters
            try await eventually { meter.requests.sentBytes(route: .blob) > 200_000 }
            #expect(meter.requests.count(route: .upload, status: 201) == 1)
            #expect(meter.requests.receivedBytes(route: .upload) == 200_000)
            #expect(meter.requests.count(route: .blob, status: 200) == 2)
            #expect(meter.requests.count(route: .blob, status: 206) == 1)
            #expect(meter.requests.count(route: .blob, status: 404) == 1)
            #expect(meter.requests.count(route: .other, status: 404) == 1)
            #expect(meter.refusals.value(for: "not-found") == 2)
            let problem = absent?.body.count ?? 0
            #expect(meter.requests.sentBytes(route: .blob) == 200_000 + 100 + problem)
        }
    }

    @Test func `operators read metrics where strangers cannot`() async throws {
        try await TestServer.run { server in
            _ = try await server.put([1, 2, 3])
            let client = try await RawClient.connect(port: server.adminPort)
            try await client.send(Array("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
            let answer = await client.answer()
            await client.close()
            #expect(answer?.status == 200)
            #expect(answer?["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            let text = String(decoding: answer?.body ?? [], as: UTF8.self)
            #expect(text.contains("satcheld_blobs{state=\"held\"} 1\n"))
            #expect(text.contains("satcheld_blob_bytes{state=\"held\"} 3\n"))
            #expect(text.contains("satcheld_leases 1\n"))
            #expect(text.contains("satcheld_requests_total{route=\"upload\",status=\"201\"} 1\n"))
            let stranger = try await server.answer(to: "GET", "/metrics")
            #expect(stranger?.status == 404)
        }
    }

    @Test(arguments: [
        ("localhost:9", 200), ("127.0.0.1", 200), ("[::1]:9", 200), ("", 200),
        ("metrics.example", 421), ("127.0.0.1.metrics.example", 421), ("192.0.2.1", 421), ("127.0.0.1:x", 421),
    ])
    func `a page whose name was made to lead to the listener for operators reads nothing there`(
        host: String, status: Int
    ) async throws {
        try await TestServer.run { server in
            for path in ["/metrics", "/healthz"] {
                let client = try await RawClient.connect(port: server.adminPort)
                try await client.send("GET \(path) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
                let answer = await client.answer()
                #expect(answer?.status == status && (answer?["x-reason"] == "misdirected") == (status == 421))
                await client.close()
            }
        }
    }

    @Test func `a listener for operators that other machines reach is asked by any name`() {
        for listening in ["0.0.0.0", "192.0.2.1", "::"] {
            #expect(AdminAccess.refusal(host: "metrics.example", listening: Authority(host: listening, port: 9)) == nil)
        }
        #expect(AdminAccess.refusal(host: "metrics.example", listening: Authority(host: "localhost", port: 9)) != nil)
    }

    // MARK: The access log

    @Test func `a line tells what was asked, and neither the blob's whole name nor the client's whole address`() {
        let address = TestServer.address(of: [1])
        let request = AnsweredRequest(
            route: .blob, method: .get, status: 206, sentBytes: 1_048_576, time: .microseconds(12_345), blob: address,
            client: ClientAddress(bytes: [203, 0, 113, 77]), version: .http2)
        #expect(
            Self.line(request)
                == "2027-01-15T08:00:00Z client=203.0.113.0/24 method=GET route=blob blob=\(address.hex.prefix(8)) "
                + "status=206 in=0 out=1048576 ms=12.3 protocol=HTTP/2")
    }

    @Test func `a refusal tells its reason, an unknown method is not repeated`() throws {
        let bytes: [UInt8] = [0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2] + Array(repeating: 9, count: 8)
        let method = try #require(HTTPRequest.Method("SECRET-OF-SOMEBODY"))
        let request = AnsweredRequest(
            route: .other, method: method, status: 405, refusal: .methodNotAllowed, time: .zero,
            client: ClientAddress(bytes: bytes))
        #expect(
            Self.line(request)
                == "2027-01-15T08:00:00Z client=2001:db8:1::/48 method=other route=other blob=- status=405 "
                + "reason=method-not-allowed in=0 out=0 ms=0.0 protocol=HTTP/1.1")
    }

    @Test func `no line repeats a secret, a ticket, a recipient or an unknown path`() async throws {
        try await TestServer.run { server in
            let secret = "c2VjcmV0LXNlY3JldC1zZQ"
            let address = try await server.put([5, 5, 5])
            for (method, path) in [
                ("GET", "/\(address.hex)/lease"), ("DELETE", "/\(address.hex)"), ("GET", "/\(secret)?\(secret)"),
                ("PUT", "/\(address.hex)/lease/recipients/\(secret)"), (secret, "/upload"), ("GET", "/open/\(secret)"),
            ] {
                let fields = [("Satchel-Secret", secret), ("Authorization", "Bearer tick.et.s")]
                _ = try await server.answer(to: method, path, fields: fields)
            }
            let (entries, dropped) = try #require(server.observer.accessLog).takeAll()
            #expect(entries.count == 7 && dropped == 0)
            for entry in entries {
                let line = AccessLogLine.text(entry)
                #expect(!line.contains(secret) && !line.contains("tick.et.s") && !line.contains(address.hex), "\(line)")
                #expect(line.contains("client=127.0.0.0/24"), "\(line)")
            }
        }
    }

    /// A channel forgets its address as it is closed.
    @Test func `a request is logged under the address of its client, even if that has gone`() async throws {
        try await TestServer.run { server in
            // Because of Upload-Nothing the router answers.
            let head = "PUT /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nUpload-Nothing: 1\r\nContent-Length: 4096\r\n\r\n"
            for number in UInt8(0)..<100 {
                let client = try await server.connect()
                try await client.send(Array(head.utf8) + [UInt8](repeating: number, count: 4096))
                try await client.reset()
            }
            _ = try await server.answer(to: "GET", "/quota")
            let log = try #require(server.observer.accessLog)
            var lines: [String] = []
            try await eventually {
                lines += log.takeAll().entries.map { AccessLogLine.text($0) }
                return !server.vault.isTakingUploads && !lines.isEmpty
            }
            for line in lines { #expect(line.contains("client=127.0.0.0/24"), "\(line)") }
        }
    }

    @Test func `what comes while the line is full is lost and counted`() {
        let meters = Meters()
        let log = AccessLog(meters: meters, now: { Timestamp(seconds: 0) })
        let watch = RequestObserver(meters: meters, accessLog: log)
        for status in 0..<AccessLog.capacity + 5 {
            watch.note(
                AnsweredRequest(
                    route: .blob, method: .get, status: status % 400 + 100, time: .zero,
                    client: ClientAddress(bytes: [])))
        }
        let (entries, dropped) = log.takeAll()
        #expect(entries.count == AccessLog.capacity && dropped == 5)
        #expect(meters.accessLinesDropped.value == 5)
        #expect(entries.first?.request.status == 100, "the oldest are kept")
        #expect(log.takeAll().entries.isEmpty)
    }

    private static func line(_ request: AnsweredRequest) -> String {
        let meters = Meters()
        let log = AccessLog(meters: meters, now: { Timestamp(seconds: 1_800_000_000) })
        RequestObserver(meters: meters, accessLog: log).note(request)
        return log.takeAll().entries.map(AccessLogLine.text).joined(separator: "\n")
    }
}
