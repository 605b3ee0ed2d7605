import Blobs
import MediaMessage
import Transfer

/// The members of a JSON object that is not a message: a server's response, a line of one of our own files. A member
/// that is missing or of another type is nil.
struct JSONMembers {
    private let members: [String: JSONValue]

    /// Nil for anything but one JSON object.
    init?(_ bytes: [UInt8]) {
        guard let value = try? JSONReader.read(bytes) else { return nil }
        self.init(value)
    }

    /// The body of a response of type JSON.
    init?(_ response: HTTPResponse) {
        guard response.mediaType == "application/json" else { return nil }
        self.init(response.body)
    }

    private init?(_ value: JSONValue) {
        guard case .object(let members) = value else { return nil }
        self.members = members
    }

    func text(_ name: String) -> String? {
        if case .string(let text)? = members[name] { text } else { nil }
    }

    func has(_ name: String) -> Bool { members[name] != nil }

    /// The members of an object whose values are all strings; nil for anything else.
    func texts(_ name: String) -> [String: String]? {
        guard case .object(let values)? = members[name] else { return nil }
        let texts = values.compactMapValues { value -> String? in
            if case .string(let text) = value { text } else { nil }
        }
        return texts.count == values.count ? texts : nil
    }

    /// At least 0, written in digits alone.
    func integer(_ name: String) -> Int64? {
        guard case .number(let digits)? = members[name], let number = Int64(digits), number >= 0 else { return nil }
        return number
    }

    func timestamp(_ name: String) -> Timestamp? { integer(name).map(Timestamp.init(seconds:)) }

    func secret(_ name: String) -> Secret? { text(name).flatMap { Secret(base64url: $0) } }

    /// The strings of an array, parsed; nil if one of them cannot be.
    func list<Element>(_ name: String, _ parse: (String) -> Element?) -> [Element]? {
        guard case .array(let values)? = members[name] else { return nil }
        let elements = values.compactMap { value -> Element? in
            if case .string(let text) = value { parse(text) } else { nil }
        }
        return elements.count == values.count ? elements : nil
    }

    /// Other URLs of a blob: strings of the array `mirrors` that a message may have. What is none is left out.
    func mirrors(of address: BlobAddress) -> [BlobURL] {
        guard case .array(let values)? = members["mirrors"] else { return [] }
        return values.compactMap { value -> BlobURL? in
            guard case .string(let text) = value, let url = BlobURL(text), url.address == address else { return nil }
            return url
        }
    }

    /// The objects of an array, parsed; nil if one of them cannot be.
    func objects<Element>(_ name: String, _ parse: (JSONMembers) -> Element?) -> [Element]? {
        guard case .array(let values)? = members[name] else { return nil }
        let elements = values.compactMap { JSONMembers($0).flatMap(parse) }
        return elements.count == values.count ? elements : nil
    }

    func object(_ name: String) -> JSONMembers? { members[name].flatMap { JSONMembers($0) } }

    var address: BlobAddress? { text("sha256").flatMap { BlobAddress(hex: $0) } }
}
