import ArgumentParser
import Pages

/// `satcheld page --digest`: what the pages for browsers are, as whoever looks at a server can compare them.
struct PageDigestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "page", abstract: "Prints the digests of the pages that this program serves to browsers.",
        discussion: """
            They are those of the bytes as they are, not compressed, and their lines are those of sha256sum:

              curl -s https://media.example/send | sha256sum

            saved.html is what satchel page prints, note.html what is served with --pages none. The notes of a release \
            have the same lines.
            """)

    @Flag(help: "Print the SHA-256 of each page.") var digest = false

    func validate() throws {
        guard digest else { throw ValidationError("--digest is all that there is to print.") }
    }

    func run() { StandardOutput.write(PageDigests.own) }
}
