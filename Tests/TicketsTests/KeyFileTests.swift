import Blobs
import TestSupport
import Testing

@testable import Tickets

@Suite struct KeyFileTests {
    private let forge = TokenForge()
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func problem(_ paths: String...) async throws -> String? {
        do throws(TicketKeyError) {
            _ = try await TicketKeys.load(paths)
            return nil
        } catch { return error.description }
    }

    @Test func `a file is named for its key, up to the first dot`() throws {
        #expect(try KeyFile(path: "/keys/2026-a.pub.pem").name() == "2026-a")
        #expect(try KeyFile(path: "chat_1").name() == "chat_1")
        for path in ["/keys/.pem", "/keys/a b", "", "/keys/schlüssel.pem", String(repeating: "k", count: 65)] {
            #expect(throws: KeyFault.self, "\(path)") { try KeyFile(path: path).name() }
        }
    }

    @Test func `a secret is raw bytes, base64url or base64, and never short`() throws {
        let secret = forge.secret
        let base64url = Base64URL.encode(secret)
        let base64 = base64url.replacing("-", with: "+").replacing("_", with: "/") + "="
        for text in [base64url, base64url + "\n", base64 + "\r\n", " \(base64)\n"] {
            guard case .secret(let read) = try KeyMaterial(Array(text.utf8)) else {
                Issue.record("\(text) is a secret")
                continue
            }
            #expect(read == secret)
        }
        guard case .secret(let raw) = try KeyMaterial([0] + secret) else {
            Issue.record("raw bytes are a secret")
            return
        }
        #expect(raw == [0] + secret)
        let refused = [
            [], Array(Base64URL.encode(secret.dropLast()).utf8), [UInt8](repeating: 200, count: 31),
            Array("correct horse battery staple, again and again".utf8), Array("not!base64!".utf8),
            Array("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n".utf8),
            Array("-----BEGIN CERTIFICATE-----\n".utf8),
        ]
        for bytes in refused {
            #expect(throws: KeyFault.self, "\(bytes)") { try KeyMaterial(bytes) }
        }
    }

    @Test func `keys come from files and folders, and what lies hidden in a folder is passed over`() async throws {
        try forge.writeKeys(to: folder.path("keys"))
        try TokenForge.write("rubbish", to: folder.path("keys/.swap"))
        try TokenForge.write(TokenForge().publicPEM, to: folder.path("alone.pem"), permissions: 0o644)
        let keys = try await TicketKeys.load([folder.path("keys"), folder.path("alone.pem")])
        #expect(keys.names == ["alone", TokenForge.publicName, TokenForge.secretName])
    }

    @Test func `what makes a key unfit is told with its path`() async throws {
        try forge.writeKeys(to: folder.path("keys"))
        try TokenForge.write(forge.publicPEM, to: folder.path("\(TokenForge.publicName).pub"))
        var told = try await problem(folder.path("keys"), folder.path("\(TokenForge.publicName).pub"))
        #expect(told?.contains("two key files have the name") == true)
        try TokenForge.write(forge.privatePEM, to: folder.path("private.pem"))
        told = try await problem(folder.path("private.pem"))
        #expect(told?.contains("private.pem") == true && told?.contains("-pubout") == true)
        try TokenForge.write(String(repeating: "A", count: 5000), to: folder.path("large"))
        told = try await problem(folder.path("large"))
        #expect(told?.contains("too large") == true)
        told = try await problem(folder.path("missing"))
        #expect(told?.contains("missing") == true)
        let empty = try TemporaryFolder()
        told = try await problem(empty.path)
        #expect(told?.contains(empty.path) == true)
    }

    @Test func `a secret that everybody can read, and a key that others can write, are not trusted`() async throws {
        let secret = Base64URL.encode(forge.secret)
        let table: [(name: String, text: String, permissions: UInt32, isFine: Bool)] = [
            ("a", secret, 0o600, true), ("b", secret, 0o640, true), ("c", secret, 0o644, false),
            ("d", secret, 0o660, false), ("e", secret, 0o604, false),
            ("f", forge.publicPEM, 0o644, true), ("g", forge.publicPEM, 0o664, false),
            ("h", forge.publicPEM, 0o646, false),
        ]
        for (name, text, permissions, isFine) in table {
            try TokenForge.write(text, to: folder.path(name), permissions: permissions)
            let told = try await problem(folder.path(name))
            #expect((told == nil) == isFine, "\(name) \(String(permissions, radix: 8))")
            #expect(told?.contains("chmod") ?? true)
        }
    }
}
