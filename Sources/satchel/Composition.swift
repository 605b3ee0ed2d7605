import Blobs
import Cage
import Files
import MediaClient
import MediaMessage
import Transfer

/// The one place that chooses dependencies: settings, state folder, clock and randomness of a command.
struct Composition {
    let settings: Settings
    let client: MediaClient

    /// A command that keeps nothing works without a state folder.
    init(flags: [SettingKey: String], console: Console, keepsState: Bool = true) throws {
        settings = try Self.settings(flags)
        let state: StateFolder
        if let kept = StateFolder(environment: Process.environment) {
            state = kept
        } else {
            guard !keepsState else {
                throw ExitError("cannot locate the state folder: set HOME or XDG_STATE_HOME", .badSettings)
            }
            state = StateFolder(temporaryFolder: Process.temporaryFolder)
        }
        client = MediaClient(
            settings: settings, state: state, retryEnvironment: .live, delegate: console.delegate,
            decoders: .own, environment: Process.environment)
    }

    /// Prints the messages for the chat, one a line. Once they are written out, the outbox forgets them. Unlike other
    /// output they are missed if nobody reads them.
    func printMessages(_ result: SendResult, as format: MessageFormat? = nil) throws {
        do {
            for message in result.messages { try printResult(client.text(of: message, as: format ?? result.format)) }
        } catch let error as ExitError {
            let place = result.outboxName.map { "; the message is kept: satchel outbox resume \($0)" } ?? ""
            throw ExitError(error.sentence + place, error.code)
        }
        client.forget(result)
    }

    /// Sends receipts that wait for the server that was just reached.
    func sendWaitingReceipts() {
        if let server = settings.server { client.sendWaitingReceipts(to: server.origin) }
    }

    static func settings(_ flags: [SettingKey: String]) throws -> Settings {
        try Settings(sources(flags))
    }

    static func sources(_ flags: [SettingKey: String]) throws -> SettingSources<SettingKey> {
        let path = configurationPath(environment: Process.environment)
        let file = try path.map { path throws(SettingError) in try ConfigurationFile.read(path) }
        return SettingSources(
            flags: flags, environment: Process.environment, file: file ?? ConfigurationFile(absentAt: "no file"))
    }
}

extension RetryEnvironment {
    static var live: RetryEnvironment {
        RetryEnvironment(
            wallSeconds: { Process.wallSeconds }, random: { UInt64.random(in: .min ... .max) },
            sleep: { Process.sleep(milliseconds: $0) })
    }
}

/// Writes a result line to standard output.
func printResult(_ text: String) throws(ExitError) {
    do { try Process.write(Array((text + "\n").utf8), to: 1) } catch { throw ExitError(output: error) }
}

/// Writes the path of a result to standard output, byte for byte.
func printPath(_ path: String) throws(ExitError) {
    do { try Process.write(PathText.bytes(path) + [0x0a], to: 1) } catch { throw ExitError(output: error) }
}

/// Opens an input file; `-` is standard input.
func openInput(_ path: String) throws(MediaClientError) -> OpenFile {
    do throws(FileError) { return path == "-" ? try OpenFile.duplicating(0) : try OpenFile(path, .read) } catch {
        throw .input(error)
    }
}
