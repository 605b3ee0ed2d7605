import Blobs
import Files
import Foundation
import TestSupport
import Testing

/// `satcheld edge` in front of a real origin, with whatever can go wrong between the two.
@Suite(.timeLimit(.minutes(30)), .enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct EdgeTests {
    // MARK: Reading

    @Test(arguments: [1, 4096, 100_000, 262_145, 3_000_000])
    func `a blob is fetched once, and an edge answers as its origin does`(count: Int) async throws {
        let scene = try await EdgeScene()
        let edge = try await scene.edge()
        let bytes = EdgeScene.sample(count)
        let address = try await scene.store(bytes)
        let first = try await scene.get(edge, address)
        #expect(
            first.status == 200 && first.body == bytes && first.cacheStatus.hasPrefix("one; fwd=miss; fwd-status=200"))
        // What is kept of a large one is there once all of it has come.
        try await eventually { try await scene.get(edge, address).cacheStatus == "one; hit" }
        #expect(try await scene.relay.asked(for: address).count == 1)

        for options in [
            [], ["-I"], ["-r", "0-0"], ["-r", "-1"], ["-H", "If-None-Match: \"\(address)\""], ["-r", "9999999-"],
        ] {
            var (here, there) = (EdgeAnswer(head: "", body: []), EdgeAnswer(head: "", body: []))
            // The age that caches may let it reach is told in seconds, so both are asked within one.
            try await eventually {
                there = try await scene.get(scene.origin, address, options)
                here = try await scene.get(edge, address, options)
                return here.fields["date"] == there.fields["date"]
            }
            // Curl writes the head where the body would be.
            #expect(here.status == there.status && (options == ["-I"] || here.body == there.body), "\(options)")
            for (name, value) in there.fields { #expect(here.fields[name] == value, "\(options): \(name)") }
            if here.status < 400 {
                let added = Set(here.fields.keys).subtracting(there.fields.keys)
                #expect(added == ["age", "cache-status", "via"], "\(options)")
                #expect(here.fields["via"] == "1.1 one" && here.fields["age"]?.count == 5)
            }
        }
        #expect(try await scene.relay.asked(for: address).isEmpty, "all of that came from the cache")
        #expect(await edge.stop() == 0)
    }

    @Test func `a range of a blob that is not here costs the origin little more than the range`() async throws {
        let scene = try await EdgeScene()
        let edge = try await scene.edge()
        let bytes = EdgeScene.sample(16 << 20)
        let address = try await scene.store(bytes)
        let part = try await scene.get(edge, address, "-r", "15000000-15099999")
        #expect(part.status == 206 && part.body == Array(bytes[15_000_000..<15_100_000]))
        let asked = try await scene.relay.asked(for: address)
        #expect(asked.map(\.method) == ["GET"], "the first range tells the size too")
        #expect(asked.reduce(0) { $0 + $1.bytes } <= 100_000 + 128 << 10)
        #expect(try await scene.get(edge, address).body == bytes)
        #expect(try await scene.relay.asked(for: address).reduce(0) { $0 + $1.bytes } < 16 << 20, "not all again")
        #expect(await edge.stop() == 0)
    }

    @Test func `ranges in order are all right`() async throws {
        let scene = try await EdgeScene()
        let edge = try await scene.edge()
        let bytes = EdgeScene.sample(8 << 20)
        let address = try await scene.store(bytes)
        for start in stride(from: 0, to: 8 << 20, by: 1 << 20) {
            let part = try await scene.get(edge, address, "-r", "\(start)-\(start + 1 << 20 - 1)")
            #expect(part.status == 206 && part.body == Array(bytes[start..<start + 1 << 20]))
        }
        let asked = try await scene.relay.asked(for: address)
        #expect(asked.first?.range == "bytes=0-1048575")
        #expect(asked.dropFirst().first?.range == "bytes=1048576-8388607", "whoever goes on may want the rest")
        #expect(await edge.stop() == 0)
    }

    @Test(arguments: [
        "299000-", "200000-9223372036854775806", "0-", "0-299999", "-5", "300000-", "9223372036854775807-", "5-4",
    ])
    func `a range to the end or beyond it is answered as by the origin`(range: String) async throws {
        let scene = try await EdgeScene()
        let edge = try await scene.edge()
        let address = try await scene.store(EdgeScene.sample(300_000))
        let here = try await scene.get(edge, address, "-r", range)
        let there = try await scene.get(scene.origin, address, "-r", range)
        #expect(here.status == there.status && here.body == there.body)
        #expect(here.fields["content-range"] == there.fields["content-range"])
        #expect(await edge.stop() == 0)
    }

    @Test(arguments: [100_000, 4 << 20])
    func `fifty who ask at once are one request, and so are fifty for what is gone`(
        count: Int
    ) async throws {
        let scene = try await EdgeScene()
        let edge = try await scene.edge()
        let secret = Secret.random()
        let address = try await scene.store(EdgeScene.sample(count), ownedBy: secret)
        #expect(try await scene.readers(50, of: address, at: edge) == ["right": 50])
        #expect(try await scene.relay.asked(for: address).count == 1)
        try await scene.revoke(address, secret)
        try await eventually { try await scene.get(edge, address).status == 410 }
        #expect(try await scene.readers(50, of: address, at: edge) == ["410": 50])
        #expect(await edge.stop() == 0)
    }

    // MARK: A hostile or broken origin

    private static let faults: [(fault: String, outcome: String?)] = [
        (#"{"flip": 0}"#, nil), (#"{"flip": 1500000}"#, nil), (#"{"flip": 2999999}"#, nil),
        (#"{"tag": "\"x\""}"#, nil), (#"{"length": 3000001}"#, nil), (#"{"status": 503}"#, nil),
        (#"{"status": 206}"#, nil),
        (#"{"reset": 1500000, "times": 1}"#, "right"), (#"{"reset": 70000, "times": 2}"#, "right"),
    ]

    @Test(arguments: faults.indices) func `whatever the origin does, no complete answer is wrong`(index: Int)
        async throws
    {
        let (fault, outcome) = Self.faults[index]
        let scene = try await EdgeScene()
        let edge = try await scene.edge()
        let bytes = EdgeScene.sample(3_000_000)
        let address = try await scene.store(bytes)
        try await scene.relay.spoil(fault)
        let found = try await scene.readers(20, of: address, at: edge)
        #expect(found["wrong"] == nil, "\(fault): \(found)")
        if let outcome {
            #expect(found == [outcome: 20], "\(fault)")
        } else {
            #expect(found["right"] == nil, "\(found)")
        }
        try await scene.relay.spoil("{}")
        // After wrong bytes twice within a minute it takes ten seconds until the origin is asked again.
        try await eventually { try await scene.get(edge, address).body == bytes }
        #expect(await edge.stop() == 0)
    }

    /// How a HEAD comes about, a GET, and one for a range.
    private static let asking = [["-H", "If-None-Match: \"x\""], [], ["-r", "70000-79999"]]

    @Test(arguments: [
        #"{"head": {"status": 410}, "status": 416}"#, #"{"head": {"length": 0}, "status": 416}"#,
        #"{"head": {"length": 9223372036854775806}, "length": 9223372036854775806}"#,
        #"{"size": 9223372036854775807}"#, #"{"size": 1099511627777}"#,
        #"{"head": {"length": 4194304}}"#,
    ])
    func `an origin that contradicts itself, or says what cannot be, harms nobody for long`(fault: String) async throws
    {
        let scene = try await EdgeScene()
        let edge = try await scene.edge("one", feed: false, options: ["--cache-max-age", "1s"])
        let bytes = EdgeScene.sample(6_000_000)
        for options in Self.asking {
            let address = try await scene.store(bytes + EdgeScene.sample(8))
            try await scene.relay.spoil(fault)
            _ = try await scene.relay.asked()
            let answer = try await scene.get(edge, address, options)
            let isWhole = answer.fields["content-length"] == "\(answer.body.count)"
            #expect(answer.status != 200 || !isWhole || answer.body.starts(with: bytes), "\(options)")
            #expect(try await scene.relay.asked(for: address).count <= 8, "no question leads to others without end")
            try await scene.relay.spoil("{}")
            try await eventually { try await scene.get(edge, address).body.starts(with: bytes) }
        }
        #expect(await edge.stop() == 0)
    }

    @Test func `several ranges as long as the blob are given, the last block first`() async throws {
        let scene = try await EdgeScene()
        let edge = try await scene.edge()
        let bytes = EdgeScene.sample(300_000)
        let address = try await scene.store(bytes)
        // What stands around the parts takes the rest: the answer has as many bytes as the blob.
        let (first, second) = (270_000..<300_000, 0..<270_000)
        let heads = { (length: Int) in
            [first, 0..<length].map { part in
                "\r\n--\(address)\r\nContent-Type: application/octet-stream\r\n"
                    + "Content-Range: bytes \(part.lowerBound)-\(part.upperBound - 1)/300000\r\n\r\n"
            }.joined().utf8.count - 2 + "\r\n--\(address)--\r\n".utf8.count
        }
        let count = try #require(second.first { first.count + $0 + heads($0) == 300_000 })
        let answer = try await scene.get(edge, address, "-r", "270000-299999,0-\(count - 1)")
        #expect(answer.status == 206 && answer.body.count == 300_000)
        #expect(answer.fields["content-length"] == "300000")
        #expect(await edge.stop() == 0)
    }

    @Test(arguments: [0, 50_000, 99_999]) func `a small blob with one wrong bit is not served at all`(place: Int)
        async throws
    {
        let scene = try await EdgeScene()
        let edge = try await scene.edge()
        let bytes = EdgeScene.sample(100_000)
        let address = try await scene.store(bytes)
        try await scene.relay.spoil(#"{"flip": \#(place), "times": 1}"#)
        #expect(try await scene.get(edge, address).status == 502)
        #expect(try await scene.get(edge, address).body == bytes)
        #expect(await edge.stop() == 0)
    }

    @Test func `readers get what has come, and the last block when all of it is right`() async throws {
        let scene = try await EdgeScene()
        let edge = try await scene.edge()
        let bytes = EdgeScene.sample(1_000_000)
        let address = try await scene.store(bytes)
        try await scene.relay.spoil(#"{"hold": 600000}"#)
        let path = scene.journey.path("growing")
        let reader = try RunningCommand(
            "/usr/bin/curl", ["-sSN", "--max-time", "7200", "-o", path, "\(edge.url)/\(address)"])
        try await eventually { (try? Folder.status(path))??.size ?? 0 >= 524_288 }
        #expect(reader.isRunning)
        try await scene.relay.spoil("{}")
        #expect(await reader.status() == 0)
        #expect(try TestSupport.bytes(ofFile: path) == bytes)
        #expect(await edge.stop() == 0)
    }

    // MARK: Freshness

    @Test func `what is revoked at the origin is gone from the edge, and from the edge behind it`() async throws {
        let scene = try await EdgeScene("--cache-max-age", "1h")
        let shield = try await scene.edge(
            "shield", "--cache-max-age", "1h", "--edge-keys", scene.journey.path("edge.key"))
        let edge = try await scene.edge("two", origin: shield.url.absoluteString, "--cache-max-age", "1h")
        let secret = Secret.random()
        let (address, other) = (
            try await scene.store(EdgeScene.sample(100_000), ownedBy: secret),
            try await scene.store(EdgeScene.sample(5000))
        )
        for address in [address, other] { #expect(try await scene.get(edge, address).status == 200) }
        #expect(try await scene.get(edge, address).fields["via"] == "1.1 two")
        try await scene.revoke(address, secret)
        try await eventually { try await scene.get(shield, address).status == 410 }
        try await eventually { try await scene.get(edge, address).status == 410 }
        #expect(try await scene.get(edge, other).cacheStatus == "two; hit")
        #expect(await edge.stop() == 0)
        #expect(await shield.stop() == 0)
    }

    @Test func `without a feed a blob is asked about when its age is up, and not served when nobody answers`()
        async throws
    {
        let scene = try await EdgeScene()
        let edge = try await scene.edge(feed: false, "--cache-max-age", "1s")
        let secret = Secret.random()
        let bytes = EdgeScene.sample(10_000)
        let address = try await scene.store(bytes, ownedBy: secret)
        #expect(try await scene.get(edge, address).body == bytes)
        try await eventually { try await scene.get(edge, address).cacheStatus == "one; fwd=stale; fwd-status=304" }
        #expect(try await scene.relay.asked(for: address).filter { $0.bytes > 0 }.count == 1, "it is fetched once")
        try await scene.relay.spoil(#"{"away": true}"#)
        try await eventually { try await scene.get(edge, address).status == 504 }
        #expect(try await scene.get(edge, address).fields["x-reason"] == "origin-unreachable")
        try await scene.relay.spoil("{}")
        try await eventually { try await scene.get(edge, address).body == bytes }
        try await scene.revoke(address, secret)
        try await eventually { try await scene.get(edge, address).status == 410 }
        #expect(await edge.stop() == 0)
    }

    @Test func `with the cable pulled what is here is served for its age, and longer where that is wanted`()
        async throws
    {
        let scene = try await EdgeScene()
        let edge = try await scene.edge("one", "--cache-max-age", "1s")
        let lenient = try await scene.edge("two", "--cache-max-age", "1s", "--stale-if-error", "1h")
        let bytes = EdgeScene.sample(10_000)
        let address = try await scene.store(bytes)
        for edge in [edge, lenient] { #expect(try await scene.get(edge, address).body == bytes) }
        try await scene.relay.spoil(#"{"away": true}"#)
        try await eventually { try await scene.get(edge, address).status == 504 }
        try await eventually { try await scene.get(lenient, address).cacheStatus == "two; fwd=stale" }
        let stale = try await scene.get(lenient, address)
        #expect(stale.body == bytes && stale.fields["cache-control"]?.contains("max-age=0") == true)
        #expect(await edge.stop() == 0)
        #expect(await lenient.stop() == 0)
    }

    @Test func `nothing is served from the second of its end on`() async throws {
        let scene = try await EdgeScene("--max-lifetime", "3s", "--default-lifetime", "3s")
        let edge = try await scene.edge()
        let address = try await scene.store(EdgeScene.sample(1000))
        let first = try await scene.get(edge, address)
        // A machine that takes three seconds for two requests has seen its end.
        if first.status == 200 {
            try await eventually {
                let answer = try await scene.get(edge, address)
                if answer.status == 410 { return true }
                #expect(answer.fields["date"] ?? "" != answer.fields["sunset"] ?? "-")
                return false
            }
        }
        #expect(await edge.stop() == 0)
    }

    // MARK: Everything else

    @Test func `an upload through an edge is an upload, and the first who reads it has a hit`() async throws {
        let scene = try await EdgeScene()
        let edge = try await scene.edge()
        for count in [5000, 300_000, 3_000_000] {
            let bytes = EdgeScene.sample(count)
            let path = scene.journey.path("up")
            try write(bytes, toFile: path)
            let secret = Secret.random()
            let sent = try await scene.journey.curl(
                "-T", path, "-H", "Satchel-Owner: \(secret.hash.base64url)", "-w", "%{http_code}", "\(edge.url)/upload")
            #expect(sent.output.hasSuffix("201"), "\(sent.output)\(sent.errors)")
            let address = String(try #require(sent.output.firstMatch(of: /"sha256":"([0-9a-f]{64})"/)).output.1)
            #expect(sent.output.contains("\"url\":\"\(scene.origin.url)/\(address)\""), "the origin says where it is")
            let read = try await scene.get(edge, address)
            #expect(read.body == bytes && read.cacheStatus == "one; hit")
            #expect(try await scene.relay.asked(for: address).isEmpty)
            let revoked = try await scene.journey.curl(
                "-X", "DELETE", "-H", "Satchel-Secret: \(secret.base64url)", "-o", "/dev/null", "-w", "%{http_code}",
                "\(edge.url)/\(address)")
            #expect(revoked.output == "204")
            try await eventually { try await scene.get(edge, address).status == 410 }
        }
        #expect(await edge.stop() == 0)
    }

    @Test func `refusals come through as they are, and an edge that refuses passes nothing`() async throws {
        let scene = try await EdgeScene("--blob-limit", "1000")
        let edge = try await scene.edge()
        try write(EdgeScene.sample(2000), toFile: scene.journey.path("large"))
        // Refused long before its end.
        try write(EdgeScene.sample(20_000_000), toFile: scene.journey.path("larger"))
        for (options, status) in [
            (["-T", scene.journey.path("large"), "\(edge.url)/upload"], "413"),
            (["-T", scene.journey.path("larger"), "\(edge.url)/upload"], "413"),
            (["-T", scene.journey.path("larger"), "-H", "Expect:", "\(edge.url)/upload"], "413"),
            (["\(edge.url)/nothing"], "404"),
            (["-X", "DELETE", "\(edge.url)/\(String(repeating: "0", count: 64))"], "403"),
            (["\(edge.url)/\(String(repeating: "0", count: 64))"], "404"), (["\(edge.url)/healthz"], "200"),
            (["-X", "OPTIONS", "\(edge.url)/upload"], "204"),
        ] {
            let answer = try await run(
                "/usr/bin/curl", ["-sS", "--max-time", "900", "-o", "/dev/null", "-w", "%{http_code}"] + options)
            #expect(answer.output == status, "\(options) \(answer.errors)")
        }
        #expect(await edge.stop() == 0)
        let reading = try await scene.edge("reading", "--pass", "false")
        let refused = try await scene.journey.curl(
            "-T", scene.journey.path("large"), "-o", "/dev/null", "-w", "%{http_code}", "\(reading.url)/upload")
        #expect(refused.output == "403")
        #expect(await reading.stop() == 0)
    }

    @Test func `a photo goes through one edge and comes through another, and its receipt reaches the origin`()
        async throws
    {
        let scene = try await EdgeScene(accepting: "sealed")
        let (here, there) = (try await scene.edge("here"), try await scene.edge("there"))
        try write(EdgeScene.sample(3_000_000), toFile: scene.journey.path("beach.bin"))
        let servers = [here, there, scene.origin].map(\.url.absoluteString).joined(separator: ",")
        let sender = scene.journey.environment(server: here.url).merging(["SATCHEL_SERVERS": servers]) { $1 }
        let sent = try await run(
            Programs.path("satchel"), ["send", "beach.bin", "--recipients", "1"], environment: sender,
            in: scene.journey.folder.path)
        #expect(sent.status == 0, "\(sent.errors)")
        let recipient = scene.journey.environment(server: there.url).merging([
            "SATCHEL_SERVERS": servers, "SATCHEL_EDGES": there.url.absoluteString,
        ]) { $1 }
        let opened = try await run(
            Programs.path("satchel"), ["open", "-", "-o", "got.bin"], environment: recipient,
            input: Array(sent.output.utf8), in: scene.journey.folder.path)
        #expect(opened.status == 0, "\(opened.errors)")
        #expect(
            try TestSupport.bytes(ofFile: scene.journey.path("got.bin"))
                == TestSupport.bytes(ofFile: scene.journey.path("beach.bin")))
        let status = try await run(
            Programs.path("satchel"), ["status"], environment: sender, in: scene.journey.folder.path)
        #expect(status.output.contains("1 of 1"), "\(status.output)\(status.errors)")
        #expect(await here.stop() == 0)
        #expect(await there.stop() == 0)
    }
}
