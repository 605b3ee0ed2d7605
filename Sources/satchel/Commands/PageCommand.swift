import ArgumentParser
import Blobs
import MediaClient
import MediaMessage
import Pages
import Transfer

struct PageCommand: ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "page",
        abstract: "Prints the page that opens links in a browser, to be kept; or checks the pages of a server.",
        discussion: """
            A browser opens files by the page that a server gives it, and has to trust that each time. A copy of the page \
            on this machine comes from nobody else: run satchel page > open.html, open that file, and paste the link.

            --check fetches the pages of a server as a browser would, and compares them with those that this satchel was \
            built with: the same; that of an earlier release; or unknown, and then the exit code is \
            \(ExitCode.wrongDigest.rawValue). It sees what it is given: a server may give others something else.
            """)

    @Option(
        help: ArgumentHelp("Check the pages of the server at this URL: https://host[:port][/path].", valueName: "url"))
    var check: String?

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var help: HelpOptions

    var flags: [SettingKey: String] { connection.flags }

    func run() throws {
        guard let check else { return try printCopy() }
        guard let server = WebURL(check), server.query == nil else {
            throw ExitError(
                "--check: \(printable(check)) is not the URL of a server, such as https://media.example", .usage)
        }
        let client = try Composition(flags: flags, console: output.console, keepsState: false).client
        // Any address will do, since the page is the same for all; one that nobody has seen cannot be told from a link.
        let address = randomAddress()
        let places = [(WebPage.open, "open/\(address.hex)"), (.video, "open/video.js"), (.send, "send")]
        var verdicts: [PageVerdict] = []
        for (page, path) in places {
            let verdict = PageVerdict(page, try client.page(path, of: server))
            try printResult(verdict.line)
            verdicts.append(verdict)
        }
        try conclude(verdicts, server)
    }

    private func printCopy() throws {
        if Process.isTerminal(1) {
            throw ExitError(
                "the page is for a file: satchel page > open.html; then open that in a browser, and paste a link",
                .usage)
        }
        do { try Process.write(WebPage.saved, to: 1) } catch { throw ExitError(output: error) }
    }

    private func randomAddress() -> BlobAddress {
        var random = SystemRandomNumberGenerator()
        return BlobAddress(of: (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) })
    }

    private func conclude(_ verdicts: [PageVerdict], _ server: WebURL) throws(ExitError) {
        let suspect = verdicts.filter(\.isSuspect).map(\.page.name.rawValue)
        guard suspect.isEmpty else {
            throw ExitError(
                "\(server.origin.authority) gives what this satchel does not know: \(suspect.joined(separator: ", "))",
                .wrongDigest)
        }
        guard verdicts.first?.served != nil else {
            throw ExitError("\(server.origin.authority) has no page at /open", .notFound)
        }
    }
}

/// What becomes of comparing one page with what a server gave in its place.
struct PageVerdict {
    let page: WebPage
    let served: ServedPage?
    private let origin: PageOrigin?
    /// The page is one of ours, and what it may do is not.
    private let hasOtherPolicy: Bool

    /// `place` is the page that belongs there.
    init(_ place: WebPage, _ served: ServedPage?, known: PageDigests = .released) {
        self.served = served
        guard let served else {
            (page, origin, hasOtherPolicy) = (place, nil, false)
            return
        }
        // Where no script is wanted, a note is in the place of the page that opens.
        let isNote = place.name == .open && known.origin(of: served.bytes, as: .note) == .same
        page = isNote ? .note : place
        let origin = known.origin(of: served.bytes, as: page)
        self.origin = origin
        let policy = served.policy.map { PagePolicy($0) }
        hasOtherPolicy = origin == .same && policy?.isSame(as: page.policy) != true
    }

    var isSuspect: Bool {
        if case .unknown = origin { true } else { hasOtherPolicy }
    }

    /// A line for a person: name, verdict and SHA-256.
    var line: String {
        let name = page.name.rawValue
        guard let served, let origin else { return "\(name)  not served" }
        let words =
            switch origin {
            case .same where hasOtherPolicy: "the same, of release \(Release.version), but with another policy"
            case .same: "the same, of release \(Release.version)"
            case .released(let version): "that of release \(version)"
            case .unknown(let claim?): "unknown; it calls itself \(claim)"
            case .unknown(nil): "unknown"
            }
        return "\(name)  \(words)  \(BlobAddress(of: served.bytes).hex)"
    }
}
