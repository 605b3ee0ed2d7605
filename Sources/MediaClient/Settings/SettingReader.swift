import Blobs
import MediaMessage
import Transfer

/// Parses settings. Errors name the setting, and where it was set.
struct SettingReader {
    let sources: SettingSources<SettingKey>

    func server() throws(SettingError) -> WebURL? {
        try parsed(.server) { text throws(Reason) in try Self.baseURL(text) }
    }

    func edges() throws(SettingError) -> [WebURL]? {
        try parsed(.edges) { text throws(Reason) in
            var edges: [WebURL] = []
            for part in Self.parts(text) { edges.append(try Self.baseURL(String(part))) }
            return edges
        }
    }

    func page() throws(SettingError) -> BlobBase? {
        try parsed(.page) { text throws(Reason) in
            guard let page = BlobBase(text.hasSuffix("/") ? text.dropLast() : text[...]) else {
                throw Reason("\(text) is not the URL of a page, such as https://open.example")
            }
            return page
        }
    }

    private static func baseURL(_ text: String) throws(Reason) -> WebURL {
        guard let url = WebURL(text), url.query == nil else {
            throw Reason("\(text) is not the URL of a server, such as https://media.example")
        }
        return url
    }

    private static func parts(_ text: String) -> [Substring] {
        text.split(whereSeparator: { $0 == "," || $0 == " " })
    }

    func servers() throws(SettingError) -> [HostPattern]? {
        try parsed(.servers) { text throws(Reason) in
            var patterns: [HostPattern] = []
            for part in Self.parts(text) {
                guard let pattern = HostPattern(part) else {
                    throw Reason("\(part) is not a host, such as media.example or media.example:8443")
                }
                patterns.append(pattern)
            }
            return patterns
        }
    }

    func ticket() throws(SettingError) -> Settings.TicketSource {
        switch sources.value(ofFirst: [.ticketFile, .ticket]) {
        case nil: return .none
        case (.ticketFile, let path, _)?: return .file(path)
        case (let setting, let text, let origin)?:
            guard ServerTicket.isWellFormed(text) else {
                throw SettingError(setting, origin, "a ticket is one word of printable characters")
            }
            return .text(text)
        }
    }

    func lifetime() throws(SettingError) -> Lifetime? {
        try parsed(.lifetime) { text throws(Reason) in
            do throws(WrittenDuration.Refusal) { return try WrittenDuration.parse(text) } catch {
                throw Reason(error.description)
            }
        }
    }

    func choice<Choice: RawRepresentable & CaseIterable>(
        _ setting: SettingKey
    ) throws(SettingError) -> Choice? where Choice.RawValue == String {
        try parsed(setting) { text throws(Reason) in
            guard let choice = Choice(rawValue: text) else {
                throw Reason("\(text) is not one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            return choice
        }
    }

    func flag(_ setting: SettingKey) throws(SettingError) -> Bool? {
        try parsed(setting) { text throws(Reason) in
            switch text {
            case "yes", "true", "1": true
            case "no", "false", "0": false
            default: throw Reason("\(text) is neither yes nor no")
            }
        }
    }

    func number(_ setting: SettingKey, _ range: ClosedRange<Int>) throws(SettingError) -> Int? {
        try parsed(setting) { text throws(Reason) in
            guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text), range.contains(number)
            else { throw Reason("\(text) is not a number from \(range.lowerBound) to \(range.upperBound)") }
            return number
        }
    }

    func byteCount(
        _ setting: SettingKey, _ range: ClosedRange<Int64> = 0...(.max)
    ) throws(SettingError) -> Int64? {
        try parsed(setting) { text throws(Reason) in
            guard let count = ByteQuantity.parse(text) else {
                throw Reason("\(text) is not a number of bytes, such as 1048576 or 1MiB")
            }
            guard range.contains(count) else {
                throw Reason("\(text) is not from \(range.lowerBound) to \(range.upperBound)")
            }
            return count
        }
    }

    /// Why a text is not a value.
    private struct Reason: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }

    private func parsed<Value>(
        _ setting: SettingKey, _ parse: (String) throws(Reason) -> Value
    ) throws(SettingError) -> Value? {
        guard let (text, origin) = sources.value(of: setting) else { return nil }
        do { return try parse(text) } catch { throw SettingError(setting, origin, error.text) }
    }
}
