import Blobs
import Files
import MediaClient
import MediaMessage
import TestSupport
import Testing
import Transfer

/// A cache of the person's own, asked before the places of a message.
@Suite(.enabled(if: Peer.isAvailable, "python3 plays the server"))
struct EdgeTests {
    private let stage: JourneyStage
    private let bytes = noise(700_000)

    init() throws { stage = try JourneyStage() }

    /// An edge that behaves as it is told, an origin, and a message that leads to the origin.
    private func start(_ behaviours: String = "ok", origin: String = "ok") throws -> (
        edge: Peer, origin: Peer, message: MediaMessage
    ) {
        var (blob, message) = try stage.sealed(bytes)
        let edge = try stage.peers.start("file=\(blob)", "blob=\(behaviours)")
        let origin = try stage.peers.start("file=\(blob)", "blob=\(origin)")
        message.url = BlobURL("\(origin.url)/files/\(message.address.hex).bin")
        message.receipt = .random()
        return (edge, origin, message)
    }

    private func open(_ message: MediaMessage, _ edges: String, _ values: [SettingKey: String]) throws -> OpenedFile {
        let client = try stage.client(values.merging([.edges: edges]) { given, _ in given })
        let opened = try client.open(
            message, to: .folder(stage.folder.path("out")), replacing: true, named: [])
        #expect(try TestSupport.bytes(ofFile: try #require(opened.path)) == bytes)
        if let receipt = opened.receipt { client.report(receipt) }
        return opened
    }

    /// What was said about opening.
    private var heard: [String] { stage.heard.filter { !$0.contains("sent as it is") } }

    private func names(_ peer: Peer) -> [String] { peer.log.map { String($0.split(separator: "\"")[3]) } }

    @Test func `it is asked first, below its own path; the receipt goes to the server of the message`() throws {
        let (edge, origin, message) = try start()
        _ = try open(message, "\(edge.url)/cache", [.server: origin.url, .ticket: "a.b.c"])
        #expect(edge.log.count == 1 && edge.log[0].contains("\"/cache/\(message.address.hex)\""))
        #expect(names(origin) == ["receipt"])
        #expect(heard.isEmpty)
        for secret in ["a.b.c", message.receipt?.base64url ?? "-", "secret", "authorization"] {
            #expect(!edge.log.joined().lowercased().contains(secret.lowercased()), "\(secret)")
        }
    }

    @Test(
        arguments: [
            ("missing", nil), ("gone:revoked", nil), ("busy:600", "refused"), ("drop", "lost the connection"),
            ("redirect:/elsewhere", "redirect"), ("html", "malformed response"), ("longer", "malformed response"),
            ("garbage", ""), ("wrong,wrong", "is not the file"),
            // It is waited for a moment, whatever the settings say of servers.
            ("stall", "no answer within 1500 ms"),
        ] as [(String, String?)])
    func `whatever it does, the message's own places come next, at once`(behaviour: String, notice: String?) throws {
        let (edge, origin, message) = try start(behaviour)
        _ = try open(message, edge.url, [.server: origin.url, .stallTimeout: "15"])
        #expect(names(origin) == ["blob", "receipt"])
        #expect(stage.waits.all.isEmpty)
        #expect(
            heard.count == (notice == nil ? 0 : 1) && heard.allSatisfy { $0.contains(notice ?? "-") },
            "\(heard)")
    }

    @Test func `an edge where nobody listens costs nothing but a sentence, and the next edge is asked`() throws {
        let (edge, origin, message) = try start()
        let dead = try Peer().url
        _ = try open(message, "\(dead), \(edge.url)", [.server: origin.url])
        #expect(names(edge) == ["blob"] && names(origin) == ["receipt"])
        #expect(heard.count == 1 && heard[0].contains("trying the next location"))
    }

    @Test func `what it gave before its connection broke is kept, and the origin is asked for the rest`() throws {
        let (edge, origin, message) = try start("cut:300000")
        _ = try open(message, edge.url, [.server: origin.url])
        #expect(edge.log.count == 1)
        #expect(origin.log[0].contains("bytes=\(64 + 300_000 / 65_552 * 65_552)-"))
    }

    @Test func `wrong bytes are asked for once more, and only them`() throws {
        let (edge, origin, message) = try start("wrong:200000")
        _ = try open(message, edge.url, [.server: origin.url])
        #expect(edge.log.count == 2 && names(origin) == ["receipt"])
        #expect(edge.log[1].contains("\"satchel-reread\": \"1\"") && edge.log[1].contains("bytes=196720-262271\""))
    }

    @Test func `a file is taken from it where the message leads to nobody we know, who then hears nothing`() throws {
        let (edge, origin, message) = try start()
        #expect(try open(message, edge.url, [.server: "https://media.example"]).receipt == nil)
        #expect(edge.log.count == 1 && origin.log.isEmpty)
        let away = try stage.peers.start("blob=missing")
        let error = #expect(throws: MediaClientError.self) {
            try open(message, away.url, [.server: "https://media.example"])
        }
        guard case .hostNotAllowed = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(origin.log.isEmpty)
    }

    @Test func `that it may be asked does not make it a place that messages lead to`() throws {
        let (edge, _, message) = try start("missing,ok")
        var other = message
        other.url = BlobURL("\(edge.url)/files/\(message.address.hex)")
        let led = other
        let error = #expect(throws: MediaClientError.self) {
            try open(led, edge.url, [.server: "https://media.example"])
        }
        guard case .hostNotAllowed = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(edge.log.count == 1)
    }

    @Test func `it may redirect within itself, and elsewhere only to servers that are allowed`() throws {
        let (edge, origin, message) = try start()
        let within = try stage.peers.start(
            "file=\(stage.folder.path("blob"))", "blob=redirect:/there/\(message.address.hex)")
        _ = try open(message, within.url, [.server: origin.url])
        #expect(within.log.count == 2 && names(origin) == ["receipt"])
        let away = try stage.peers.start("blob=redirect:\(edge.url)/\(message.address.hex)")
        _ = try open(message, away.url, [.server: origin.url])
        #expect(edge.log.isEmpty && names(origin) == ["receipt", "blob", "receipt"])
    }

    @Test func `over a network it has to speak https, like any server`() throws {
        let (_, origin, message) = try start()
        let error = #expect(throws: MediaClientError.self) {
            try open(message, "http://edge.example", [.server: origin.url])
        }
        guard case .unprotected = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(origin.log.isEmpty)
    }
}
