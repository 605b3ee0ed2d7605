import Blobs
import Files
import Transfer

/// The ticket for one server: a word that the chat server issued, or that a server on this machine made for its own
/// user. It is sent as `Authorization: Bearer` (RFC 6750), and read for each request that shows it: it may have been
/// renewed since the last one.
struct ServerTicket {
    private let source: Settings.TicketSource
    private let server: HTTPOrigin
    private let environment: (String) -> String?

    /// The longest ticket, in bytes.
    static let limitBytes: Int64 = 8192

    static func isWellFormed(_ text: some StringProtocol) -> Bool {
        (1...Int(limitBytes)).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }

    /// The ticket that the settings name; if they name none, the local one of a server on this machine.
    init(_ source: Settings.TicketSource, for server: HTTPOrigin, environment: @escaping (String) -> String?) {
        self.source = source
        self.server = server
        self.environment = environment
    }

    static let fieldName = "Authorization"

    /// How it is sent now: no field if there is none.
    func fields() throws(MediaClientError) -> [HTTPField] {
        try found().map { [HTTPField(Self.fieldName, "Bearer \($0.word)")] } ?? []
    }

    /// What it says of itself; nil if there is none.
    func look() throws(MediaClientError) -> TicketLook? { try found().map { TicketLook($0.word, place: $0.place) } }

    private func found() throws(MediaClientError) -> (word: String, place: String)? {
        switch source {
        case .none: Self.local(server, environment).map { ($0.word, "the server's local ticket \($0.path)") }
        case .text(let text): (text, "the setting ticket")
        case .file(let path): (try Self.word(inFile: path), "the file \(path)")
        }
    }

    /// How it is sent after the server has refused `shown`, if it is another one by now. If it cannot be read any more,
    /// the refusal is the news.
    func fields(after shown: [HTTPField]) -> [HTTPField]? {
        guard let fresh = try? fields(), fresh != shown else { return nil }
        return fresh
    }

    private static func word(inFile path: String) throws(MediaClientError) -> String {
        let text: String?
        let exposure: String?
        do throws(FileError) {
            let file = try OpenFile(path, .read)
            exposure = try file.status().exposure(isSecret: true)
            text = try file.text(limitBytes: limitBytes + 2)
        } catch {
            throw .configuration("the ticket cannot be read: \(error)")
        }
        if let exposure { throw .configuration("\(path) is not usable as a ticket: \(exposure) \(path)") }
        guard let word = word(in: text) else {
            throw .configuration("\(path) does not contain a ticket (one word of printable characters)")
        }
        return word
    }

    /// The ticket of a server of the same user on this machine. A file that others could have made, or could have read,
    /// is passed over.
    private static func local(
        _ server: HTTPOrigin, _ environment: (String) -> String?
    ) -> (word: String, path: String)? {
        for path in LocalTicketPlace.paths(for: server, environment) {
            let text = try? privateText(inFile: path)
            if let word = word(in: text) { return (word, path) }
        }
        return nil
    }

    private static func privateText(inFile path: String) throws(FileError) -> String? {
        // Before it is opened, since opening what is no file may wait for ever; and once more, since it may be another.
        guard let status = try Folder.status(path), status.kind == .regular else { return nil }
        let file = try OpenFile(path, .read, followsLinks: false)
        return try file.status().isOwnAndPrivate ? file.text(limitBytes: limitBytes) : nil
    }

    /// The only line of a file.
    private static func word(in text: String?) -> String? {
        var word = (text ?? "")[...]
        while word.last?.isNewline == true { word.removeLast() }
        return isWellFormed(word) ? String(word) : nil
    }
}
