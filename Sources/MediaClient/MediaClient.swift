package import Blobs
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
    private let environment: @Sendable (String) -> String?
    private var connections: HTTPClient?
    /// What has been learned of each server so far.
    var capabilities: [HTTPOrigin: ServerCapabilities] = [:]

    package init(
        settings: Settings, state: StateFolder, retryEnvironment: RetryEnvironment, delegate: ClientDelegate,
        environment: @escaping @Sendable (String) -> String?
    ) {
        self.settings = settings
        self.state = state
        self.retryEnvironment = retryEnvironment
        self.delegate = delegate
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

    /// The ticket, for the only server that may see it: the one in the settings.
    func ticket(for server: WebURL) throws(MediaClientError) -> BearerTicket? {
        guard server.origin == settings.server?.origin else { return nil }
        return try BearerTicket.read(settings.ticket)
    }

    /// Secrets and tickets travel over https or stay on this machine, unless plain http was allowed.
    func requireProtected(_ server: WebURL) throws(MediaClientError) {
        guard HostPolicy(configured: [], allowsHTTP: settings.allowsHTTP).isProtected(server.origin) else {
            throw .unprotected(server.origin)
        }
    }

    func api(_ server: WebURL, _ ticket: BearerTicket? = nil) throws(MediaClientError) -> StoreAPI {
        StoreAPI(http: try http(), server: server, ticket: ticket, retries: retryLoop())
    }

    /// A fresh count of attempts, by the settings unless a policy is given.
    func retryLoop(_ policy: RetryPolicy? = nil) -> RetryLoop {
        RetryLoop(policy ?? RetryPolicy(attempts: settings.attempts), retryEnvironment, notify: delegate.notify)
    }

    /// The connections of this client, opened on first use.
    func http() throws(MediaClientError) -> HTTPClient {
        if let connections { return connections }
        let transfer = TransferSettings(
            connectTimeoutSeconds: settings.connectTimeoutSeconds, stallTimeoutSeconds: settings.stallTimeoutSeconds,
            certificateFile: settings.certificateFile, environment: environment)
        do {
            let client = try HTTPClient(settings: transfer)
            connections = client
            return client
        } catch {
            throw .transfer(error)
        }
    }

    // MARK: Files

    /// Fails early if `path` is taken. Publishing checks again.
    func refuseTaken(_ path: String, replacing: Bool) throws(MediaClientError) {
        let status = try onFile(MediaClientError.output) { () throws(FileError) in try Folder.status(path) }
        if status != nil && !replacing { throw .exists(path: path) }
    }

    /// A temporary file in the folder of `path`, so that it can be renamed to it.
    func temporaryFile(beside path: String) throws(MediaClientError) -> TemporaryFile {
        try onFile(MediaClientError.output) { () throws(FileError) in try TemporaryFile(in: parentFolder(of: path)) }
    }

    func spoolFile() throws(MediaClientError) -> TemporaryFile {
        do { return try state.spoolFile() } catch { throw .state(error) }
    }

    func publish(_ file: borrowing TemporaryFile, as path: String, replacing: Bool) throws(MediaClientError) {
        do throws(FileError) { try file.publish(as: path, replacing: replacing) } catch {
            throw error.isExistence ? .exists(path: path) : .output(error)
        }
    }
}

/// Runs file operations and translates their error into one that says whose file it was.
func onFile<Result: ~Copyable>(
    _ role: (FileError) -> MediaClientError, _ body: () throws(FileError) -> Result
) throws(MediaClientError) -> Result {
    do { return try body() } catch { throw role(error) }
}

/// How far one step has come.
package struct StepProgress: Hashable, Sendable {
    package enum Step: String, Sendable { case sealing, uploading, downloading, decrypting }

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
    package var progress: (StepProgress) -> Void
    /// Asks whether a message may lead to a host that the configuration does not name.
    package var allows: (HTTPOrigin) -> Bool

    package init(
        notify: @escaping (String) -> Void, progress: @escaping (StepProgress) -> Void,
        allows: @escaping (HTTPOrigin) -> Bool
    ) {
        self.notify = notify
        self.progress = progress
        self.allows = allows
    }
}
