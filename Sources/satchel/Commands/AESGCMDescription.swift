import Blobs
import MediaMessage

/// What is known of a file that another chat client shares, in words. Neither key nor nonce is in it.
struct AESGCMDescription {
    let link: AESGCMLink

    var text: String {
        let lines: [(String, String?)] = [
            ("file", "encrypted as other chat clients do (XEP-0454, AES-256-GCM); type and size are not in the link"),
            ("name", link.suggestedName.map(printable)),
            ("saved as", link.fileName),
            ("location", link.url(link.isOnThisMachine ? .http : .https)),
            ("receipt", "not requested"),
            ("key", "32 bytes (not shown), and \(link.nonce.count) bytes of nonce"),
        ]
        return lines.compactMap { name, value in value.map { "\(name): \($0)" } }.joined(separator: "\n")
    }
}
