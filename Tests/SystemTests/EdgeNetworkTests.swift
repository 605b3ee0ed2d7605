import Blobs
import Foundation
import TestSupport
import Testing

/// An edge as it stands in a network: TLS towards readers and the origin, and proxies on the way.
@Suite(.timeLimit(.minutes(30)), .enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct EdgeNetworkTests {
    private static let sizes = [4096, 100_000, 3_000_000]

    // MARK: TLS

    @Test(arguments: ["--http1.1", "--http2"])
    func `over TLS what comes and what is here are the same bytes with the same fields`(version: String) async throws {
        let scene = try await EdgeScene()
        try await scene.journey.makeCertificate()
        let edge = try await scene.edge(options: scene.journey.identity)
        let options = [version, "--cacert", scene.journey.path("certificate.pem")]
        for count in Self.sizes {
            let bytes = EdgeScene.sample(count)
            let address = try await scene.store(bytes)
            let first = try await scene.get(edge, address, options)
            #expect(first.status == 200 && first.body == bytes && first.cacheStatus.contains("fwd=miss"))
            try await eventually { try await scene.get(edge, address, options).cacheStatus == "one; hit" }
            let hit = try await scene.get(edge, address, options)
            #expect(hit.body == bytes && hit.fields["repr-digest"] == first.fields["repr-digest"])
            let part = try await scene.get(edge, address, options + ["-r", "1000-2999"])
            #expect(part.status == 206 && part.body == Array(bytes[1000..<3000]))
            #expect(try await scene.relay.asked(for: address).count == 1)
        }
        #expect(await edge.stop() == 0)
    }

    @Test(arguments: [true, false])
    func `an edge follows an origin over TLS whose certificate leads to a root it was told of, and no other`(
        isTrusted: Bool
    ) async throws {
        let scene = try await EdgeScene()
        try await scene.journey.makeCertificate()
        let front = try await scene.edge("front", options: scene.journey.identity + scene.keys)
        let bytes = EdgeScene.sample(100_000)
        let address = try await scene.store(bytes)
        let roots = isTrusted ? ["--origin-ca", scene.journey.path("certificate.pem")] : []
        let edge = try await scene.edge("back", origin: front.url.absoluteString, feed: isTrusted, options: roots)
        let answer = try await scene.get(edge, address)
        #expect(answer.status == (isTrusted ? 200 : 504) && (answer.body == bytes) == isTrusted)
        #expect(await edge.stop() == 0)
        #expect(await front.stop() == 0)
    }

    @Test func `where the first name of the origin is dead, reads and the feed go by the second`() async throws {
        let scene = try await EdgeScene()
        // Nobody listens there; whoever starts an edge waits until it hears the feed.
        let edge = try await scene.edge(origin: "http://127.0.0.1:1,\(scene.relay.url)")
        let secret = Secret.random()
        let bytes = EdgeScene.sample(100_000)
        let address = try await scene.store(bytes, ownedBy: secret)
        #expect(try await scene.get(edge, address).body == bytes)
        try await scene.revoke(address, secret)
        try await eventually { try await scene.get(edge, address).status == 410 }
        #expect(await edge.stop() == 0)
    }

    // MARK: Proxies in front of the origin

    @Test(.enabled(if: Proxy.hasNginx, Comment(rawValue: Proxy.missingNginx)))
    func `an edge lives behind an nginx that adds nothing`() async throws {
        try await expectLife { scene in
            try await .nginx(before: scene.origin, bodyLimit: "1g", in: scene.journey)
        }
    }

    @Test(.enabled(if: Proxy.hasHAProxy, Comment(rawValue: Proxy.missingHAProxy)))
    func `an edge lives behind HAProxy`() async throws {
        try await expectLife { scene in
            try await .haproxy(in: scene.journey) { socket in
                """
                defaults
                    mode http
                    timeout connect 60s
                    timeout client 900s
                    timeout server 900s
                frontend front
                    bind unix@\(socket)
                    default_backend origin
                backend origin
                    server origin 127.0.0.1:\(scene.origin.port)

                """
            }
        }
    }

    /// Reads, uploads and changes come through what stands in front of the origin.
    private func expectLife(behind make: (EdgeScene) async throws -> Proxy) async throws {
        let scene = try await EdgeScene()
        let proxy = try await make(scene)
        let way = try await Relay(to: proxy.socket, in: scene.journey)
        let edge = try await scene.edge(origin: way.url.absoluteString)
        let secret = Secret.random()
        for count in Self.sizes {
            let bytes = EdgeScene.sample(count)
            let address = try await scene.store(bytes, ownedBy: secret)
            let part = try await scene.get(edge, address, "-r", "1000-2999")
            #expect(part.status == 206 && part.body == Array(bytes[1000..<3000]))
            #expect(try await scene.get(edge, address).body == bytes)
            #expect(try await scene.get(edge, address).body == bytes)
            try await scene.revoke(address, secret)
            try await eventually { try await scene.get(edge, address).status == 410 }
        }
        try write(EdgeScene.sample(3_000_000), toFile: scene.journey.path("upload"))
        let stored = try await scene.journey.curl(
            "-T", scene.journey.path("upload"), "-o", "/dev/null", "-w", "%{http_code}", "\(edge.url)/upload")
        #expect(stored.output == "201", "\(stored.errors)")
        #expect(await edge.stop() == 0)
        proxy.stop()
    }
}
