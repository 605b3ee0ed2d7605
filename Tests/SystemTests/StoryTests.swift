import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct StoryTests {
    let journey: Journey

    init() throws { journey = try Journey() }

    @Test func `a photograph goes to five, is forwarded to a sixth, revoked and forgotten`() async throws {
        let server = try await journey.serve()
        let ada = try Person("ada", in: journey, at: server)
        let group = try ["bo", "cy", "di", "ed", "flo"].map { try Person($0, in: journey, at: server) }
        let (bo, di, ed) = (group[0], group[2], group[3])
        let gus = try Person("gus", in: journey, at: server)
        let photo = try photograph(in: journey.folder)

        // Ada sends a photograph to a group of five. One upload, one message for all of them.
        let sent = try await ada.satchel("send", photo, "--recipients", "5", "--caption", "Home")
        #expect(sent.status == 0, "\(sent.errors)")
        let message = sent.output
        #expect(sent.lines.count == 1)
        #expect(try journey.blobFiles().count == 1)
        let before = try await ada.satchel("status")
        #expect(before.output.contains("✓ sent, received by none of 5"), "\(before.output)")

        // Three open it; one of them on two devices.
        for person in group.prefix(3) {
            let opened = try await person.satchel("open", "-", input: message)
            #expect(opened.status == 0, "\(person.name): \(opened.errors)")
            #expect(opened.lines == ["blue-marble.jpg"])
        }
        let tablet = try Person("bo's tablet", in: journey, at: server)
        try tablet.becomes(bo)
        #expect(try await tablet.satchel("open", "-", input: message).status == 0)

        // One of them, Di, sends it on to Gus. Nothing is uploaded.
        let forwarded = try await di.satchel("forward", "-", "--caption", "From Ada", input: message)
        #expect(forwarded.status == 0, "\(forwarded.errors)")
        #expect(try Message(forwarded.output).sha256 == Message(message).sha256)
        #expect(try Message(forwarded.output).media.caption == "From Ada")
        #expect(try journey.blobFiles().count == 1)
        #expect(try await gus.satchel("open", "-", input: forwarded.output).status == 0)
        #expect(try bytes(ofFile: gus.path("blue-marble.jpg")) == bytes(ofFile: bo.path("blue-marble.jpg")))

        // Ada sees three of five, and nothing of Gus; Di sees Gus.
        let after = try await ada.satchel("status")
        #expect(after.output.contains("✓✓ received by 3 of 5"), "\(after.output)")
        #expect(try await ada.status(message).received?.count == 3)
        #expect(try await di.status(forwarded.output).received?.count == 1)

        // Ada takes it back. Her lease is gone, Di's is not, and so the file is still there.
        let revoked = try await ada.satchel("revoke", "-", input: message)
        #expect(revoked.status == 0 && revoked.output.contains("revoked"), "\(revoked.errors)")
        #expect(try await ada.satchel("status").output.isEmpty, "nothing of hers is alive")
        #expect(try await ada.satchel("status", "all").output.contains("revoked"))
        #expect(try await di.status(forwarded.output).state == "held")
        let again = try await gus.satchel("open", "-", "-o", "again.jpg", input: forwarded.output)
        #expect(again.status == 0, "\(again.errors)")
        #expect(try await journey.satcheld("gc").status == 0)
        #expect(try journey.blobFiles().count == 1)

        // Time passes.
        let renewed = try await di.satchel("renew", "-", "--lifetime", "1s", input: forwarded.output)
        #expect(renewed.status == 0, "\(renewed.errors)")
        let watched = try await di.satchel("status", "-", "--watch", input: forwarded.output)
        #expect(watched.lines.last?.contains("ended: expired") == true, "\(watched.output)")

        // All is gone, for everybody, and what happened is still known.
        for (person, message) in [(ed, message), (gus, forwarded.output)] {
            let late = try await person.satchel("open", "-", "-o", "late.jpg", input: message)
            #expect(late.status == ExitCodes.gone, "\(person.name): \(late.errors)")
        }
        #expect(try await journey.satcheld("gc").status == 0)
        #expect(try journey.blobFiles().isEmpty)
        #expect(try await journey.satcheld("fsck").status == 0)
        let told = try await ada.status(message)
        #expect(told.state == "revoked" && told.received?.count == 3, "an ended lease keeps what it knows")
        #expect(try await ada.satchel("sent", "prune", "--over-for", "1s").output == "removed: 1\n")
        #expect(try await ada.satchel("sent").output.isEmpty)
        #expect(await server.stop() == 0)
        #expect(try await journey.satcheld("fsck").status == 0)
    }

    @Test func `with a secret for each, the lease ends soon after the last, and nobody speaks for another`()
        async throws
    {
        let server = try await journey.serve()
        let ada = try Person("ada", in: journey, at: server)
        try write(Array("for two".utf8), toFile: ada.path("note.txt"))
        let sent = try await ada.satchel("send", "note.txt", "--recipients", "2", "--recipient-secrets")
        #expect(sent.status == 0 && sent.lines.count == 2, "\(sent.errors)")
        // Bo opens her message on devices that know nothing of each other: still one of two.
        for name in ["bo", "bo's tablet"] {
            let device = try Person(name, in: journey, at: server)
            #expect(try await device.satchel("open", "-", input: sent.lines[0]).status == 0)
        }
        let half = try await ada.status(sent.lines[0])
        #expect(half.received?.count == 1 && half.state == "held")
        let cy = try Person("cy", in: journey, at: server)
        #expect(try await cy.satchel("open", "-", input: sent.lines[1]).status == 0)
        let all = try await ada.status(sent.lines[1])
        #expect(all.received?.count == 2 && all.lease == half.lease)
        let left = try #require(all.expires) - Int64(Date().timeIntervalSince1970)
        #expect(left <= 600, "it ends 10 minutes after the last")
        #expect(try #require(half.expires) - Int64(Date().timeIntervalSince1970) > 600)
    }

    @Test func `a receipt is given once the server is back and never where it is forbidden`() async throws {
        let server = try await journey.serveOnKeptPort()
        let ada = try Person("ada", in: journey, at: server)
        let bo = try Person("bo", in: journey, at: server)
        try write(Array("read me".utf8), toFile: ada.path("note.txt"))
        let sent = try await ada.satchel("send", "note.txt")
        let silent = try await bo.satchel("open", "-", "--no-receipt", input: sent.output)
        #expect(silent.status == 0, "\(silent.errors)")
        #expect(try await ada.status(sent.output).received?.isEmpty == true)
        #expect(!FileManager.default.fileExists(atPath: bo.path("state/satchel/person")))

        // The blob comes from elsewhere while the server that is to be told is away.
        let mirror = try await Mirror(of: journey)
        defer { mirror.stop() }
        let message = sent.output.replacing(
            "\"sha256\":", with: "\"mirrors\":[\"\(mirror.url)/\(try Message(sent.output).sha256)\"],\"sha256\":")
        await server.kill()
        let opened = try await run(
            Programs.path("satchel"), ["open", "-", "-o", "second.txt", "--attempts", "1"],
            environment: [
                "HOME": bo.path(""), "XDG_STATE_HOME": bo.path("state"), "XDG_CONFIG_HOME": bo.path("config"),
                "SATCHEL_SERVERS": "127.0.0.1:\(server.port),\(mirror.url)",
            ], input: Array(message.utf8), in: bo.path(""))
        #expect(opened.status == 0, "\(opened.errors)")
        #expect(opened.errors.contains("sent later"), "\(opened.errors)")
        #expect(try await bo.satchel("receipts").lines.count == 1)

        let back = try await journey.serve(port: server.port)
        let told = try await bo.satchel("receipts", "send")
        #expect(told.output == "delivered 1, dropped 0, waiting 0\n", "\(told.errors)")
        #expect(try await ada.status(sent.output).received?.count == 1)
        #expect(await back.stop() == 0)
    }

    @Test func `a lost file is sealed again from the exact plaintext and the old message opens`() async throws {
        let server = try await journey.serve()
        let ada = try Person("ada", in: journey, at: server)
        let bo = try Person("bo", in: journey, at: server)
        let plaintext = makeBytes(300_000) { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8 ^ $0 >> 16) }
        try write(plaintext, toFile: ada.path("film.bin"))
        let sent = try await ada.satchel("send", "film.bin", "--lifetime", "1s", "--padding", "sixteenths")
        #expect(sent.status == 0, "\(sent.errors)")
        try await Task.sleep(for: .milliseconds(2100))
        #expect(try await journey.satcheld("gc").status == 0)
        #expect(try await bo.satchel("open", "-", input: sent.output).status == ExitCodes.gone)

        let lost = try await ada.satchel("forward", "-", input: sent.output)
        #expect(lost.status == ExitCodes.gone && lost.errors.contains("--file"), "\(lost.errors)")
        var other = plaintext
        other[123_456] ^= 1
        try write(other, toFile: ada.path("other.bin"))
        let wrong = try await ada.satchel("forward", "-", "--file", "other.bin", input: sent.output)
        #expect(wrong.status == ExitCodes.badMessage && wrong.output.isEmpty, "\(wrong.errors)")
        #expect(try journey.blobFiles().isEmpty)

        let healed = try await ada.satchel("forward", "-", "--file", "film.bin", input: sent.output)
        #expect(healed.status == 0, "\(healed.errors)")
        for (index, message) in [sent.output, healed.output].enumerated() {
            let opened = try await bo.satchel("open", "-", "-o", "film-\(index)", input: message)
            #expect(opened.status == 0, "\(opened.errors)")
            #expect(try bytes(ofFile: bo.path("film-\(index)")) == plaintext)
        }
        #expect(await server.stop() == 0)
        #expect(try await journey.satcheld("fsck").status == 0)
    }

    @Test func `where tickets are required, the client shows its own and says what is wrong`() async throws {
        try write(Array("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n".utf8), toFile: journey.path("chat.key"))
        let tickets = ["--ticket-keys", journey.path("chat.key"), "--ticket-audience", "media"]
        let server = try await journey.serve(tickets[0], tickets[1], tickets[2], tickets[3])
        var ada = try Person("ada", in: journey, at: server)
        try write(Array("mine".utf8), toFile: ada.path("note.txt"))
        let refused = try await ada.satchel("send", "note.txt")
        #expect(refused.status == ExitCodes.refused && refused.errors.contains("ticket"), "\(refused.errors)")
        #expect(try journey.blobFiles().isEmpty)

        for (name, subject) in [("ada", "ada"), ("other", "other")] {
            let minted = try await journey.satcheld(
                "ticket", "--key", journey.path("chat.key"), "--subject", subject, tickets[2], tickets[3])
            #expect(minted.status == 0, "\(minted.errors)")
            try write(minted.outputBytes, toFile: journey.path("\(name).ticket"))
        }
        ada.ticketFile = journey.path("ada.ticket")
        let sent = try await ada.satchel("send", "note.txt")
        #expect(sent.status == 0, "\(sent.errors)")
        #expect(try await ada.satchel("renew", "-", "--lifetime", "2d", input: sent.output).status == 0)
        let forwarded = try await ada.satchel("forward", "-", input: sent.output)
        #expect(forwarded.status == 0, "\(forwarded.errors)")

        // A ticket of somebody else's renews nothing; no ticket is needed to look, to report and to revoke.
        ada.ticketFile = journey.path("other.ticket")
        let foreign = try await ada.satchel("renew", "-", input: sent.output)
        #expect(foreign.status == ExitCodes.refused, "\(foreign.errors)")
        ada.ticketFile = nil
        let bo = try Person("bo", in: journey, at: server)
        #expect(try await bo.satchel("open", "-", input: sent.output).status == 0)
        #expect(try await ada.status(sent.output).received?.count == 1)
        #expect(try await ada.satchel("revoke", "-", input: sent.output).status == 0)
        #expect(!server.log.contains(".ticket"))
        #expect(await server.stop() == 0)
    }
}

/// The same blobs from another place, which knows nothing of leases.
final class Mirror: Sendable {
    let command: RunningCommand
    let url: String

    init(of journey: Journey) async throws {
        // Blobs lie in folders named by their first two digits; a mirror serves them flat.
        let root = journey.path("mirror")
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        for blob in try journey.blobFiles() {
            try write(bytes(ofFile: blob), toFile: "\(root)/\(blob.split(separator: "/").last ?? "")")
        }
        command = try RunningCommand(
            "/usr/bin/env", ["python3", "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", root])
        let command = command
        url = try await eventually {
            let line = String(decoding: command.outputSoFar, as: UTF8.self)
            return line.firstMatch(of: /http:\/\/127\.0\.0\.1:\d+/).map { String($0.output) }
        }
    }

    func stop() { command.send(signal: SIGKILL) }
}
