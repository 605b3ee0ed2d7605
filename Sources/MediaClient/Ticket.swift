import Files
import Transfer

/// The right to upload: a word that the chat server gave out, shown in `Authorization: Bearer` (RFC 6750).
struct Ticket: Sendable {
    /// Never printed.
    let text: String

    /// The longest ticket, in bytes.
    static let limitBytes: Int64 = 8192

    static func isWellFormed(_ text: some StringProtocol) -> Bool {
        (1...Int(limitBytes)).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }

    /// How it is shown.
    var field: HTTPField { HTTPField("Authorization", "Bearer \(text)") }

    /// The ticket that the settings name; nil for none.
    static func read(_ source: Settings.TicketSource) throws(MediaClientError) -> Ticket? {
        switch source {
        case .none: return nil
        case .text(let text): return Ticket(text: text)
        case .file(let path): return try read(file: path)
        }
    }

    private static func read(file path: String) throws(MediaClientError) -> Ticket {
        let text: String?
        do { text = try OpenFile(path, .read).text(limitBytes: limitBytes + 2) } catch {
            throw .configuration("the ticket cannot be read: \(error)")
        }
        var word = (text ?? "")[...]
        while word.last?.isNewline == true { word.removeLast() }
        guard isWellFormed(word) else {
            throw .configuration("\(path) holds no ticket: that is one word of printable characters")
        }
        return Ticket(text: String(word))
    }
}
