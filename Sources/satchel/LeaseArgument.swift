import MediaClient
import MediaMessage

/// A LEASE on the command line: its name, the beginning of its blob's address, or the message that was sent.
enum LeaseArgument {
    static let help =
        "A lease by its name (3fa9c1d2-7b01), or the message: itself, a link, a file that holds one, or -."

    /// `all` is a word only where `allowsAll`.
    static func read(_ argument: String, allowsAll: Bool = false, terminal: Terminal) throws -> LeaseSelector {
        if allowsAll, argument == "all" { return .all }
        if let pattern = LeasePattern(argument) { return .pattern(pattern) }
        return .message(try MessageSource.read(argument, requiresLocation: false, terminal: terminal))
    }
}
