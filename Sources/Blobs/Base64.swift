/// Base64 with the URL-safe alphabet, without padding and with zero spare bits (RFC 4648 §5, §3.2, §3.5):
/// every byte string has exactly one spelling.
package enum Base64URL {
    /// The characters for `bytes`: `ceil(count × 4 / 3)` of them.
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var characters: [UInt8] = []
        var bits: UInt32 = 0
        var bitCount: UInt32 = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            bitCount += 8
            while bitCount >= 6 {
                bitCount -= 6
                characters.append(character(UInt8(bits >> bitCount & 0x3f)))
            }
            bits &= (1 << bitCount) - 1
        }
        if bitCount > 0 {
            characters.append(character(UInt8(bits << (6 - bitCount) & 0x3f)))
        }
        return String(decoding: characters, as: UTF8.self)
    }

    /// The bytes of `text`; nil for padding, another alphabet, an impossible length or spare bits that are not zero.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var bitCount: UInt32 = 0
        for unit in text.utf8 {
            guard let value = value(unit) else { return nil }
            bits = bits << 6 | UInt32(value)
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                bytes.append(UInt8(bits >> bitCount & 0xff))
                bits &= (1 << bitCount) - 1
            }
        }
        return bitCount < 6 && bits == 0 ? bytes : nil
    }

    private static func character(_ value: UInt8) -> UInt8 {
        switch value {
        case 0..<26: UInt8(ascii: "A") + value
        case 26..<52: UInt8(ascii: "a") + value - 26
        case 52..<62: UInt8(ascii: "0") + value - 52
        case 62: UInt8(ascii: "-")
        default: UInt8(ascii: "_")
        }
    }

    private static func value(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}

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
