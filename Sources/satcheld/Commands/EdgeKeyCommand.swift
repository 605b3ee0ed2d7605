import ArgumentParser
import Blobs
import Files
import Tickets

/// `satcheld edge-key`: makes the key of an edge.
struct EdgeKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edge-key", abstract: "Makes the key of an edge, in a new file.",
        discussion: """
            The origin is given the file, or the folder it is in, with the setting edge-keys; the edge shows the same \
            key. Only the file's owner can read it. A file that is there already is never overwritten.
            """)

    @Argument(help: "The file to make.") var file: String

    func run() throws {
        do throws(FileError) { try EdgeKey.random().write(to: file) } catch {
            guard error.isExistence else { throw ExitStatus.failure("\(error)", .inputOutput) }
            throw ExitStatus.failure("\(file) exists already; give the key a new file.", .usage)
        }
    }
}
