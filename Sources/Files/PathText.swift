import Glibc

/// Paths as text. Names of files are bytes and need not be UTF-8: a byte that is no part of a UTF-8 character becomes one
/// character of a private range, U+10FF80 to U+10FFFF for 0x80 to 0xFF, and is that byte again where a path is used.
///
/// A character of that range in a name is taken apart into bytes too, so that every name has one text.
package enum PathText {
    private static let firstEscape: UInt32 = 0x10_FF00
    private static let escapes: ClosedRange<UInt32> = 0x10_FF80...0x10_FFFF
    /// The first byte in UTF-8 of every character of the range.
    private static let mark: UInt8 = 0xF4

    /// The text of a path; `bytes` has no NUL.
    package static func text(_ bytes: some Sequence<UInt8>) -> String {
        let bytes = Array(bytes)
        if !bytes.contains(mark), let text = String(validating: bytes, as: UTF8.self) { return text }
        var text = String.UnicodeScalarView()
        var rest = bytes[...]
        while let byte = rest.first {
            if let scalar = scalar(at: rest), !escapes.contains(scalar.value) {
                text.append(scalar)
                rest = rest.dropFirst(UTF8.width(scalar))
            } else {
                if let escape = Unicode.Scalar(firstEscape + UInt32(byte)) { text.append(escape) }
                rest = rest.dropFirst()
            }
        }
        return String(text)
    }

    /// The bytes of a path, as the system takes it.
    package static func bytes(_ text: String) -> [UInt8] {
        if !hasMark(text) { return Array(text.utf8) }
        return text.unicodeScalars.flatMap { scalar in
            escapes.contains(scalar.value) ? [UInt8(scalar.value - firstEscape)] : Array(String(scalar).utf8)
        }
    }

    /// Whether the path is UTF-8, and can be given to whoever takes nothing else.
    package static func isUnicode(_ text: String) -> Bool {
        !hasMark(text) || !text.unicodeScalars.contains { escapes.contains($0.value) }
    }

    /// The path for people: with `_` for each byte that is not UTF-8.
    package static func readable(_ text: String) -> String {
        isUnicode(text)
            ? text : String(String.UnicodeScalarView(text.unicodeScalars.map { escapes.contains($0.value) ? "_" : $0 }))
    }

    /// Every path is asked: so not byte by byte.
    private static func hasMark(_ text: String) -> Bool {
        // Safe: the buffer lives as long as the closure runs.
        unsafe text.utf8.withContiguousStorageIfAvailable { bytes in
            guard let start = bytes.baseAddress else { return false }
            return unsafe memchr(start, Int32(mark), bytes.count) != nil
        } ?? text.utf8.contains(mark)
    }

    private static func scalar(at bytes: ArraySlice<UInt8>) -> Unicode.Scalar? {
        for count in 1...4 where count <= bytes.count {
            if let text = String(validating: bytes.prefix(count), as: UTF8.self) { return text.unicodeScalars.first }
        }
        return nil
    }
}

extension PathText {
    /// Passes the path as the system takes it, for the duration of `body`.
    @unsafe static func with<Result>(_ path: String, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
        if isUnicode(path) { return unsafe path.withCString(body) }
        // Safe: the array is terminated and outlives the call.
        return unsafe (bytes(path) + [0]).withUnsafeBytes { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { text in
                // It has one byte at least, the terminator, so it has an address.
                guard let start = text.baseAddress else { preconditionFailure("an array with bytes") }
                return unsafe body(start)
            }
        }
    }

    /// The text of a terminated string of the system's.
    @unsafe package static func text(cString: UnsafePointer<CChar>) -> String {
        if let text = unsafe String(validatingCString: cString), !hasMark(text) {
            return text
        }
        return text(unsafe UnsafeBufferPointer(start: cString, count: strlen(cString)).map { UInt8(bitPattern: $0) })
    }
}
