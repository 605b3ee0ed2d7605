import Blobs
import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct JourneyTests {
    let journey: Journey

    init() throws { journey = try Journey() }

    @Test func `a photograph is compressed, sealed, sent, shown and opened`() async throws {
        let server = try await journey.serve()
        let photo = try photograph(in: journey.folder)

        let sent = try await journey.satchel("send", photo, "--caption", "The blue marble", server: server)
        #expect(sent.status == 0, "\(sent.errors)")
        #expect(sent.lines.count == 1)
        #expect(sent.outputBytes.count <= 4096)
        let message = try Message(sent.output)
        #expect(message.media.type == "image/jpeg")
        #expect(message.media.width == 1600 && message.media.height == 800)
        #expect(message.media.caption == "The blue marble")
        #expect(message.media.size < 700_000)
        #expect(message.url.hasPrefix("\(server.url.absoluteString)/\(message.sha256)"))

        let shown = try await journey.satchel("show", "-", input: sent.outputBytes)
        #expect(shown.status == 0)
        #expect(shown.output.contains("1600") && shown.output.contains("The blue marble"))
        #expect(!shown.output.contains(message.key) && !shown.errors.contains(message.key))

        let opened = try await journey.satchel("open", "-", "-o", "came.jpg", server: server, input: sent.outputBytes)
        #expect(opened.status == 0, "\(opened.errors)")
        let path = try #require(opened.lines.first)
        let picture = try bytes(ofFile: path.hasPrefix("/") ? path : journey.path(path))
        #expect(Int64(picture.count) == message.media.size)
        #expect(picture.starts(with: [0xff, 0xd8, 0xff]))
        #expect(await server.stop() == 0)
    }

    @Test func `many files give one message each, in order`() async throws {
        let server = try await journey.serve()
        for name in ["a.txt", "b.bin", "c.txt"] {
            try write(Array("contents of \(name)".utf8), toFile: journey.path(name))
        }
        let sent = try await journey.satchel("send", "a.txt", "b.bin", "c.txt", server: server)
        #expect(sent.status == 0, "\(sent.errors)")
        let messages = try sent.lines.map { try Message($0) }
        #expect(messages.map(\.media.name) == ["a.txt", "b.bin", "c.txt"])
        #expect(sent.errors.contains("sent as it is"), "other files go as they are, and the sender is told")
        for (line, name) in zip(sent.lines, ["a.txt", "b.bin", "c.txt"]) {
            let opened = try await journey.satchel("open", "-", "-o", "-", server: server, input: Array(line.utf8))
            #expect(opened.output == "contents of \(name)")
        }
    }

    @Test func `a file from a pipe travels as a link`() async throws {
        let server = try await journey.serve()
        let sent = try await journey.satchel(
            "send", "-", "--format", "link", "--name", "note.txt", server: server, input: Array("from a pipe".utf8))
        #expect(sent.status == 0, "\(sent.errors)")
        #expect(sent.output.hasPrefix("\(server.url.absoluteString)/open/"))
        let opened = try await journey.satchel("open", "-", server: server, input: sent.outputBytes)
        #expect(opened.status == 0, "\(opened.errors)")
        #expect(try bytes(ofFile: journey.path("note.txt")) == Array("from a pipe".utf8))
    }

    @Test func `opening replaces nothing unless forced`() async throws {
        let server = try await journey.serve()
        try write(Array("mine".utf8), toFile: journey.path("note.txt"))
        let sent = try await journey.satchel(
            "send", "-", "--name", "note.txt", server: server, input: Array("theirs".utf8))
        let opened = try await journey.satchel("open", "-", "-o", "note.txt", server: server, input: sent.outputBytes)
        #expect(opened.status != 0)
        #expect(try bytes(ofFile: journey.path("note.txt")) == Array("mine".utf8))
        let forced = try await journey.satchel(
            "open", "-", "-o", "note.txt", "--force", server: server, input: sent.outputBytes)
        #expect(forced.status == 0, "\(forced.errors)")
        #expect(try bytes(ofFile: journey.path("note.txt")) == Array("theirs".utf8))
    }

    @Test func `sealing and unsealing need no server`() async throws {
        let plaintext = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8 ^ $0 >> 16) }
        try write(plaintext, toFile: journey.path("video.bin"))
        let sealed = try await journey.satchel("seal", "video.bin", "-o", "video.sealed")
        #expect(sealed.status == 0, "\(sealed.errors)")
        #expect(try !Message.hasURL(sealed.output))
        try write(sealed.outputBytes, toFile: journey.path("message.json"))
        let unsealed = try await journey.satchel("unseal", "message.json", "video.sealed", "-o", "again.bin")
        #expect(unsealed.status == 0, "\(unsealed.errors)")
        #expect(try bytes(ofFile: journey.path("again.bin")) == plaintext)
    }
}

/// The fields of a message that these tests look at, read by a reader that is not ours.
struct Message: Decodable {
    struct Media: Decodable {
        let type: String
        let size: Int64
        let name: String?
        let caption: String?
        let width: Int?
        let height: Int?
        let removed: [String]?
    }
    let url: String
    let sha256: String
    let size: Int64
    let key: String
    let media: Media

    init(_ text: String) throws { self = try JSONDecoder().decode(Message.self, from: Data(text.utf8)) }

    static func hasURL(_ text: String) throws -> Bool {
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        return object?["url"] != nil
    }
}

/// The photograph that the project carries, copied into `folder`.
func photograph(in folder: TemporaryFolder) throws -> String {
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("ImagingTests/Pictures/blue-marble.jpg").path
    let copy = folder.path("blue-marble.jpg")
    try write(try bytes(ofFile: source), toFile: copy)
    return copy
}
