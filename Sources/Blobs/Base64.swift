/// Base64 with padding (RFC 4648 §4), as byte sequences of structured fields, CSP hashes and tus want it.
package enum Base64 {
    /// The characters for `bytes`, padded to a multiple of four.
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text = Base64URL.encode(bytes).map { (character: Character) -> Character in
            character == "-" ? "+" : character == "_" ? "/" : character
        }
        while text.count % 4 != 0 { text.append("=") }
        return String(text)
    }

    /// The bytes of `text`; nil for another alphabet, wrong padding or spare bits that are not zero.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        guard text.utf8.count % 4 == 0, !text.utf8.contains(UInt8(ascii: "-")), !text.utf8.contains(UInt8(ascii: "_"))
        else { return nil }
        var unpadded = String(text)
        for _ in 0..<2 where unpadded.hasSuffix("=") { unpadded.removeLast() }
        return Base64URL.decode(
            unpadded.map { (character: Character) -> String in
                character == "+" ? "-" : character == "/" ? "_" : String(character)
            }.joined())
    }
}
