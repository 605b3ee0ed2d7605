import ArgumentParser
import Pages

/// `satcheld page`: what the pages for browsers are, as whoever looks at a server can compare them.
struct PageDigestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "page", abstract: "Prints the digests of the pages that this program serves to browsers.",
        discussion: """
            They are those of the bytes as they are, not compressed, and their lines are those of sha256sum:

              curl -s https://media.example/send | sha256sum

            saved.html is what satchel page prints, note.html what is served with --pages none, cut.html what is served \
            where a cut link leads. The notes of a release have the same lines.
            """)

    @Flag(help: "Print the SHA-256 of each page, as without this flag.") var digest = false

    func run() { StandardOutput.write(PageDigests.own) }
}
