import Files
import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct ServerTests {
    let journey: Journey

    init() throws { journey = try Journey(anyoneUploads: true) }

    /// A sealed file in the journey's folder, made by the client; its name.
    func sealedFile(bytes count: Int) async throws -> String {
        try write([UInt8](repeating: 9, count: count), toFile: journey.path("plain"))
        let sealed = try await journey.satchel("seal", "plain", "-o", "sealed", "--padding", "none")
        #expect(sealed.status == 0, "\(sealed.errors)")
        return "sealed"
    }

    func status(_ arguments: String...) async throws -> String {
        try await run(
            "/usr/bin/curl", ["-sS", "--max-time", "900", "-o", "/dev/null", "-w", "%{http_code}"] + arguments,
            in: journey.folder.path
        ).output
    }

    @Test func `an acknowledged blob survives a kill`() async throws {
        let server = try await journey.serve()
        let file = try await sealedFile(bytes: 300_000)
        #expect(try await status("-T", file, "\(server.url)/upload") == "201")
        await server.kill()

        let next = try await journey.serve()
        #expect(try await status("-T", file, "\(next.url)/upload") == "200", "already held")
        #expect(await next.stop() == 0)
        #expect(try await journey.satcheld("fsck").status == 0)
    }

    @Test func `an upload cut in the middle leaves nothing behind`() async throws {
        let server = try await journey.serve()
        let file = try await sealedFile(bytes: 4_000_000)
        let slow = try RunningCommand(
            "/usr/bin/curl", ["-sS", "--limit-rate", "10K", "-T", file, "\(server.url)/upload"],
            in: journey.folder.path)
        try await eventually { try !staged().isEmpty }
        #expect(slow.isRunning)
        slow.send(signal: SIGKILL)
        _ = await slow.status()
        try await eventually { try staged().isEmpty }
        #expect(try journey.blobFiles().isEmpty)
        #expect(await server.stop() == 0)
    }

    func staged() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(journey.storage)/staging")
    }

    @Test func `the end of the server waits for what is in flight`() async throws {
        let server = try await journey.serve()
        let file = try await sealedFile(bytes: 3_000_000)
        let upload = try RunningCommand(
            "/usr/bin/curl",
            [
                "-sS", "--limit-rate", "2M", "-o", "/dev/null", "-w", "%{http_code}", "-T", file,
                "\(server.url)/upload",
            ], in: journey.folder.path)
        try await eventually { try !upload.isRunning || !staged().isEmpty }
        async let stopped = server.stop()
        let result = await upload.result()
        #expect(result.output == "201", "\(result.errors)")
        #expect(await stopped == 0)
    }

    @Test func `two servers cannot share a store`() async throws {
        let server = try await journey.serve()
        let second = try await journey.satcheld("serve", "--listen", "127.0.0.1:0")
        #expect(second.status != 0)
        #expect(second.errors.contains("storage"), "\(second.errors)")
        #expect(await server.stop() == 0)
    }

    @Test func `a wrong folder is left alone`() async throws {
        try FileManager.default.createDirectory(atPath: journey.storage, withIntermediateDirectories: true)
        try write(Array("dear diary".utf8), toFile: "\(journey.storage)/diary.txt")
        let refused = try await journey.satcheld("serve", "--listen", "127.0.0.1:0")
        #expect(refused.status != 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: journey.storage) == ["diary.txt"])
    }

    @Test(arguments: ["catalog.sqlite", "blobs.v1/STORE"])
    func `a store that misses a part does not start and loses nothing`(part: String) async throws {
        let server = try await journey.serve()
        let file = try await sealedFile(bytes: 100_000)
        #expect(try await status("-T", file, "\(server.url)/upload") == "201")
        #expect(await server.stop() == 0)
        let whole = "\(journey.storage)/\(part)"
        try FileManager.default.moveItem(atPath: whole, toPath: journey.path("aside"))
        for command in ["serve", "gc", "fsck"] {
            let refused = try await journey.satcheld(command)
            #expect(refused.status != 0, "\(command) without \(part)")
        }
        #expect(try journey.blobFiles().count == 1)
        try? FileManager.default.removeItem(atPath: whole)
        try FileManager.default.moveItem(atPath: journey.path("aside"), toPath: whole)
        #expect(try await journey.satcheld("fsck").status == 0)
    }

    @Test func `a public address without a word on who may upload does not start`() async throws {
        let refused = try await run(
            Programs.path("satcheld"), ["serve", "--listen", "0.0.0.0:0", "--storage", journey.storage])
        #expect(refused.status != 0)
        let first = refused.errors.split(separator: "\n").first ?? ""
        #expect(first.contains("--allow-anonymous-uploads"), "\(first)")
    }

    @Test func `the help names every setting with its default`() async throws {
        let help = try await run(Programs.path("satcheld"), ["serve", "--help"])
        #expect(help.status == 0)
        for word in ["--listen", "127.0.0.1:8080", "--storage", "--public-url", "--accept", "--admin-listen"] {
            #expect(help.output.contains(word), "\(word)")
        }
        let config = try await journey.satcheld("config")
        #expect(config.status == 0 && config.output.contains(journey.storage))
    }

    @Test func `a flag wins over the environment, and the environment over the file`() async throws {
        try write(
            Array(#"{"gc-interval":"7m","blob-limit":"1MiB","idle-timeout":"9s"}"#.utf8), toFile: journey.path("f"))
        let environment = [
            "SATCHELD_CONFIG": journey.path("f"), "SATCHELD_BLOB_LIMIT": "2MiB", "SATCHELD_IDLE_TIMEOUT": "8s",
        ]
        let config = try await run(
            Programs.path("satcheld"), ["config", "--idle-timeout", "6s"], environment: environment)
        #expect(config.status == 0, "\(config.errors)")
        for (name, value) in [("gc-interval", "7m"), ("blob-limit", "2MiB"), ("idle-timeout", "6s")] {
            #expect(config.lines.contains { $0.contains(name) && $0.contains(value) }, "\(name) in \(config.output)")
        }
    }

    @Test(arguments: [
        (#"{"gc-intervall":"7m"}"#, "gc-intervall"), (#"{"gc-interval":"soon"}"#, "gc-interval"), ("[", "f"),
        (#"{"blob-limit":"99999999999999999999GiB"}"#, "blob-limit"),
    ])
    func `a slip in the settings file is named`(contents: String, word: String) async throws {
        try write(Array(contents.utf8), toFile: journey.path("f"))
        let refused = try await journey.satcheld("serve", "--config", journey.path("f"))
        #expect(refused.status == 78, "\(refused.errors)")
        #expect(refused.errors.contains(word))
        #expect(!FileManager.default.fileExists(atPath: journey.storage), "nothing was made")
    }

    @Test func `collecting and checking ask the server that owns the store`() async throws {
        let server = try await journey.serve()
        let file = try await sealedFile(bytes: 100_000)
        #expect(try await status("-T", file, "\(server.url)/upload") == "201")
        for command in [["gc", "--json"], ["gc", "--dry-run"], ["fsck", "--json"], ["fsck"]] {
            let asked = try await run(Programs.path("satcheld"), command + ["--storage", journey.storage])
            #expect(asked.status == 0, "\(command): \(asked.errors)")
            #expect(!asked.output.isEmpty)
            if command.contains("--json") {
                _ = try JSONSerialization.jsonObject(with: Data(asked.outputBytes))
            }
        }
        await server.kill()
        #expect(try await journey.satcheld("fsck").status == 0, "a socket that nobody listens at is no owner")
    }

    @Test func `two gigabytes or a quarter pass in constant memory`() async throws {
        let long = ProcessInfo.processInfo.environment["SATCHEL_SOAK"] != nil
        let size = long ? 2 << 30 : 256 << 20
        let server = try await journey.serve("--blob-limit", "3221225472")
        let environment = journey.environment(server: server.url)
        try OpenFile(journey.path("large.bin"), .create(permissions: 0o600)).truncate(to: Int64(size))
        let sent = try await run(
            Programs.path("satchel"), ["send", "large.bin"], environment: environment, in: journey.folder.path)
        #expect(sent.status == 0, "\(sent.errors)")
        let opened = try await run(
            Programs.path("satchel"), ["open", "-", "-o", "back.bin", "--download-limit", "3GiB"],
            environment: environment,
            input: sent.outputBytes, in: journey.folder.path)
        #expect(opened.status == 0, "\(opened.errors)")
        #expect(try FileManager.default.attributesOfItem(atPath: journey.path("back.bin"))[.size] as? Int == size)
        let limit = 64 << 20
        let serverPeak = try #require(residentPeak(of: server.command.processIdentifier))
        #expect(sent.peakResidentBytes < limit && opened.peakResidentBytes < limit && serverPeak < limit)
        print(
            "resident peaks for \(size) bytes: send \(sent.peakResidentBytes), open \(opened.peakResidentBytes), serve \(serverPeak)"
        )
        #expect(await server.stop() == 0)
    }
}
