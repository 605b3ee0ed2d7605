import ArgumentParser
import Blobs
import Files
import MediaClient
import MediaMessage

/// How messages are shown.
struct MessageOptions: ParsableArguments {
    static let formatHelp = "Message format: json or link; default: on a terminal a link for people, otherwise json."

    @Flag(
        inversion: .prefixedNo,
        help: "Draw the link as a QR code; by default it is drawn where a terminal has the room.")
    var qr: Bool?

    /// A code is of a link, and is drawn on a terminal.
    func check(_ settings: Settings) throws(ExitError) {
        guard qr == true else { return }
        if settings.isFormatChosen, settings.format == .json {
            throw ExitError("--qr draws a link, and the format is json", .usage)
        }
        if !Process.isTerminal(1) { throw ExitError("--qr draws on a terminal, and standard output is none", .usage) }
    }
}

/// Help with everything in it. `main.swift` looks for the flag before anything is parsed.
struct HelpOptions: ParsableArguments {
    @Flag(help: "Show help with all options.")
    var helpAll = false
}

/// The parser has another name for `--help-all`.
func showingAllHelp(in arguments: [String]) -> [String] {
    let flags = arguments.prefix { $0 != "--" }
    return flags.map { $0 == "--help-all" ? "--help-hidden" : $0 } + arguments[flags.count...]
}

extension SentName {
    /// A file's own name, as far as the settings let it out.
    init(ofFile path: String, _ settings: Settings) {
        let last = path == "-" || settings.naming == .no ? nil : path.split(separator: "/").last
        self = last.map { .own(PathText.readable(String($0)), isNeutral: settings.naming == .neutral) } ?? .none
    }
}

extension MessageSource {
    /// Why an argument names no file with a message; nil where it may.
    static func whyNoFile(_ argument: String) -> String? {
        if argument.isEmpty { return "the MESSAGE is empty; it is a message, a link, a file that contains one, or -" }
        guard HTTPOrigin.splitScheme(argument) != nil else { return nil }
        return "\(printable(argument)) is no link to a file: that has /open/ in it, and its key behind #"
    }

    /// Why bytes are surely no message; nil for what looks like one, and where the parser knows better.
    static func whyNone(_ bytes: [UInt8]) -> String? {
        if bytes.starts(with: "SBLB".utf8) { return "it is a sealed blob, which its message opens" }
        let isWide =
            bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) || bytes.prefix(2).contains(0)
        let start = (bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]).drop { $0 <= 0x20 }
        guard !isWide, let first = start.first, first != UInt8(ascii: "{"),
            case let beginning = String(decoding: start.prefix(16), as: UTF8.self),
            HTTPOrigin.splitScheme(beginning) == nil, !AESGCMLink.begins(beginning)
        else { return nil }
        return "a message is a text that begins with {, or a link with https:// or aesgcm://"
    }
}
