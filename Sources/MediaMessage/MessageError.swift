/// Why a text is no media message, or a message cannot be written down.
package enum MessageError: Error, Hashable, Sendable {
    /// More bytes than a message may have; how many over.
    case tooLong(bytesOver: Int)
    /// Not JSON as RFC 8259 has it: what is wrong, and at which byte.
    case notJSON(String, offset: Int)
    /// A name stands twice in one object, or in one link.
    case doubled(String)
    /// Objects and arrays inside each other, deeper than any message needs.
    case tooDeep(offset: Int)
    /// A later version of the message.
    case version(String)
    /// A required field is not there.
    case missing(String)
    /// A field holds what it must not: which field, and why.
    case invalid(String, String)
    /// Not a link: why.
    case notLink(String)
}

extension MessageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLong(let bytes):
            "the message is \(bytes) bytes too long; at most \(MediaMessage.limitBytes) are allowed"
        case .notJSON(let why, let offset): "the message is not JSON: \(why) at byte \(offset)"
        case .doubled(let name): "the message gives \"\(printable(name))\" twice"
        case .tooDeep(let offset): "the message is nested too deeply at byte \(offset)"
        case .version(let version):
            "the message has version \(printable(version)); only version 1 is known here"
        case .missing(let field): "the message has no \"\(field)\""
        case .invalid(let field, let why): "the message's \"\(field)\" \(why)"
        case .notLink(let why): "this is not a Satchel link: \(why)"
        }
    }
}
