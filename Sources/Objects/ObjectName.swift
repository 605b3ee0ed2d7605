package import Blobs
package import StoreRules

/// The name of an object in the store's bucket, below the prefix of the store's address.
///
///     v1/SS/YYYYMMDDHH/ID    bytes: ID in 32 hexadecimal digits, the hour of its birth (UTC), its last byte
///     v1/STORE               whose bucket this is
///     v1/PASS/TOKEN          of each of the latest sweeps, its token
package struct ObjectName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Whose bucket this is.
    package static let store = ObjectName(checked: "v1/STORE")
    /// The folder of what sweeps leave, with a slash at its end.
    package static let passFolder = "v1/PASS/"

    /// Printable ASCII without anything that a URL or XML writes otherwise.
    package let text: String

    private init(checked text: String) {
        self.text = text
    }

    /// The name of the object with this ID.
    package init(_ id: ObjectID) {
        text = Self.folder(lastByte: id.bytes[15], hour: id.born) + id.hex
    }

    /// The object with this name as an object store lists it; nil unless it is spelled exactly as an ID's name is.
    package init?(listed text: String) {
        guard let id = Self.id(in: text) else { return nil }
        self.init(id)
        guard self.text == text else { return nil }
    }

    /// What a sweep leaves.
    package init(_ token: PassToken) {
        text = "\(Self.passFolder)\(token)"
    }

    /// The sweep that left an object of this name; nil unless that is spelled exactly so.
    package static func pass(listed text: String) -> PassToken? {
        guard text.hasPrefix(passFolder) else { return nil }
        return PassToken(text.dropFirst(passFolder.count))
    }

    /// The ID of an object that holds bytes; nil for the others.
    package var id: ObjectID? { Self.id(in: text) }

    /// The folder of those IDs that end in `lastByte` and were born in the hour of `hour`, with a slash at its end.
    package static func folder(lastByte: UInt8, hour: Timestamp) -> String {
        // 19941106T084937Z without the T, to the hour.
        let basic = HTTPDate.basic(hour)
        return "v1/\(Hexadecimal.encode([lastByte]))/\(basic.prefix(8))\(basic.dropFirst(9).prefix(2))/"
    }

    /// The folder of those IDs that end in `lastByte`, with a slash at its end.
    package static func folder(lastByte: UInt8) -> String { "v1/\(Hexadecimal.encode([lastByte]))/" }

    private static func id(in text: String) -> ObjectID? {
        guard let slash = text.lastIndex(of: "/") else { return nil }
        return ObjectID(hex: text[text.index(after: slash)...])
    }

    /// In the order in which object stores list them.
    package static func < (left: Self, right: Self) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    package var description: String { text }
}
