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
    private let console: Console

    /// A command that keeps nothing works without a state folder.
    init(flags: [SettingKey: String], console: Console, keepsState: Bool = true) throws {
        try self.init(try Self.settings(flags), console: console, keepsState: keepsState)
    }

    init(_ settings: Settings, console: Console, keepsState: Bool) throws {
        self.settings = settings
        self.console = console
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

    /// Prints the messages for the chat: as lines, or for people on a terminal unless `format`, or a setting, decides. Once
    /// they are written out, the outbox forgets them. Unlike other output they are missed if nobody reads them.
    func printMessages(_ result: SendResult, as format: MessageFormat? = nil, drawsCode: Bool?) throws {
        let isForPeople = format == nil && !settings.isFormatChosen && Process.isTerminal(1)
        let isLink = isForPeople && fitsLink(result)
        let form = format ?? (isLink ? .link : result.format)
        do {
            for message in result.messages {
                try printResult(client.text(of: message, as: form))
                guard form == .link else { continue }
                let draws = drawsCode ?? isLink
                if draws { try printCode(of: try client.text(of: message, as: .link), isWanted: drawsCode == true) }
                if isLink, let expires = message.expires {
                    let subject = console.subject.map { "\($0): " } ?? ""
                    try printResult(subject + LinkCard.kept(until: expires, now: Process.wallSeconds))
                }
            }
        } catch let error as ExitError {
            let place = result.outboxName.map { "; the message is kept: satchel outbox resume \($0)" } ?? ""
            throw ExitError(error.sentence + place, error.code)
        }
        client.forget(result)
    }

    /// Whether a link has room for all that was asked for. If not, the whole message is printed, and why is said.
    private func fitsLink(_ result: SendResult) -> Bool {
        let fits = result.messages.allSatisfy {
            $0.media.caption == nil && $0.media.alt == nil && (try? client.text(of: $0, as: .link)) != nil
        }
        if !fits {
            console.notify("this is the message for the chat: a link has no room for texts, nor for long names")
        }
        return fits
    }

    private func printCode(of link: String, isWanted: Bool) throws {
        let columns = Process.columns(1) ?? 80
        let hasColours = Process.environment("NO_COLOR").map(\.isEmpty) ?? true
        let rows = isWanted ? nil : Process.rows(1)
        switch LinkCard.code(of: link, columns: columns, rows: rows, hasColours: hasColours) {
        case .drawn(let text): try printResult(text)
        case .tooWide(let needed) where isWanted:
            console.notify(
                needed.map { "the QR code takes \($0) columns, and this terminal has \(columns)" }
                    ?? "the link is too long for a QR code")
        case .tooWide: break
        case .tooHigh(let needed):
            console.notify("the QR code takes \(needed) rows, and this terminal has fewer; --qr draws it all the same")
        }
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
    do throws(FileError) {
        let file = path == "-" ? try OpenFile.duplicating(0) : try OpenFile(path, .read)
        if try file.status().kind != .folder { return file }
    } catch {
        throw .input(error)
    }
    throw .inputIsFolder(path: path)
}
