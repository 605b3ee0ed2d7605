import ArgumentParser
import Blobs
import Files
import Imaging
import MediaClient
import MediaMessage

struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Describes what a message contains. The key is not shown, and no server is contacted.")

    @Argument(help: ArgumentHelp(MessageSource.help))
    var message: String

    @Option(
        help: ArgumentHelp(
            "Write the preview picture to this file; - is standard output, and nothing else is printed.",
            valueName: "file"))
    var preview: String?

    @Flag(help: "Replace an existing file.")
    var force = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if force && preview == nil { throw ValidationError("--force needs --preview") }
        if force && preview == "-" { throw ValidationError("--force replaces a file, and --preview - writes to none") }
    }

    func run() throws {
        let files = try MessageSource.readFiles(message, requiresLocation: false, console: output.console)
        if let preview {
            guard files.count == 1 else {
                throw ExitError("\(message) has \(files.count) messages, and --preview takes one", .usage)
            }
            try writePreview(of: files[0], to: preview)
            if preview == "-" { return }
        }
        try printResult(files.map(description).joined(separator: "\n\n"))
    }

    private func description(of file: SharedFile) -> String {
        switch file {
        case .message(let message): MessageDescription(message, .ofOutput).text
        case .aesgcm(let link): AESGCMDescription(link: link).text
        }
    }

    private func writePreview(of file: SharedFile, to path: String) throws {
        guard case .message(let message) = file, let bytes = message.media.preview else {
            throw ExitError("the message has no preview", .badData)
        }
        do { _ = try checkPreview(bytes) } catch { throw MediaClientError.picture(error) }
        if path == "-" {
            do { return try Process.write(bytes, to: 1) } catch { throw ExitError(output: error) }
        }
        try writeResult(bytes, to: path, replacing: force, temporaryFolder: Process.temporaryFolder)
    }
}

/// A message in words. What the sender wrote is made safe for a terminal; the key is not in it.
struct MessageDescription {
    private let message: MediaMessage
    private let zone: CalendarZone

    init(_ message: MediaMessage, _ zone: CalendarZone = .utc) {
        self.message = message
        self.zone = zone
    }

    var text: String { lines.map { "\($0): \($1)" }.joined(separator: "\n") }

    private var lines: [(String, String)] {
        let media = message.media
        let removed = media.removed.map(printable).joined(separator: ", ")
        let optional: [(String, String?)] = [
            ("file", "\(media.type), \(ProgressMeter.bytes(media.size)) (\(media.size) bytes)"),
            ("name", media.name.map(printable)),
            ("saved as", safeFileName(hint: media.name, mediaType: media.type)),
            ("caption", media.caption.map(printable)),
            ("description", media.alt.map(printable)),
            ("dimensions", dimensions),
            ("duration", media.duration.map { "\($0) s" }),
            ("preview", media.preview.map { "\($0.count) bytes" }),
            ("placeholder", media.thumbhash.map { "\($0.count) bytes (ThumbHash)" }),
            ("metadata removed", removed.isEmpty ? nil : removed),
            ("location", location),
            ("sealed blob", "\(message.size) bytes, SHA-256 \(message.address.hex)"),
            ("index", message.root == nil ? nil : "yes: every part can be checked by itself"),
            ("expires", message.expires.map { "\(CalendarTime($0, zone)), as a hint; the server decides" }),
            ("receipt", message.receipt == nil ? "not requested" : "requested"),
            ("key", "32 bytes (not shown)"),
        ]
        return optional.compactMap { name, value in value.map { (name, $0) } }
    }

    private var dimensions: String? {
        guard let width = message.media.width, let height = message.media.height else { return nil }
        return "\(width) × \(height)"
    }

    private var location: String {
        guard let url = message.url else { return "not in the message" }
        return ([url] + message.mirrors).map(\.description).joined(separator: ", ")
    }
}
