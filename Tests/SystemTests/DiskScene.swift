import Blobs
import Foundation
import TestSupport
import Testing

/// A server on a disk that fails on demand, and what a test asks of it.
struct DiskScene {
    /// Bytes with their address.
    struct Blob {
        let bytes: [UInt8]
        let address: BlobAddress
    }

    let journey: Journey
    let disk: FailingDisk
    let server: Server

    /// - Parameter options: settings beside those that every scene has.
    init(_ options: String...) async throws {
        journey = try Journey()
        disk = try await FailingDisk()
        let arguments = [
            "serve", "--listen", "127.0.0.1:0", "--admin-listen", "0", "--storage", journey.storage, "--accept", "any",
            "--allow-anonymous-uploads",
        ]
        server = try await Server(
            RunningCommand(Programs.path("satcheld"), arguments + options, environment: disk.environment))
    }

    /// Bytes that differ for every seed.
    static func blob(_ seed: Int, bytes count: Int) -> Blob {
        let bytes = makeBytes(count) { UInt8(truncatingIfNeeded: $0 &* (2 * seed + 1) &+ seed &+ $0 >> 9) }
        var hasher = BlobHasher()
        hasher.update(bytes)
        return Blob(bytes: bytes, address: hasher.address())
    }

    private static func secret(_ number: Int) throws -> Secret {
        try #require(Secret(bytes: [UInt8](repeating: UInt8(number), count: Secret.byteCount)))
    }

    /// Uploads `blob` under a lease of owner number `owner`; the status of the answer.
    func upload(_ blob: Blob, owner: Int) async throws -> String {
        try write(blob.bytes, toFile: journey.path("upload"))
        let owner = "Satchel-Owner: \(try Self.secret(owner).hash.base64url)"
        return try await status("/upload", "-T", "upload", "-H", owner)
    }

    /// Uploads a blob that is taken.
    func put(_ seed: Int, bytes: Int) async throws -> Blob {
        let blob = Self.blob(seed, bytes: bytes)
        #expect(try await upload(blob, owner: seed) == "201")
        return blob
    }

    func revoke(_ blob: Blob, owner: Int) async throws -> String {
        try await status(
            "/\(blob.address.hex)", "-X", "DELETE", "-H", "Satchel-Secret: \(try Self.secret(owner).base64url)")
    }

    /// What the owner of number `owner` is told of its lease.
    func lease(on blob: Blob, owner: Int) async throws -> String {
        let secret = "Satchel-Secret: \(try Self.secret(owner).base64url)"
        return try await journey.curl("-H", secret, "\(server.url)/\(blob.address.hex)/lease").output
    }

    /// Asks the server for something; the status of the answer.
    func status(_ path: String, _ arguments: String...) async throws -> String {
        try await run(
            "/usr/bin/curl",
            ["-sS", "--max-time", "900", "-w", "%{http_code}"] + (arguments.contains("-o") ? [] : ["-o", "/dev/null"])
                + arguments + ["\(server.url)\(path)"],
            in: journey.folder.path
        ).output
    }

    /// What is served of `blob`; nil for 404.
    func read(_ blob: Blob) async throws -> [UInt8]? {
        let status = try await status("/\(blob.address.hex)", "-o", "read")
        if status == "404" { return nil }
        #expect(status == "200")
        return [UInt8](try Data(contentsOf: URL(filePath: journey.path("read"))))
    }

    /// The number of a metric without labels.
    func metric(_ name: String) async throws -> String? {
        let page = try await journey.curl("\(try server.adminURL)/metrics")
        return page.lines.first { $0.hasPrefix(name + " ") }.map { String($0.dropFirst(name.count + 1)) }
    }

    func isSuspended() async throws -> Bool { try await metric("satcheld_store_suspended") == "1" }

    /// No staged file and no promise of room stays of what was refused.
    func expectNothingLeaked() async throws {
        try await eventually { try await metric("satcheld_promised_bytes") == "0" }
        try await eventually {
            try FileManager.default.contentsOfDirectory(atPath: "\(journey.storage)/staging").isEmpty
        }
    }

    /// The server ends well, and after one sweep the store holds what its catalog says.
    func expectCleanAfterTheEnd() async throws {
        #expect(await server.stop() == 0)
        #expect(try await journey.satcheld("gc").status == 0)
        let checked = try await journey.satcheld("fsck")
        #expect(checked.status == 0, "\(checked.output)")
    }
}
