import Blobs

@testable import MediaMessage

/// A message as it came through the chat: JSON or a link.
///
/// A message that is taken can be written, and is then read as the same; a file name that comes of it is harmless.
func fuzzMessages(_ bytes: [UInt8]) {
    if let value = try? JSONReader.read(bytes) {
        check((try? JSONReader.read(Array(written(value).utf8))) == value, "JSON written again is the same")
    }
    let text = String(decoding: bytes, as: UTF8.self)
    if let message = try? MediaMessage.read(text, requiresLocation: false) {
        checkJSON(message)
        checkLink(message)
        checkName(hint: message.media.name, mediaType: message.media.type)
        check(!"\(message)".contains(Base64URL.encode(message.key)), "no description shows the key")
    }
    checkName(hint: text, mediaType: "image/jpeg")
}

private func checkJSON(_ message: MediaMessage) {
    guard let text = try? message.encoded() else {
        // Read at the limit, it may be written longer: a stranger's JSON need not escape what ours does.
        return
    }
    check(text.utf8.count <= MediaMessage.limitBytes, "a message fits into its limit")
    guard let again = try? MediaMessage(parsing: text, requiresLocation: false) else {
        check(false, "what was written can be read")
        return
    }
    var expected = message
    if again.media.preview == nil { expected.media.preview = nil }
    if again.mirrors.isEmpty { expected.mirrors = [] }
    check(again == expected, "a message written again is the same")
}

private func checkLink(_ message: MediaMessage) {
    checkLink(message, page: nil)
    checkLink(message, page: BlobBase("https://open.example/pages"))
}

private func checkLink(_ message: MediaMessage, page: BlobBase?) {
    guard let link = try? MediaLink.format(message, page: page) else { return }
    guard let again = try? MediaLink.parse(link) else {
        check(false, "a link that was written can be read")
        return
    }
    check(
        again.address == message.address && again.key == message.key && again.size == message.size
            && again.media.size == message.media.size && again.media.type == message.media.type
            && again.media.name == message.media.name && again.root == message.root
            && again.receipt?.bytes == message.receipt?.bytes && again.expires == message.expires
            && again.media.width == message.media.width && again.media.height == message.media.height
            && again.media.thumbhash == message.media.thumbhash
            && abs((again.media.duration ?? -1) - (message.media.duration ?? -1)) <= 1,
        "a link says what its message said")
    check(again.url?.base == message.url?.base, "and leads to the same server")
    check((try? MediaLink.parse(MediaLink.format(again, page: page))) == again, "and is written again as it was")
}

private func checkName(hint: String, mediaType: String) { checkName(hint: Optional(hint), mediaType: mediaType) }

func checkName(hint: String?, mediaType: String) {
    let name = safeFileName(hint: hint, mediaType: mediaType)
    check((1...200).contains(name.utf8.count), "a name has 1 to 200 bytes")
    check(!name.hasPrefix(".") && !name.hasPrefix("-"), "a name is not hidden and no option")
    check(
        !name.unicodeScalars.contains { $0 == "/" || $0 == "\\" || $0.value < 0x20 || $0.value == 0x7f },
        "one part of a path")
    check(!printable(name).isEmpty && printable(name) == name, "a name can be shown")
}

/// Any value as JSON, written by other means than the program's.
private func written(_ value: JSONValue) -> String {
    switch value {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .number(let text): text
    case .string(let text): quoted(text)
    case .array(let values): "[\(values.map(written).joined(separator: ","))]"
    case .object(let members):
        "{\(members.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(written($0.value))" }.joined(separator: ","))}"
    }
}

private func quoted(_ text: String) -> String {
    let units = text.utf16.map { unit in
        let digits = String(unit, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
    return "\"\(units.joined())\""
}
