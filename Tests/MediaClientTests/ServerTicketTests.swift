import Blobs
import Files
import Glibc
import TestSupport
import Testing
import Transfer

@testable import MediaClient

@Suite(.enabled(if: Peer.isAvailable, "needs python3"))
struct ServerTicketTests {
    private let stage: JourneyStage

    init() throws {
        stage = try JourneyStage()
        stage.environment["XDG_RUNTIME_DIR"] = stage.folder.path
        try Folder.make(stage.folder.path("satchel"))
    }

    private func place(of peer: Peer) -> String { stage.folder.path("satchel/127.0.0.1:\(peer.port).ticket") }

    private func send(to peer: Peer, _ values: [SettingKey: String] = [:]) throws {
        let settings = values.merging([.server: peer.url]) { given, _ in given }
        _ = try stage.client(settings).send(try stage.file(noise(2000)), options: SendOptions())
    }

    /// The tickets that were shown, request by request.
    private func shown(to peer: Peer) -> [String?] {
        peer.log.map { line in
            line.firstMatch(of: /"authorization": "Bearer ([^"]*)"/).map { String($0.1) }
        }
    }

    @Test func `a local ticket is found for a server on this machine, unless the settings name another`() throws {
        let peer = try stage.peers.start()
        try write(Array("local-word\n".utf8), toFile: place(of: peer))
        try send(to: peer)
        #expect(shown(to: peer) == ["local-word", "local-word"])
        try send(to: peer, [.ticket: "a.b.c"])
        #expect(shown(to: peer).suffix(2) == ["a.b.c", "a.b.c"])
    }

    @Test func `a local ticket that others could have made or read is passed over`() throws {
        let peer = try stage.peers.start()
        let place = place(of: peer)
        let away = stage.folder.path("away")
        try write(Array("local-word\n".utf8), toFile: away)
        var disguises: [() throws -> Void] = [
            { try OpenFile(place, .create(permissions: 0o600)).setPermissions(0o644) },
            { try OpenFile(place, .create(permissions: 0o600)).setPermissions(0o620) },
            { #expect(unsafe symlink(away, place) == 0) },
            { #expect(unsafe mkfifo(place, 0o600) == 0) },
            { try Folder.make(place) },
        ]
        if geteuid() == 0 {
            disguises.append {
                try write(Array("local-word\n".utf8), toFile: place)
                #expect(unsafe chown(place, 12_345, 12_345) == 0)
            }
        }
        for (number, disguise) in disguises.enumerated() {
            try disguise()
            if try Folder.status(place)?.kind == .regular {
                try OpenFile(place, .update).write(Array("local-word\n".utf8))
            }
            try send(to: peer)
            #expect(shown(to: peer).allSatisfy { $0 == nil }, "disguise \(number)")
            TemporaryFolder.removeAll(place)
            _ = try? Folder.remove(place)
        }
    }

    /// The status of a question that shows the ticket; `meanwhile` happens while each answer is on its way.
    private func status(at peer: Peer, _ values: [SettingKey: String] = [:], meanwhile: () -> Void) throws -> Int {
        let settings = values.merging([.server: peer.url]) { given, _ in given }
        let server = try #require(WebURL(peer.url))
        let api = try stage.client(settings).api(server)
        let question = try api.authorized(HTTPRequest(.head, server.appending("upload")))
        return try api.response(to: question) { question throws(TransferError) in
            let response = try api.http.ask(question)
            meanwhile()
            return response
        }.status
    }

    @Test(arguments: [(1, 200), (5, 401)])
    func `a ticket that is refused is read again, once, and the request repeated if there is another`(
        refusals: Int, status: Int
    ) throws {
        let peer = try stage.peers.start(
            "check=" + Array(repeating: "status:ticket-invalid/401", count: refusals).joined(separator: ","))
        let place = place(of: peer)
        try write(Array("old-word\n".utf8), toFile: place)
        // The server starts anew.
        let last = try self.status(at: peer) { _ = try? write(Array("new-word\n".utf8), toFile: place) }
        #expect(last == status && shown(to: peer) == ["old-word", "new-word"])
    }

    @Test func `a ticket's file is read for each request, and one that is gone leaves the refusal as it was`() throws {
        let peer = try stage.peers.start("check=ok,ok,status:ticket-invalid/401")
        let file = stage.folder.path("ticket")
        for word in ["old-word", "new-word"] {
            try write(Array("\(word)\n".utf8), toFile: file)
            #expect(try status(at: peer, [.ticketFile: file]) {} == 200)
        }
        #expect(try status(at: peer, [.ticketFile: file]) { _ = try? Folder.remove(file) } == 401)
        #expect(shown(to: peer) == ["old-word", "new-word", "new-word"])
    }

    @Test(arguments: [(0o644, "o-rwx"), (0o604, "o-rwx"), (0o620, "go-w"), (0o602, "go-w")] as [(mode_t, String)])
    func `a ticket's file that others can read or write is not used`(permissions: mode_t, remedy: String) throws {
        let peer = try stage.peers.start()
        let file = stage.folder.path("ticket")
        try write(Array("a.b.c\n".utf8), toFile: file)
        try OpenFile(file, .read).setPermissions(permissions)
        let error = #expect(throws: MediaClientError.self) { try send(to: peer, [.ticketFile: file]) }
        #expect(error.map { "\($0)".contains("chmod \(remedy) \(file)") } == true)
        #expect(peer.log.isEmpty)
        try OpenFile(file, .read).setPermissions(0o640)
        try send(to: peer, [.ticketFile: file])
        #expect(shown(to: peer).first == "a.b.c", "a group of its own may read it")
    }
}
