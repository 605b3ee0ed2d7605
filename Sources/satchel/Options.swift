import ArgumentParser
import MediaClient
import Transfer

/// How loud.
struct VoiceOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Say nothing but errors.")
    var quiet = false

    var terminal: Terminal { Terminal(isQuiet: quiet) }
}

/// How to reach servers.
struct ConnectionOptions: ParsableArguments {
    @Flag(help: "Permit plain http to hosts other than this machine.")
    var allowHTTP = false

    @Option(help: ArgumentHelp("Until a connection must stand.", valueName: "seconds"))
    var connectTimeout: String?

    @Option(help: ArgumentHelp("Without a byte, after which a transfer is given up.", valueName: "seconds"))
    var stallTimeout: String?

    @Option(help: ArgumentHelp("How often to try in all when the network or the server fails.", valueName: "number"))
    var attempts: String?

    @Option(help: ArgumentHelp("Certificates to trust in place of the system's (PEM).", valueName: "file"))
    var caFile: String?

    var flags: [Setting: String] {
        [
            .allowHTTP: allowHTTP ? "yes" : nil, .connectTimeout: connectTimeout, .stallTimeout: stallTimeout,
            .attempts: attempts, .certificateFile: caFile,
        ].compactMapValues { $0 }
    }
}

/// How a sealed file gets to the server.
struct UploadOptions: ParsableArguments {
    @Option(help: ArgumentHelp("From how many sealed bytes on an upload can be resumed.", valueName: "bytes"))
    var resumableFrom: String?

    var flags: [Setting: String] { [.resumableFrom: resumableFrom].compactMapValues { $0 } }
}

/// Whom to ask, and by what right.
struct ServerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The server, https://host[:port][/path].", valueName: "url"))
    var server: String?

    @Option(help: ArgumentHelp("A file that holds the ticket.", valueName: "file"))
    var ticketFile: String?

    var flags: [Setting: String] { [.server: server, .ticketFile: ticketFile].compactMapValues { $0 } }
}

/// How long it shall be kept, and for whom.
struct LeaseOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How long it shall be kept: 45s, 90m, 12h, 30d, 2w.", valueName: "time"))
    var lifetime: String?

    @Option(help: ArgumentHelp("How many people shall receive it; when all have, it may go.", valueName: "number"))
    var recipients: String?

    @Flag(help: "Print a message for each recipient, so that nobody can say \"delivered\" for another; at most 256.")
    var recipientSecrets = false

    var flags: [Setting: String] { [.lifetime: lifetime, .recipients: recipients].compactMapValues { $0 } }

    /// What the flags and the other settings come to must fit together.
    func check(_ settings: Settings) throws(Ending) {
        guard recipientSecrets else { return }
        guard settings.format == .json else {
            throw Ending("--recipient-secrets needs --format json: a link carries no receipt secret", Ending.usage)
        }
        guard let count = settings.recipients, count <= MediaClient.recipientSecretLimit else {
            throw Ending(
                "--recipient-secrets needs --recipients, from 1 to \(MediaClient.recipientSecretLimit)", Ending.usage)
        }
    }
}

/// What becomes of a file before it is sealed, and what the message says of it.
struct ContentOptions: ParsableArguments {
    @Option(help: ArgumentHelp("standard (1600 pixels), high (4096) or original.", valueName: "quality"))
    var quality: String?

    @Option(help: ArgumentHelp("none, sixteenths, eighths or power-of-two.", valueName: "policy"))
    var padding: String?

    @Option(help: "A caption, at most 1024 bytes.")
    var caption: String?

    @Option(help: ArgumentHelp("What it shows, for those who do not see it; at most 512 bytes.", valueName: "text"))
    var alt: String?

    @Option(help: "The name to tell the recipient; for a single FILE.")
    var name: String?

    @Flag(help: "Tell the recipient no name.")
    var noName = false

    @Flag(help: "Put no preview into the message.")
    var noPreview = false

    @Option(help: ArgumentHelp("json or link.", valueName: "format"))
    var format: String?

    @Flag(help: "Accept damaged pictures; replace files that are there.")
    var force = false

    var flags: [Setting: String] {
        [
            .quality: quality, .padding: padding, .format: format, .name: noName ? "no" : nil,
            .preview: noPreview ? "no" : nil,
        ].compactMapValues { $0 }
    }

    func validate() throws {
        if name != nil && noName { throw ValidationError("--name and --no-name contradict each other") }
    }

    /// What is said of the file at `path`, whose own name travels unless somebody objects.
    func sendOptions(for path: String, _ settings: Settings) -> SendOptions {
        let own = path == "-" ? nil : path.split(separator: "/").last.map(String.init)
        return SendOptions(
            name: name ?? (settings.hasName ? own : nil), caption: caption, alt: alt, acceptsCorruption: force)
    }
}

/// Where an opened file goes.
struct TargetOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("A path, a folder, or - for standard output once all is verified.", valueName: "path"))
    var output: String?

    @Flag(help: "Replace a file that is there.")
    var force = false
}
