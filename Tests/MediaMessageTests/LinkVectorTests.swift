import Blobs
import Foundation
import MediaMessage
import Testing

/// One link of the file that all who read links read.
struct LinkVector: Decodable, Sendable, CustomTestStringConvertible {
    struct Expected: Decodable {
        struct Description: Decodable {
            let type: String, size: Int64, name: String?, width: Int?, height: Int?, duration: Double?
            let thumbhash: String?
        }
        let url: String, sha256: String, size: Int64, key: String, expires: Int64?, receipt: String?, root: String?
        let media: Description

        var message: MediaMessage {
            get throws {
                MediaMessage(
                    url: BlobURL(url), address: try #require(BlobAddress(hex: sha256)), size: size,
                    root: root.flatMap { IndexRoot(base64url: $0) }, expires: expires.map { Timestamp(seconds: $0) },
                    key: try #require(Base64URL.decode(key)), receipt: receipt.flatMap { Secret(base64url: $0) },
                    media: Media(
                        type: media.type, size: media.size, name: media.name, width: media.width, height: media.height,
                        duration: media.duration, thumbhash: media.thumbhash.flatMap { Base64URL.decode($0) }))
            }
        }
    }

    let name: String, link: String, ok: Bool, message: Expected?, reason: String?

    var testDescription: String { name }

    static let all = Result {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors/links.json")
        return try JSONDecoder().decode([LinkVector].self, from: Data(contentsOf: file))
    }
    static var good: [LinkVector] { (try? all.get().filter(\.ok)) ?? [] }
    static var bad: [LinkVector] { (try? all.get().filter { !$0.ok }) ?? [] }
}

extension MessageError {
    /// The word that the file has for it: of a field, the field's name in a link.
    fileprivate var reason: String {
        switch self {
        case .tooLong: "long"
        case .doubled: "doubled"
        case .cutLink, .cutBehindAmpersand: "hash"
        case .version: "v"
        case .missing(let field): field
        case .invalid(let field, _): Self.names[field] ?? field
        case .notLink(let why):
            Self.words.first { why.contains($0.key) }?.value ?? why
        default: "\(self)"
        }
    }

    private static let names = [
        "key": "k", "size": "s", "media.size": "n", "media.type": "t", "media.width": "w", "media.height": "h",
        "media.thumbhash": "b", "media.duration": "d",
    ]
    private static let words = [
        "characters": "characters", "no #": "hash", "not an http": "url", "its path": "path", "percent": "percent",
    ]
}

@Suite
struct LinkVectorTests {
    @Test func `are all there`() throws {
        #expect(try LinkVector.all.get().count >= 154)
        #expect(LinkVector.good.allSatisfy { $0.message != nil } && LinkVector.bad.allSatisfy { $0.reason != nil })
    }

    @Test(arguments: LinkVector.good)
    func `say what the message is, and are written so that they say it again`(_ vector: LinkVector) throws {
        let expected = try #require(vector.message).message
        let message = try MediaLink.parse(vector.link)
        #expect(message == expected)
        #expect(try MediaLink.parse(MediaLink.format(message)) == message)
        let page = try #require(BlobBase("https://open.example/pages"))
        guard message.url?.scheme == .https else { return }
        #expect(try MediaLink.parse(MediaLink.format(message, page: page)) == message)
    }

    @Test(arguments: LinkVector.bad)
    func `are refused, for their reason`(_ vector: LinkVector) {
        let error = #expect(throws: MessageError.self) { try MediaLink.parse(vector.link) }
        #expect(error?.reason == vector.reason)
    }
}
