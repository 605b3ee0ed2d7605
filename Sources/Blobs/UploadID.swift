/// Names one resumable upload. Whoever knows it may resume the upload, so it is 128 random bits, written as 32
/// lower-case hexadecimal digits.
package struct UploadID: Hashable, Sendable, CustomStringConvertible {
    /// Bytes in an id.
    package static let byteCount = 16

    /// The 16 bytes.
    package let bytes: [UInt8]

    /// An id from its 16 bytes; nil for any other length.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init(unchecked: Array(bytes))
    }

    /// An id from exactly 32 lower-case hexadecimal digits.
    package init?(hex text: some StringProtocol) {
        guard let bytes = Hexadecimal.decode(text) else { return nil }
        self.init(bytes: bytes)
    }

    /// A new id that nobody can guess.
    package static func random() -> UploadID {
        UploadID(unchecked: (0..<byteCount).map { _ in UInt8.random(in: 0...255) })
    }

    private init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// The 32 digits, as they stand in a path and name the staged file.
    package var hex: String { Hexadecimal.encode(bytes) }

    /// Never the id itself: descriptions end up in logs.
    package var description: String { "upload" }
}
