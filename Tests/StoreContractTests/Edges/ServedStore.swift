import BlobHTTP
import Blobs
import CacheFolder
import Edge
import OriginLink
import ServiceLifecycle
import Store
import StoreTestSupport
import Synchronization
import Telemetry
import TestSupport
import Tickets

/// Services that run until a test stops them.
struct RunningServices {
    private let tasks: [Task<Void, any Error>]

    init(_ services: [any Service]) {
        tasks = services.map { service in Task { try await service.run() } }
    }

    func stop() async {
        for task in tasks { task.cancel() }
        for task in tasks { _ = try? await task.value }
    }
}

/// A store, or an edge, behind a real server on a port of this machine that was free.
struct ServedStore {
    let port: UInt16
    private let running: RunningServices

    /// - Parameter key: of those who may follow `changes`.
    init(_ reads: any BlobStore, changes: any ChangeFeed, key: EdgeKey) async throws {
        var settings = BlobServerSettings(listen: Authority(host: "127.0.0.1", port: 0))
        settings.edgeKeys = EdgeKeys([key])
        // However slow the machine is, nobody's time is up.
        let patience = Duration.seconds(900)
        settings.connections.headerTimeout = patience
        settings.connections.idleTimeout = patience
        settings.connections.writeTimeout = patience
        let (ports, continuation) = AsyncStream.makeStream(of: UInt16.self)
        let server = BlobServer(
            reads: reads, writes: .refused, changes: changes, settings: settings, logger: StoreFixture.quiet,
            observer: RequestObserver(meters: Meters(codes: Problem.Code.allCases)), readings: { Readings() },
            gcStatus: { GCStatus() }
        ) { _, bound in continuation.yield(bound.port ?? 0) }
        running = RunningServices(server.services)
        guard let port = await ports.first(where: { _ in true }) else { throw Unexpected(what: "no port is bound") }
        self.port = port
    }

    func stop() async { await running.stop() }
}

extension EdgeStore {
    /// How old what an edge serves may be, where it follows no changes.
    static let testedAge = EdgeSettings().maximumAge

    /// Opens an edge whose cache is in `folder`, in front of the server at `port` of this machine.
    static func open(
        in folder: TemporaryFolder, origin port: UInt16, key: EdgeKey?, clock: TestClock, boot: String = "first"
    ) throws(CacheFolderError) -> EdgeStore {
        guard let address = OriginAddress("http://127.0.0.1:\(port)") else { preconditionFailure("this is an address") }
        var origin = EdgeOrigin(addresses: [address], key: key?.base64url)
        // However slow the machine is, nobody's time is up.
        origin.link.queueTime = .seconds(900)
        origin.link.connectTimeout = .seconds(900)
        origin.link.silence = .seconds(900)
        var settings = EdgeSettings()
        settings.keepFreeBytes = 0
        settings.threads = 2
        return try EdgeStore.open(
            at: folder.path("cache"), name: nil, origin: origin, settings: settings, meters: EdgeMeters(),
            clock: EdgeClock(boot: boot) { clock.wall }, logger: StoreFixture.quiet)
    }
}
