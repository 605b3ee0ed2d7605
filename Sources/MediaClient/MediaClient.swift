import Blobs
import Files
package import Transfer

/// The journeys of a file: out (`send`, `seal`), on (`forward`) and back (`open`, `unseal`); and what its sender can do
/// meanwhile.
///
/// Everything a journey needs of the world comes in here. It works on the caller's thread and keeps no bytes of a file
/// in memory beyond fixed buffers.
package final class MediaClient {
    let settings: Settings
    let state: StateFolder
    let pacing: Pacing
    let audience: Audience
    private let environment: @Sendable (String) -> String?
    private var connections: HTTPClient?
    private var habits: [WebOrigin: ServerHabits] = [:]

    package init(
        settings: Settings, state: StateFolder, pacing: Pacing, audience: Audience,
        environment: @escaping @Sendable (String) -> String?
    ) {
        self.settings = settings
        self.state = state
        self.pacing = pacing
        self.audience = audience
        self.environment = environment
    }

    /// The present moment, by the wall clock.
    var now: Timestamp { Timestamp(seconds: pacing.wallSeconds()) }

    /// The ticket, for the one server that it may be shown to: that of the setting.
    func ticket(for server: WebURL) throws(MediaClientError) -> Ticket? {
        guard server.origin == settings.server?.origin else { return nil }
        return try Ticket.read(settings.ticket)
    }

    /// Secrets and tickets go over https, or never leave this machine, unless plain http was allowed.
    func requireProtected(_ server: WebURL) throws(MediaClientError) {
        guard HostPolicy(configured: [], allowsHTTP: settings.allowsHTTP).isProtected(server.origin) else {
            throw .unprotected(server.origin)
        }
    }

    var retries: RetryPolicy { RetryPolicy(attempts: settings.attempts) }

    /// The connections of all journeys of this client; made when the first of them needs one.
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

    /// How this server is best sent to, as far as is known.
    func habits(of origin: WebOrigin) -> ServerHabits { habits[origin] ?? ServerHabits() }

    func remember(_ learned: ServerHabits, of origin: WebOrigin) { habits[origin] = learned }

    func spoolFile() throws(MediaClientError) -> TemporaryFile {
        do { return try state.spoolFile() } catch { throw .state(error) }
    }
}

/// Runs what can fail on a file, and says whose file it was.
func onFile<Result: ~Copyable>(
    _ role: (FileError) -> MediaClientError, _ body: () throws(FileError) -> Result
) throws(MediaClientError) -> Result {
    do { return try body() } catch { throw role(error) }
}
