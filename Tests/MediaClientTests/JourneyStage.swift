import Blobs
import Cage
import Files
import Glibc
import MediaClient
import MediaMessage
import Sealing
import Synchronization
import TestSupport
import Transfer

/// Everything a journey needs of the world, in a temporary folder; waits take no time and are written down.
final class JourneyStage {
    let folder: TemporaryFolder
    let peers = Peers()
    let waits = Record()
    /// What the person was told.
    private(set) var heard: [String] = []
    /// The steps whose progress was shown.
    private(set) var steps: Set<StepProgress.Step> = []
    /// What the person answers when asked about a host.
    var allowsHosts = false
    /// The program that decodes pictures for clients.
    var decoders = Products.path("satchel")
    /// What clients find in their environment.
    var environment: [String: String] = [:]
    /// The clock of the clients that are made from now on, in seconds since 1970.
    var now: Int64 = 1_700_000_000
    /// What happens in the world whenever a client waits.
    var whileWaiting: @Sendable () -> Void = {}

    init() throws {
        folder = try TemporaryFolder()
        try Folder.make(folder.path("out"))
    }

    final class Record: Sendable {
        private let values = Mutex<[Int64]>([])
        func add(_ value: Int64) { values.withLock { $0.append(value) } }
        var all: [Int64] { values.withLock { $0 } }
    }

    /// A client whose settings are these and `attempts = 3`.
    func client(_ values: [SettingKey: String] = [:]) throws -> MediaClient {
        let flags = values.merging([.attempts: "3", .stallTimeout: "2"]) { given, _ in given }
        let file = ConfigurationFile(absentAt: "none")
        let settings = try Settings(SettingSources(flags: flags, environment: { _ in nil }, file: file))
        let waits = waits
        let whileWaiting = whileWaiting
        let now = now
        let environment = RetryEnvironment(
            wallSeconds: { now }, random: { 7 },
            sleep: { milliseconds in
                waits.add(milliseconds)
                whileWaiting()
            })
        let delegate = ClientDelegate(
            notify: { self.heard.append($0) }, warn: { self.heard.append($0) },
            progress: { self.steps.insert($0.step) },
            allows: { _ in self.allowsHosts })
        return MediaClient(
            settings: settings, state: StateFolder(path: folder.path("state")), retryEnvironment: environment,
            delegate: delegate, decoders: CageProgram(path: decoders),
            environment: { [variables = self.environment] in variables[$0] })
    }

    /// A new file with these bytes, open for reading.
    func file(_ bytes: [UInt8], named name: String = "in") throws -> OpenFile {
        try write(bytes, toFile: folder.path(name))
        return try OpenFile(folder.path(name), .read)
    }

    /// Bytes that are no picture, sealed; the blob's path and its message, which leads to `peer`.
    func sealed(_ bytes: [UInt8], at url: String = "http://127.0.0.1:1") throws -> (blob: String, message: MediaMessage)
    {
        let blob = folder.path("blob")
        var message = try client([.name: "no"]).seal(
            try file(bytes), options: SendOptions(name: .given("notes.bin")), to: blob, replacing: true)
        message.url = BlobURL("\(url)/\(message.address.hex)")
        return (blob, message)
    }

    /// The names of what is in the folder where opened files go.
    var outNames: [String] { get throws { try Folder.names(in: folder.path("out")) } }
}

/// Bytes that no sniffer takes for anything and no two chunks share.
func noise(_ count: Int) -> [UInt8] {
    var state: UInt64 = 0x9e37_79b9_7f4a_7c15
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
    }
}
