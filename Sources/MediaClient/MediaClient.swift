package import Blobs
package import Cage
import Files
package import Transfer

/// What a person can do with files: send, forward and open them, and manage what was sent.
///
/// Every dependency comes in through `init`. Work happens on the caller's thread, with fixed buffers whatever the size
/// of a file.
package final class MediaClient {
    let settings: Settings
    let state: StateFolder
    let retryEnvironment: RetryEnvironment
    let delegate: ClientDelegate
    /// The program that decodes what this one does not touch, in a process of its own.
    let decoders: CageProgram
    private let environment: @Sendable (String) -> String?
    private var connections: HTTPClient?
    /// What has been learned of each server so far.
    var capabilities: [HTTPOrigin: ServerCapabilities] = [:]

    package init(
        settings: Settings, state: StateFolder, retryEnvironment: RetryEnvironment, delegate: ClientDelegate,
        decoders: CageProgram, environment: @escaping @Sendable (String) -> String?
    ) {
        self.settings = settings
        self.state = state
        self.retryEnvironment = retryEnvironment
        self.delegate = delegate
        self.decoders = decoders
        self.environment = environment
    }

    /// The present moment, by the wall clock.
    var now: Timestamp { Timestamp(seconds: retryEnvironment.wallSeconds()) }

    // MARK: Servers

    /// The server in the settings, if secrets and tickets may go there.
    func uploadServer() throws(MediaClientError) -> WebURL {
        guard let server = settings.server else {
            throw .configuration("no server is set; use --server https://media.example or SATCHEL_SERVER")
        }
        try requireProtected(server)
        return server
    }

    /// Where the ticket for a server comes from; nil for all but the one in the settings, which alone may see it. Who
    /// has set `localhost` leaves open at which address of this machine that is.
    func ticket(for server: WebURL) -> ServerTicket? {
        guard let own = settings.server?.origin else { return nil }
        guard server.origin == own || own.host == "localhost" && server.origin.isSameServer(as: own) else { return nil }
        return ServerTicket(settings.ticket, for: server.origin, environment: environment)
    }

    /// Secrets and tickets travel over https or stay on this machine, unless plain http was allowed.
    func requireProtected(_ server: WebURL) throws(MediaClientError) {
        guard HostPolicy(configured: [], allowsHTTP: settings.allowsHTTP).isProtected(server.origin) else {
            throw .unprotected(server.origin)
        }
    }

    /// `waitsQuietly` where a failure is said once, when there is nothing more to try.
    func api(_ server: WebURL, waitsQuietly: Bool = false) throws(MediaClientError) -> StoreAPI {
        StoreAPI(
            http: try http(), server: server, ticket: ticket(for: server), servers: settings.servers,
            retries: retryLoop(waitsQuietly: waitsQuietly))
    }

    /// A fresh count of attempts, by the settings unless a policy is given.
    func retryLoop(_ policy: RetryPolicy? = nil, waitsQuietly: Bool = false) -> RetryLoop {
        RetryLoop(
            policy ?? RetryPolicy(attempts: settings.attempts), retryEnvironment,
            notify: waitsQuietly ? delegate.waiting : delegate.notify)
    }

    /// The connections of this client, opened on first use.
    func http() throws(MediaClientError) -> HTTPClient {
        if let connections { return connections }
        if let file = settings.certificateFile {
            // The library would look at it for https alone.
            _ = try onFile({ .configuration("the certificates cannot be read: \($0)") }) { () throws(FileError) in
                try OpenFile(file, .read).status()
            }
        }
        let transfer = TransferSettings(
            connectTimeoutSeconds: settings.connectTimeoutSeconds, stallTimeoutSeconds: settings.stallTimeoutSeconds,
            lowestDownloadRate: settings.lowestDownloadRate, certificateFile: settings.certificateFile,
            environment: environment)
        do {
            let client = try HTTPClient(settings: transfer)
            connections = client
            return client
        } catch {
            throw .transfer(error)
        }
    }

    // MARK: Files

    /// A result that goes to `place`.
    func output(_ place: OutputPlace, replacing: Bool) throws(MediaClientError) -> OutputFile {
        try OutputFile(place, replacing: replacing, spool: spoolFile)
    }

    /// Everything that reading `input` gives, from where it stands to its end, whatever its size is said to be. What has
    /// to be copied for that has a bound.
    func whole(
        _ input: borrowing OpenFile, within bound: SizeRefusal? = nil
    ) throws(MediaClientError) -> WholeFile {
        let hasItsSize = try onFile(MediaClientError.input) { () throws(FileError) in try input.isRegularAsItSays() }
        if hasItsSize { return try onFile(MediaClientError.input) { () throws(FileError) in try WholeFile(input) } }
        let spool = try spoolFile()
        let limit = try StreamBound.bytes(
            isDevice: onFile(MediaClientError.input) { () throws(FileError) in try input.status().isCharacterDevice },
            freeBytes: onFile(MediaClientError.state) { () throws(FileError) in try Folder.freeBytes(at: state.path) },
            limitBytes: bound?.limitBytes ?? .max)
        let isWhole = try onFile(MediaClientError.input) { () throws(FileError) in
            try input.copy(to: spool.file, limitBytes: limit)
        }
        guard isWhole else {
            if let bound, bound.limitBytes == limit { throw bound.error }
            throw .endlessInput(path: input.path, limitBytes: limit)
        }
        do { return try WholeFile(spool) } catch { throw .state(error) }
    }

    func spoolFile() throws(MediaClientError) -> TemporaryFile {
        do { return try state.spoolFile() } catch { throw .state(error) }
    }
}

/// Runs file operations and translates their error into one that says whose file it was.
func onFile<Result: ~Copyable>(
    _ role: (FileError) -> MediaClientError, _ body: () throws(FileError) -> Result
) throws(MediaClientError) -> Result {
    do { return try body() } catch { throw role(error) }
}

/// How much of a stream is kept to be sent.
enum StreamBound {
    /// Nobody types more into a terminal, and other devices have no end.
    static let deviceBytes: Int64 = 64 << 20
    /// What others on the disk are left with.
    static let reserveBytes: Int64 = 512 << 20

    /// As much as there is room for beside a sealed copy, and at most `limitBytes`.
    static func bytes(isDevice: Bool, freeBytes: Int64, limitBytes: Int64) -> Int64 {
        min(isDevice ? deviceBytes : .max, max(0, freeBytes - reserveBytes) / 2, limitBytes)
    }
}

/// A regular file that is read from its first byte to its last.
struct WholeFile: ~Copyable {
    let file: OpenFile
    /// Keeps the file if it is one of our own.
    private let spool: TemporaryFile?

    /// Somebody's file, as it is.
    init(_ input: borrowing OpenFile) throws(FileError) {
        file = try input.duplicate()
        spool = nil
    }

    /// A file of our own.
    init(_ spool: consuming TemporaryFile) throws(FileError) {
        file = try spool.file.duplicate()
        self.spool = .some(spool)
    }
}

/// How far one step has come.
package struct StepProgress: Hashable, Sendable {
    package enum Step: String, Sendable { case cleaning, sealing, uploading, downloading, decrypting }

    package let step: Step
    /// Bytes done, of `total`.
    package let done: Int64
    package let total: Int64

    package init(_ step: Step, _ done: Int64, of total: Int64) {
        self.step = step
        self.done = done
        self.total = total
    }
}

/// How a client reports to whoever uses it, and what it asks.
package struct ClientDelegate {
    /// Takes a sentence worth showing: what was removed, what is being retried.
    package var notify: (String) -> Void
    /// Takes a sentence that has to be shown: what a file will tell its recipients besides what is meant.
    package var warn: (String) -> Void
    package var progress: (StepProgress) -> Void
    /// Takes what is being waited for, which is of no interest once the wait is over.
    package var waiting: (String) -> Void
    /// Asks whether a message may lead to a host that the configuration does not name.
    package var allows: (HTTPOrigin) -> Bool

    package init(
        notify: @escaping (String) -> Void, warn: @escaping (String) -> Void,
        progress: @escaping (StepProgress) -> Void, waiting: @escaping (String) -> Void = { _ in },
        allows: @escaping (HTTPOrigin) -> Bool
    ) {
        self.notify = notify
        self.warn = warn
        self.progress = progress
        self.waiting = waiting
        self.allows = allows
    }
}
