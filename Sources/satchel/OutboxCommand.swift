import ArgumentParser
import Blobs
import MediaClient
import MediaMessage

/// `satchel outbox`.
struct OutboxCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outbox", abstract: "Shows, resumes or cancels what has not gone out yet.",
        discussion: """
            A file that `send` has sealed is in the outbox until the server holds it and its message has been printed. \
            It lies in ~/.local/state/satchel/outbox (or below XDG_STATE_HOME) with its key, readable by you alone.
            """,
        subcommands: [List.self, Resume.self, Cancel.self], defaultSubcommand: List.self)

    /// An ID on the command line.
    static let help = "An entry by its name (3fa9c1d2-7b01), or by the first eight digits where that is enough."

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows what waits, what is being sent, and why; the oldest first. Asks no server.")

        @Flag(help: "Print JSON, one object a line.")
        var json = false

        func run() throws {
            let composition = try Composition(flags: [:], terminal: Terminal(isQuiet: true))
            for item in try composition.client.outbox() {
                try printResult(json ? OutboxLine.json(item) : OutboxLine.text(item))
            }
        }
    }

    struct Resume: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sends what waits, from where it stopped; prints the messages.",
            discussion: """
                Nothing is sealed a second time. Without an ID everything is tried that no other satchel is at; the \
                messages come in the order in which the files were sent.
                """)

        @Argument(help: ArgumentHelp(OutboxCommand.help, valueName: "id"))
        var ids: [String] = []

        @Flag(help: "Keep trying until it is sent, or refused for good.")
        var wait = false

        @Option(help: ArgumentHelp("json or link; by default as it was sent.", valueName: "format"))
        var format: String?

        @OptionGroup(title: "Server") var server: ServerOptions
        @OptionGroup(title: "Upload") var upload: UploadOptions
        @OptionGroup(title: "Connection") var connection: ConnectionOptions
        @OptionGroup var voice: VoiceOptions

        func run() throws {
            let terminal = voice.terminal
            let own: [Setting: String] = format.map { [.format: $0] } ?? [:]
            let flags = [server.flags, upload.flags, connection.flags, own].reduce([:]) { $0.merging($1) { $1 } }
            let composition = try Composition(flags: flags, terminal: terminal)
            defer { composition.sendWaitingReceipts() }
            let items = try composition.client.outbox()
            let names = try ids.isEmpty ? items.map(\.record.name) : ids.map { try OutboxCommand.name($0, in: items) }
            if names.isEmpty { terminal.say("nothing waits") }
            try resume(names, composition, terminal)
        }

        /// Tries all of them; the first failure is the end's.
        private func resume(_ names: [LeaseName], _ composition: Composition, _ terminal: Terminal) throws {
            var first: Ending?
            for name in names {
                do {
                    let dispatch = try composition.client.resume(name, untilSent: wait)
                    terminal.clearLine()
                    try composition.print(dispatch, as: format == nil ? nil : composition.settings.format)
                } catch let error as MediaClientError {
                    guard let ending = Ending(error)?.about(name.description) else { throw error }
                    if first != nil || names.count > 1 { terminal.say(ending.sentence) }
                    first = first ?? ending
                }
            }
            guard let first else { return }
            throw names.count == 1 ? first : Ending("not everything could be sent; it waits on", first.code)
        }
    }

    struct Cancel: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Gives up what waits: takes it from the server and from here.",
            discussion: "Its key goes with it: nothing that has arrived can be opened any more.")

        @Argument(help: ArgumentHelp(OutboxCommand.help, valueName: "id"))
        var ids: [String]

        @Flag(help: "Leave what is at the server to its end; for a server that is gone.")
        var onlyHere = false

        @OptionGroup(title: "Server") var server: ServerOptions
        @OptionGroup(title: "Connection") var connection: ConnectionOptions
        @OptionGroup var voice: VoiceOptions

        func run() throws {
            let flags = server.flags.merging(connection.flags) { $1 }
            let composition = try Composition(flags: flags, terminal: voice.terminal)
            for id in ids {
                let name = try OutboxCommand.name(id, in: try composition.client.outbox())
                try composition.client.cancel(name, onlyHere: onlyHere)
                try printResult("\(name) cancelled")
            }
        }
    }

    /// The one entry that is meant.
    static func name(_ id: String, in items: [Outbox.Item]) throws -> LeaseName {
        guard let pattern = LeasePattern(id) else {
            throw Ending("\(printable(id)) is no name in the outbox, such as 3fa9c1d2-7b01", Ending.usage)
        }
        let names = items.filter { pattern.matches($0.record) }.map(\.record.name)
        guard let name = names.first else { throw MediaClientError.notInOutbox }
        guard names.count == 1 else { throw MediaClientError.ambiguous(names) }
        return name
    }
}
