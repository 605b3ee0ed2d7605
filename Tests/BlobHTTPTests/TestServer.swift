import BlobHTTP
import Blobs
import Catalog
import Logging
import ServiceLifecycle
import Store
import StoreRules
import Telemetry
import TestSupport
import Vault

/// A real server over a real store on a real disk, on a free port of 127.0.0.1.
struct TestServer {
    let port: Int
    let adminPort: Int
    let vault: Vault
    let observer: RequestObserver
    private let group: ServiceGroup

    var url: String { "http://127.0.0.1:\(port)" }

    /// Tells the server to end, as a signal would.
    func shutDown() async { await group.triggerGracefulShutdown() }

    /// Runs `body` with a server, which ends with it. Told to end, it lets requests finish for `shutdownTimeout`.
    static func run(
        acceptance: BlobAcceptance = .any, blobLimitBytes: Int64 = 2 << 30, shutdownTimeout: Duration = .seconds(5),
        settings change: (inout BlobServerSettings) -> Void = { _ in },
        vault changeVault: (inout VaultSettings) -> Void = { _ in },
        reads: @Sendable (any BlobStore) -> any BlobStore = { $0 },
        writes: @Sendable (any LeaseStore) -> WriteAccess = { .store($0) },
        store wrap: @Sendable (Vault) -> any LeaseStore = { $0 },
        changes: @Sendable (Vault) -> any ChangeFeed = { $0 },
        _ body: (TestServer) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        var vaultSettings = VaultSettings()
        vaultSettings.acceptance = acceptance
        vaultSettings.blobLimitBytes = blobLimitBytes
        vaultSettings.ballastBytes = 0
        vaultSettings.keepFreeBytes = 0
        vaultSettings.threads = 2
        vaultSettings.probePatience = .seconds(900)
        changeVault(&vaultSettings)
        let vault = try await Vault.open(
            at: folder.path("store"), settings: vaultSettings, meters: Meters(codes: Problem.Code.allCases),
            logger: logger)
        let observer = RequestObserver(
            meters: vault.meters, accessLog: AccessLog(meters: vault.meters, now: { Timestamp(seconds: 1_800_000_000) })
        )
        var settings = BlobServerSettings(listen: Authority(host: "127.0.0.1", port: 0))
        settings.adminListen = settings.listen
        // However slow the machine is, nobody's time is up unless a test says when.
        let patience = Duration.seconds(900)
        settings.connections.headerTimeout = patience
        settings.connections.idleTimeout = patience
        settings.connections.writeTimeout = patience
        settings.connections.uploadPatience = patience
        change(&settings)
        let (ports, continuation) = AsyncStream.makeStream(of: (BlobServer.Listener, Int).self)
        let store = wrap(vault)
        let server = BlobServer(
            reads: reads(store), writes: writes(store), changes: changes(vault), settings: settings, logger: logger,
            observer: observer,
            readings: { [vault] in
                var readings = Readings()
                readings.store = try? await vault.readings()
                readings.writing = vault.writeStatus
                return readings
            },
            gcStatus: {
                var report = CollectReport()
                report.hold = "the clocks parted"
                return GCStatus(latest: report, holdCount: 2)
            }
        ) { listener, bound in
            continuation.yield((listener, Int(bound.port ?? 0)))
        }
        var configuration = ServiceGroupConfiguration(
            services: server.services.map { .init(service: $0) }, logger: logger)
        configuration.maximumGracefulShutdownDuration = shutdownTimeout
        let group = ServiceGroup(configuration: configuration)
        let running = Task { try await group.run() }
        var bound: [BlobServer.Listener: Int] = [:]
        for await (listener, port) in ports {
            bound[listener] = port
            if bound.count == 2 { break }
        }
        let test = TestServer(
            port: bound[.blobs] ?? 0, adminPort: bound[.admin] ?? 0, vault: vault, observer: observer,
            group: group)
        do { try await body(test) } catch {
            await group.triggerGracefulShutdown()
            try await running.value
            await vault.close()
            throw error
        }
        await group.triggerGracefulShutdown()
        try await running.value
        await vault.close()
        withExtendedLifetime(folder) {}
    }

    /// How many requests of `route` were answered by a shortcut.
    func shortcutCount(_ route: RouteClass) -> Int { vault.meters.requests.shortcutCount(route: route) }

    func connect(reads: Bool = true) async throws -> RawClient {
        try await RawClient.connect(port: port, reads: reads)
    }

    /// Sends one request on a connection of its own and gives the answer.
    func answer(
        to method: String, _ path: String, fields: [(String, String)] = [], body: [UInt8]? = nil, host: String? = nil
    ) async throws -> RawClient.Answer? {
        let client = try await connect()
        var head = "\(method) \(path) HTTP/1.1\r\nHost: \(host ?? "127.0.0.1:\(port)")\r\n"
        for (name, value) in fields { head += "\(name): \(value)\r\n" }
        if let body { head += "Content-Length: \(body.count)\r\n" }
        try await client.send(Array("\(head)\r\n".utf8) + (body ?? []))
        let answer = await client.answer(toHead: method == "HEAD")
        await client.close()
        return answer
    }

    /// Stores bytes, and gives their address.
    func put(_ bytes: [UInt8], fields: [(String, String)] = []) async throws -> BlobAddress {
        let answer = try await answer(to: "PUT", "/upload", fields: fields, body: bytes)
        guard answer?.status == 201 || answer?.status == 200 else { throw UnexpectedAnswer(answer: answer) }
        return Self.address(of: bytes)
    }

    /// The offset that is written down of the upload at `path`, once it is not 0: to ask by HTTP would end its request.
    func offsetWritten(_ path: String) async throws -> Int64 {
        guard let id = UploadID(hex: path.split(separator: "/").last ?? "") else { return -1 }
        return try await eventually {
            let offset = try await vault.read { try $0.upload(id)?.offset }
            return offset == 0 ? nil : offset
        }
    }

    static func address(of bytes: [UInt8]) -> BlobAddress {
        var hasher = BlobHasher()
        // Safe: the array outlives the span over its plain bytes.
        unsafe hasher.update(bytes.span.bytes)
        return hasher.address()
    }

    struct UnexpectedAnswer: Error {
        let answer: RawClient.Answer?
    }
}
