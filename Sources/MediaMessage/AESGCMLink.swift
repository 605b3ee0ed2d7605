package import Blobs

/// A file as other chat clients share it, with its key (XEP-0454):
///
///     aesgcm://<host>[:port]/<path>[?query]#<nonce><key>
///
/// where the file is at the same place by https. Nonce and key are hexadecimal, of either case: 12 bytes, in old links 16,
/// and 32.
package struct AESGCMLink: Hashable, Sendable {
    private static let scheme = "aesgcm"
    private static let nonceBytes = [12, 16]
    private static let keyBytes = 32

    /// Host, port, path and query: all but scheme and fragment.
    private let place: String
    /// What the file was encrypted with, beside the key.
    package let nonce: [UInt8]
    /// 32 bytes, used for one file only.
    package let key: [UInt8]

    /// Whether a text is such a link, or was to be one.
    package static func begins(_ text: some StringProtocol) -> Bool {
        text.prefix(scheme.utf8.count + 1).lowercased() == "\(scheme):"
    }

    /// Parses a link. Throws `.tooLong`, `.notAESGCM` and, where the fragment is missing, `.cutLink`.
    package init(parsing text: String) throws(MessageError) {
        self = try LinkEnd.parse(text) { text throws(MessageError) in try AESGCMLink(alone: text) }
    }

    private init(alone text: String) throws(MessageError) {
        let text = String(decoding: trimmed(Array(text.utf8)), as: UTF8.self)
        let bytesOver = text.utf8.count - MediaMessage.limitBytes
        guard bytesOver <= 0 else { throw .tooLong(bytesOver: bytesOver) }
        guard isVisibleASCII(text) else { throw .notAESGCM("it has characters that a link cannot have") }
        let start = "\(Self.scheme)://"
        guard text.prefix(start.count).lowercased() == start else {
            throw .notAESGCM("it does not begin with \(start)")
        }
        let rest = text.dropFirst(start.count)
        let place = rest.prefix { $0 != "#" }
        guard Self.isPlace(place) else { throw .notAESGCM("it has no valid host, or no path of a file") }
        let digits = rest.dropFirst(place.count + 1)
        guard !digits.isEmpty else { throw .cutLink }
        let lengths = Self.nonceBytes.map { 2 * ($0 + Self.keyBytes) }
        guard lengths.contains(digits.count), let bytes = Hexadecimal.decode(digits.lowercased()) else {
            throw .notAESGCM(
                "after # it needs \(lengths[0]) or \(lengths[1]) hexadecimal digits, and has \(digits.count)")
        }
        self.place = String(place)
        nonce = Array(bytes.dropLast(Self.keyBytes))
        key = Array(bytes.suffix(Self.keyBytes))
    }

    /// The link to a file at an https URL, or an http URL of this machine; nil for any other (XEP-0454 §3).
    package init?(to url: String, nonce: [UInt8], key: [UInt8]) {
        guard let (scheme, place) = HTTPOrigin.splitScheme(url), !place.contains("#"), Self.isPlace(place) else {
            return nil
        }
        self.place = String(place)
        self.nonce = nonce
        self.key = key
        guard scheme == .https || isOnThisMachine else { return nil }
        guard Self.nonceBytes.contains(nonce.count), key.count == Self.keyBytes else { return nil }
        guard text.utf8.count <= MediaMessage.limitBytes else { return nil }
    }

    /// The link, as it is pasted into a chat. It contains the key.
    package var text: String { "\(Self.scheme)://\(place)#\(Hexadecimal.encode(nonce + key))" }

    /// Where the file is. An `@`, which some read as the end of a user's name, is escaped.
    package func url(_ scheme: HTTPOrigin.Scheme) -> String {
        "\(scheme.rawValue)://\(place.replacing("@", with: "%40"))"
    }

    /// Whether the host can only be the machine itself.
    package var isOnThisMachine: Bool { Authority(place.prefix { $0 != "/" })?.isLoopback == true }

    /// The last part of the path, as far as it is text: a suggestion, never a path.
    package var suggestedName: String? {
        let path = place.prefix { $0 != "?" }
        return path.split(separator: "/").last.flatMap { percentDecoded($0) }
    }

    /// A safe name for the file. Its type is not known, so no extension is added.
    package var fileName: String { safeFileName(hint: suggestedName, mediaType: "application/octet-stream") }

    private static func isPlace(_ text: Substring) -> Bool {
        isVisibleASCII(text) && WebPlace("https://\(text.prefix { $0 != "?" })") != nil
    }
}

/// Descriptions may be logged: nothing in them opens the file, or leads to it.
extension AESGCMLink: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "\(Self.scheme) link" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
