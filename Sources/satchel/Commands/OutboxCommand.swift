import ArgumentParser
import Blobs
import MediaClient
import MediaMessage

/// `satchel outbox`.
struct OutboxCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outbox", abstract: "Shows, resumes or cancels unfinished sends.",
        discussion: """
            A file sealed by `send` stays in the outbox until the server has it and its message has been printed. The \
            outbox is in ~/.local/state/satchel/outbox (or $XDG_STATE_HOME/satchel/outbox). It contains keys, and only \
            you can read it.
            """,
        subcommands: [ListEntries.self, ResumeEntries.self, CancelEntries.self], defaultSubcommand: ListEntries.self)

    static let idHelp = "An entry by its name (3fa9c1d2-7b01), or the first eight digits if they are unique."

    struct ListEntries: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Shows what is waiting or being sent, and why; oldest first. Contacts no server.")

        @Flag(help: "Print JSON, one object a line.")
        var json = false

        func run() throws {
            let composition = try Composition(flags: [:], console: Console(isQuiet: true))
            for item in try composition.client.outbox() {
                try printResult(json ? OutboxLine.json(item) : OutboxLine.text(item, .ofOutput))
            }
        }
    }

    struct ResumeEntries: ConfiguredCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume",
            abstract: "Continues interrupted sends from where they stopped; prints their messages.",
            discussion: """
                Nothing is sealed a second time. Without an ID, resumes every entry that no other satchel process is \
                sending. Messages are printed in the order in which the files were sent.
                """)

        @Argument(help: ArgumentHelp(OutboxCommand.idHelp, valueName: "id"))
        var ids: [String] = []

        @Flag(help: "Keep trying until it is sent or refused for good.")
        var wait = false

        @Option(
            help: ArgumentHelp("Message format: json or link; default: as `send` would print it.", valueName: "format"))
        var format: String?

        @OptionGroup(title: "Message") var shown: MessageOptions
        @OptionGroup(title: "Server") var server: ServerOptions
        @OptionGroup(title: "Upload") var upload: UploadOptions
        @OptionGroup(title: "Connection") var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var help: HelpOptions

        func validate() throws { try connection.refuseAttempts(with: wait) }

        var flags: [SettingKey: String] {
            merged(server.flags, upload.flags, connection.flags, [.format: format].compactMapValues { $0 })
        }

        func run() throws {
            let console = output.console
            let composition = try Composition(flags: flags, console: console)
            defer { composition.sendWaitingReceipts() }
            try shown.check(composition.settings)
            let items = try composition.client.outbox()
            let names = try ids.isEmpty ? items.map(\.record.name) : ids.map { try OutboxCommand.name($0, in: items) }
            if names.isEmpty { console.notify("the outbox is empty") }
            for item in items where names.contains(item.record.name) {
                try server.check(item.record.origin, composition.settings)
            }
            try resume(names, composition, console)
        }

        /// Tries all of them; the first failure decides the exit code.
        private func resume(_ names: [LeaseName], _ composition: Composition, _ console: Console) throws {
            var first: ExitError?
            for name in names {
                do {
                    let result = try composition.client.resume(name, untilSent: wait)
                    console.clearLine()
                    try composition.printMessages(
                        result, as: format == nil ? nil : composition.settings.format, drawsCode: shown.qr)
                } catch let error as MediaClientError {
                    guard let ending = ExitError(error)?.about(name.description) else { throw error }
                    if first != nil || names.count > 1 { console.notify(ending.sentence) }
                    first = first ?? ending
                }
            }
            guard let first else { return }
            throw names.count == 1 ? first : ExitError("some files were not sent and stay in the outbox", first.code)
        }
    }

    struct CancelEntries: ConfiguredCommand {
        static let configuration = CommandConfiguration(
            commandName: "cancel",
            abstract: "Cancels unfinished sends: removes them from the server and from the outbox.",
            discussion: "The key is deleted too: nothing that has reached the server can be opened any more.")

        @Argument(help: ArgumentHelp(OutboxCommand.idHelp, valueName: "id"))
        var ids: [String]

        @Flag(help: "Do not contact the server; what it has expires by itself.")
        var onlyHere = false

        @OptionGroup(title: "Connection") var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var help: HelpOptions

        func validate() throws {
            if onlyHere, !connection.flags.isEmpty {
                throw ValidationError("--only-here contacts no server, and takes no flag about connections")
            }
        }

        var flags: [SettingKey: String] { connection.flags }

        func run() throws {
            let composition = try Composition(flags: flags, console: output.console)
            for id in ids {
                let name = try OutboxCommand.name(id, in: try composition.client.outbox())
                try composition.client.cancel(name, onlyLocally: onlyHere)
                try printResult("\(name) cancelled")
            }
        }
    }

    /// The one entry that is meant.
    static func name(_ id: String, in items: [OutboxItem]) throws -> LeaseName {
        guard let pattern = LeasePattern(id) else {
            throw ExitError("\(printable(id)) is not the name of an outbox entry, such as 3fa9c1d2-7b01", .usage)
        }
        let names = items.filter { pattern.matches($0.record) }.map(\.record.name)
        guard let name = names.first else { throw MediaClientError.notInOutbox }
        guard names.count == 1 else { throw MediaClientError.ambiguous(names) }
        return name
    }
}

/// An outbox entry as a line: for a person, or for a program. It has no secrets.
enum OutboxLine {
    /// `2026-11-23 20:32 UTC  3fa9c1d2-7b01    1.2 MB  notes.bin: waiting, 42 % sent; cannot reach media.example: …`
    static func text(_ item: OutboxItem, _ zone: CalendarZone = .utc) -> String {
        let record = item.record
        let size = ProgressMeter.bytes(record.size)
        let padding = String(repeating: " ", count: max(0, 8 - size.count))
        let name = record.message.media.name.map { "\(printable($0)): " } ?? ""
        return "\(CalendarTime(record.at, zone))  \(record.name)  \(padding)\(size)  \(name)\(state(item))"
    }

    /// `{"id","sha256","server","size","at","state","acknowledged","failure","failed_at"}`; `state` is `waiting`,
    /// `sending` or `sent`.
    static func json(_ item: OutboxItem) -> String {
        var line = JSONWriter()
        line.add("id", string: item.record.name.description)
        line.add("sha256", string: item.record.message.address.hex)
        line.add("server", string: item.record.server)
        line.add("size", integer: item.record.size)
        line.add("at", integer: item.record.at.seconds)
        line.add("state", string: word(item))
        line.add("acknowledged", integer: item.progress.acknowledged)
        line.add("failure", string: item.progress.failure)
        line.add("failed_at", integer: item.progress.failedAt?.seconds)
        return line.text
    }

    private static func word(_ item: OutboxItem) -> String {
        if item.progress.url != nil { return "sent" }
        return item.isBusy ? "sending" : "waiting"
    }

    private static func state(_ item: OutboxItem) -> String {
        if item.progress.url != nil {
            return item.isBusy
                ? "sent"
                : "sent, but its message was not printed; to print it: satchel outbox resume \(item.record.name)"
        }
        let percent = percent(item).map { ", \($0) % sent" } ?? ""
        let reason = item.progress.failure.map { "; \(printable($0))" } ?? ""
        return "\(word(item))\(percent)\(reason)"
    }

    /// Whole percents of what the server has; nil if that is nothing.
    private static func percent(_ item: OutboxItem) -> Int64? {
        guard item.progress.acknowledged > 0, item.record.size > 0 else { return nil }
        return min(99, Int64(Double(item.progress.acknowledged) / Double(item.record.size) * 100))
    }
}
