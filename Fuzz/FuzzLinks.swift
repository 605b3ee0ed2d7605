import Blobs

@testable import MediaMessage
@testable import Transfer

/// A text as it came through the chat, which may lead to files of other chat clients.
///
/// A link that is taken can be written, and is then read as the same; it leads to the host that it shows, and a file name
/// that comes of it is harmless.
func fuzzLinks(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    if let link = try? AESGCMLink(parsing: text) { checkLink(link) }
    if let link = AESGCMLink(to: text, nonce: Array(repeating: 1, count: 12), key: Array(repeating: 2, count: 32)) {
        check((try? AESGCMLink(parsing: link.text)) == link, "a link that was made can be read")
        checkLink(link)
    }
    guard let files = try? SharedFile.readAll(bytes, requiresLocation: false) else { return }
    check(!files.isEmpty, "what is read leads to a file at least")
    for case .aesgcm(let link) in files { checkLink(link) }
}

private func checkLink(_ link: AESGCMLink) {
    check((try? AESGCMLink(parsing: link.text)) == link, "a link written again is the same")
    check([12, 16].contains(link.nonce.count) && link.key.count == 32, "a nonce and a key of their lengths")
    check(!"\(link)\(String(reflecting: link))".contains(Hexadecimal.encode(link.key)), "no description shows the key")
    checkName(hint: link.suggestedName, mediaType: "application/octet-stream")
    check(link.fileName.utf8.count <= 200, "a name has a limit")
    for scheme in [HTTPOrigin.Scheme.http, .https] {
        let text = link.url(scheme)
        check(!text.contains("#"), "no server sees the key")
        guard let url = WebURL(text) else { continue }
        let isSame = url.origin.scheme == scheme && url.origin.isLoopback == link.isOnThisMachine
        check(isSame, "one host for both readers")
    }
}
