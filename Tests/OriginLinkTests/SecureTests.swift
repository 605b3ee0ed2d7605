import Foundation
import NIOCore
import NIOSSL
import OriginLink
import TestSupport
import Testing

@Suite(
    .timeLimit(.minutes(15)),
    .enabled(if: Certificates.areAvailable, "there is no /usr/bin/openssl to make certificates with"))
struct SecureTests {
    /// Runs `body` with a client that trusts `root` and a server whose certificate is for `names`.
    private func run(
        names: String, host: String, trusting root: String?, _ body: (OriginClient, ScriptedOrigin) async throws -> Void
    ) async throws {
        let certificates = try Certificates()
        try certificates.makeRoot("root")
        try certificates.makeRoot("stranger")
        try certificates.make("server", names: names, signedBy: "root")
        try await ScriptedOrigin.run(
            tls: try certificates.context("server"), url: { "https://\(host):\($0)" },
            settings: { $0.trust = try root.map { try OriginTrust(rootsPath: certificates.path("\($0).pem")) } },
            script: { try await $0.answerAll() }, body)
    }

    @Test(arguments: [("IP:127.0.0.1", "127.0.0.1"), ("DNS:localhost", "localhost")])
    func `an origin that proves its name is believed`(_ names: String, host: String) async throws {
        try await run(names: names, host: host, trusting: "root") { client, origin in
            for _ in 0..<3 { try await client.expect("1") }
        }
    }

    @Test(arguments: [
        ("another name", "DNS:other.example", "localhost", "root"),
        ("a name for an address", "DNS:localhost", "127.0.0.1", "root"),
        ("another address", "IP:127.0.0.2", "127.0.0.1", "root"),
        ("a stranger's word", "IP:127.0.0.1", "127.0.0.1", "stranger"),
        ("nobody the system knows", "IP:127.0.0.1", "127.0.0.1", nil),
    ])
    func `an origin that does not is unreachable`(
        _ why: String, names: String, host: String, root: String?
    ) async throws {
        try await run(names: names, host: host, trusting: root) { client, _ in
            for _ in 0..<2 {
                let error = await failure { () async throws(OriginError) in
                    _ = try await client.open(OriginRequest(target: "/"))
                }
                #expect(error?.isUnreachable == true, "\(why): \(String(describing: error))")
            }
        }
    }

    @Test func `certificates are read again, and those that cannot be used change nothing`() async throws {
        let certificates = try Certificates()
        try certificates.makeRoot("root")
        try certificates.makeRoot("stranger")
        try certificates.make("server", names: "IP:127.0.0.1", signedBy: "root")
        let roots = certificates.path("roots.pem")
        func put(_ name: String) throws { try write(bytes(ofFile: certificates.path(name)), toFile: roots) }
        try put("stranger.pem")
        let trust = try OriginTrust(rootsPath: roots)
        try await ScriptedOrigin.run(
            tls: try certificates.context("server"), url: { "https://127.0.0.1:\($0)" }, settings: { $0.trust = trust },
            script: { try await $0.answerAll() }
        ) { client, _ in
            let error = await failure { () async throws(OriginError) in
                _ = try await client.open(OriginRequest(target: "/"))
            }
            #expect(error?.isUnreachable == true)
            try put("root.pem")
            try trust.reload()
            // The second connection; the first failed.
            try await client.expect("2")
            try put("root.key")
            #expect(throws: OriginTrustError.self) { try trust.reload() }
            try await client.expect("2")
        }
    }

    @Test(arguments: ["missing.pem", "root.key", "empty.pem"])
    func `a file without certificates vouches for nobody, and is named`(file: String) throws {
        let certificates = try Certificates()
        try certificates.makeRoot("root")
        try write([], toFile: certificates.path("empty.pem"))
        let error = #expect(throws: OriginTrustError.self) { try OriginTrust(rootsPath: certificates.path(file)) }
        #expect(error?.description.contains(file) == true)
    }

    @Test func `an origin without TLS is unreachable over https`() async throws {
        let script: ScriptedOrigin.Script = { peer in
            // Whatever a greeting looks like, this is no answer to it.
            _ = try await peer.take(1)
            try await peer.send("HTTP/1.1 400 Bad Request\r\n\r\n")
        }
        try await ScriptedOrigin.run(url: { "https://127.0.0.1:\($0)" }, script: script) { client, _ in
            let error = await failure { () async throws(OriginError) in
                _ = try await client.open(OriginRequest(target: "/"))
            }
            #expect(error?.isUnreachable == true, "\(String(describing: error))")
        }
    }

    @Test func `a large body arrives whole over TLS`() async throws {
        let certificates = try Certificates()
        try certificates.makeRoot("root")
        try certificates.make("server", names: "IP:127.0.0.1", signedBy: "root")
        let size = 5_000_000
        let script: ScriptedOrigin.Script = { peer in
            _ = try await peer.head()
            try await peer.send(
                "HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n" + String(repeating: "x", count: size))
            await peer.closed()
        }
        try await ScriptedOrigin.run(
            tls: try certificates.context("server"), url: { "https://127.0.0.1:\($0)" },
            settings: { $0.trust = try OriginTrust(rootsPath: certificates.path("root.pem")) }, script: script
        ) { client, _ in
            try await client.expect(String(repeating: "x", count: size))
        }
    }

    /// Anybody on the way could have cut it: only a farewell says that this is the end.
    @Test func `a response to the end of the connection is broken without a farewell`() async throws {
        let certificates = try Certificates()
        try certificates.makeRoot("root")
        try certificates.make("server", names: "IP:127.0.0.1", signedBy: "root")
        for isCut in [false, true] {
            let script: ScriptedOrigin.Script = { peer in
                _ = try await peer.head()
                try await peer.send("HTTP/1.1 200 OK\r\n\r\nhello")
                guard isCut else { return }
                let channel = peer.channel
                // From here on the way out, where there is no TLS any more.
                try await channel.eventLoop.submit {
                    let tls = try channel.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
                    tls.close(promise: nil)
                }.get()
            }
            try await ScriptedOrigin.run(
                tls: try certificates.context("server"), url: { "https://127.0.0.1:\($0)" },
                settings: { $0.trust = try OriginTrust(rootsPath: certificates.path("root.pem")) }, script: script
            ) { client, _ in
                let error = await failure { () async throws(OriginError) in
                    _ = try await client.open(OriginRequest(target: "/")).text()
                }
                #expect((error?.isBroken == true) == isCut, "\(String(describing: error))")
            }
        }
    }
}

/// Certificates made by openssl, in a folder of their own.
struct Certificates {
    private static let program = "/usr/bin/openssl"

    static var areAvailable: Bool { FileManager.default.isExecutableFile(atPath: program) }

    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    func path(_ name: String) -> String { folder.path(name) }

    /// A certificate that can vouch for others.
    func makeRoot(_ name: String) throws {
        try openssl("req", "-x509", "-days", "2", "-subj", "/CN=\(name)", "-out", "\(name).pem", newKey: name)
    }

    /// A certificate for `names`, as in `DNS:localhost`.
    func make(_ name: String, names: String, signedBy root: String) throws {
        try openssl("req", "-subj", "/CN=\(name)", "-out", "\(name).request", newKey: name)
        try write(Array("subjectAltName=\(names)\nbasicConstraints=CA:FALSE\n".utf8), toFile: path("\(name).ext"))
        try openssl(
            "x509", "-req", "-days", "2", "-in", "\(name).request", "-CA", "\(root).pem", "-CAkey", "\(root).key",
            "-CAcreateserial", "-extfile", "\(name).ext", "-out", "\(name).pem")
    }

    private func openssl(_ arguments: String..., newKey key: String? = nil) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.program)
        let keyOptions = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout"]
        process.arguments = arguments + (key.map { keyOptions + ["\($0).key"] } ?? [])
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "openssl \(arguments)")
    }

    /// What a server needs to use a certificate.
    func context(_ name: String) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMFile(path("\(name).pem")).map {
            NIOSSLCertificateSource.certificate($0)
        }
        let key = try NIOSSLPrivateKey(file: path("\(name).key"), format: .pem)
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key)))
    }
}
