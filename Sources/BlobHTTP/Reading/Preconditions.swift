/// An entity tag (RFC 9110 §8.8.3): the text between the quotes, and whether it is weak.
package struct EntityTag: Hashable, Sendable {
    package let opaque: String
    package let isWeak: Bool

    package init(opaque: String, isWeak: Bool = false) {
        self.opaque = opaque
        self.isWeak = isWeak
    }

    /// A single tag as in If-Range; nil for anything else, dates included.
    package init?(_ text: String) {
        guard case .tags(let tags) = EntityTagList(text), tags.count == 1, let tag = tags.first else { return nil }
        self = tag
    }

    /// Whether `text` is exactly this tag, strong: that is what nearly every client sends that has the blob.
    func isWritten(as text: String) -> Bool {
        let (bytes, expected) = (text.utf8.span, opaque.utf8.span)
        let quote = UInt8(ascii: "\"")
        guard !isWeak, bytes.count == expected.count + 2, bytes[0] == quote, bytes[bytes.count - 1] == quote else {
            return false
        }
        for index in expected.indices where bytes[index + 1] != expected[index] { return false }
        return true
    }

    /// Both strong, and the same (RFC 9110 §8.8.3.2).
    package func matchesStrongly(_ other: Self) -> Bool { !isWeak && !other.isWeak && opaque == other.opaque }

    /// The same, weak or not (RFC 9110 §8.8.3.2).
    package func matchesWeakly(_ other: Self) -> Bool { opaque == other.opaque }
}

/// What If-Match and If-None-Match carry (RFC 9110 §13.1.1, §13.1.2).
package enum EntityTagList: Hashable, Sendable {
    case any
    case tags([EntityTag])

    /// Parses the value of a field; nil if it is malformed.
    package init?(_ value: String) {
        if value == "*" {
            self = .any
            return
        }
        var rest = Array(value.utf8)[...]
        var tags: [EntityTag] = []
        while true {
            rest = rest.drop { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            if rest.isEmpty { break }
            guard let tag = Self.takeTag(from: &rest) else { return nil }
            tags.append(tag)
            rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            guard rest.isEmpty || rest.first == UInt8(ascii: ",") else { return nil }
        }
        guard !tags.isEmpty else { return nil }
        self = .tags(tags)
    }

    /// `[W/]"…"`; commas are ordinary inside the quotes.
    private static func takeTag(from rest: inout Array<UInt8>.SubSequence) -> EntityTag? {
        let isWeak = rest.starts(with: "W/".utf8)
        if isWeak { rest = rest.dropFirst(2) }
        guard rest.first == UInt8(ascii: "\"") else { return nil }
        rest = rest.dropFirst()
        guard let end = rest.firstIndex(of: UInt8(ascii: "\"")) else { return nil }
        let opaque = rest[..<end]
        rest = rest[(end + 1)...]
        let isTagCharacter = { (byte: UInt8) in byte == 0x21 || (0x23...0x7e).contains(byte) || byte >= 0x80 }
        guard opaque.allSatisfy(isTagCharacter) else { return nil }
        return EntityTag(opaque: String(decoding: opaque, as: UTF8.self), isWeak: isWeak)
    }
}
/// The conditional fields of a read, in the order of RFC 9110 §13.2.2. A blob has no modification date, so conditions
/// on dates are ignored.
package struct Preconditions: Hashable, Sendable {
    package var ifMatch: String?
    package var ifNoneMatch: String?
    package var ifRange: String?

    package init(ifMatch: String? = nil, ifNoneMatch: String? = nil, ifRange: String? = nil) {
        self.ifMatch = ifMatch
        self.ifNoneMatch = ifNoneMatch
        self.ifRange = ifRange
    }

    /// The result of If-Match and If-None-Match.
    package enum Outcome: Hashable, Sendable {
        case proceed, notModified, failed
    }

    /// Evaluates both for a blob that exists and has `tag`. A malformed If-Match matches nothing, and a malformed
    /// If-None-Match is ignored: neither misleads a client.
    package func evaluate(_ tag: EntityTag) -> Outcome {
        if let ifMatch {
            switch EntityTagList(ifMatch) {
            case .any: break
            case .tags(let tags) where tags.contains { $0.matchesStrongly(tag) }: break
            case .tags, nil: return .failed
            }
        }
        if let ifNoneMatch {
            if tag.isWritten(as: ifNoneMatch) { return .notModified }
            switch EntityTagList(ifNoneMatch) {
            case .any: return .notModified
            case .tags(let tags) where tags.contains { $0.matchesWeakly(tag) }: return .notModified
            case .tags, nil: break
            }
        }
        return .proceed
    }

    /// Whether the Range field counts: no If-Range, or one that is this very tag (RFC 9110 §13.1.5).
    package func admitsRange(_ tag: EntityTag) -> Bool {
        guard let ifRange else { return true }
        return EntityTag(ifRange)?.matchesStrongly(tag) ?? false
    }
}
