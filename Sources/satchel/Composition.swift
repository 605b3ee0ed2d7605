import Files
import MediaClient
import MediaMessage
import Transfer

/// The one place that chooses: settings, state folder, clock and chance of a command.
struct Composition {
    let settings: Settings
    let client: MediaClient

    init(flags: [Setting: String], terminal: Terminal) throws {
        settings = try Self.settings(flags)
        guard let state = StateFolder(environment: Process.environment) else {
            throw Ending("neither XDG_STATE_HOME nor HOME says where to keep state", Ending.badSettings)
        }
        client = MediaClient(
            settings: settings, state: state, pacing: .live, audience: terminal.audience,
            environment: Process.environment)
    }

    /// The messages for the chat, one a line; once they are written out nothing of them is kept.
    func print(_ dispatch: Dispatch, as format: MessageFormat? = nil) throws {
        for message in dispatch.messages { try printResult(message.text(format ?? dispatch.format)) }
        client.settle(dispatch)
    }

    /// What waited for the server that was there just now.
    func sendWaitingReceipts() {
        if let server = settings.server { client.sendWaitingReceipts(to: server.origin) }
    }

    static func settings(_ flags: [Setting: String]) throws -> Settings {
        try Settings(sources(flags))
    }

    static func sources(_ flags: [Setting: String]) throws -> SettingSources {
        let path = configurationPath(environment: Process.environment)
        let file = try path.map { path throws(SettingError) in try ConfigurationFile.read(path) }
        return SettingSources(
            flags: flags, environment: Process.environment, file: file ?? ConfigurationFile(absentAt: "no file"))
    }
}

extension Pacing {
    static var live: Pacing {
        Pacing(
            wallSeconds: { Process.wallSeconds }, random: { UInt64.random(in: .min ... .max) },
            sleep: { Process.sleep(milliseconds: $0) })
    }
}

extension MediaMessage {
    /// One line, ready to be pasted or piped.
    func text(_ format: MessageFormat) throws(MessageError) -> String {
        switch format {
        case .json: try encoded()
        case .link: try MediaLink.format(self)
        }
    }
}

/// Writes a result line to standard output.
func printResult(_ text: String) throws(Ending) {
    guard Process.write(text + "\n", to: 1) else {
        throw Ending("standard output cannot be written", Ending.outputFailed)
    }
}

/// Opens a file to be sent; `-` is standard input.
func openInput(_ path: String) throws(MediaClientError) -> OpenFile {
    do throws(FileError) { return path == "-" ? try OpenFile.duplicating(0) : try OpenFile(path, .read) } catch {
        throw .input(error)
    }
}
