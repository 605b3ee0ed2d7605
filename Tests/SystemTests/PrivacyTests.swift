import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct PrivacyTests {
    @Test func `plaintext, key and name are nowhere outside the client`() async throws {
        let journey = try Journey(anyoneUploads: true)
        let recorder = try await Recorder(in: journey)
        defer { recorder.stop() }
        let server = try await journey.serve("--public-url", recorder.url.absoluteString)
        try recorder.passOn(to: server.port)

        let marker = "A-SENTENCE-THAT-STANDS-NOWHERE-ELSE"
        let name = "holiday-with-the-family.txt"
        try write(Array(String(repeating: "\(marker)\n", count: 3000).utf8), toFile: journey.path(name))
        let environment = journey.environment(server: recorder.url)
        let sending = try RunningCommand(
            Programs.path("satchel"), ["send", name, "--caption", "a caption to be kept"], environment: environment,
            in: journey.folder.path)
        let sent = await sending.result()
        #expect(sent.status == 0, "\(sent.errors)")
        let message = try Message(sent.output)
        let owner = try SentLog.lastOwner(below: journey.state)

        // A message given as an argument is gone from the process list while the command still runs.
        let opening = try RunningCommand(
            Programs.path("satchel"), ["open", sent.output, "-o", "opened.txt"], environment: environment,
            in: journey.folder.path)
        var lines: Set<String> = []
        while opening.isRunning {
            if let line = try? String(contentsOfFile: "/proc/\(opening.processIdentifier)/cmdline", encoding: .utf8) {
                lines.insert(line)
            }
        }
        #expect(await opening.status() == 0, "\(opening.errorsSoFar)")
        #expect(lines.contains { $0.contains("opened.txt") && !$0.contains(message.key) })

        let swept = try await journey.satcheld("gc")
        #expect(await server.stop() == 0)

        var places = [("traffic", recorder.traffic), ("log", Array(server.log.utf8)), ("gc", Array(swept.output.utf8))]
        for file in FileManager.default.enumerator(atPath: journey.storage)?.compactMap({ $0 as? String }) ?? [] {
            if let contents = try? bytes(ofFile: "\(journey.storage)/\(file)") { places.append((file, contents)) }
        }
        #expect(places.count > 4)
        let key = try #require(Data(base64Encoded: base64(message.key)))
        let needles: [(String, Data)] = [
            ("plaintext", Data(marker.utf8)), ("name", Data(name.utf8)), ("caption", Data("a caption to be".utf8)),
            ("key", key), ("key in base64url", Data(message.key.utf8)),
            ("key in hex", Data(key.map { String(format: "%02x", $0) }.joined().utf8)),
            ("media type", Data("text/plain".utf8)),
        ]
        for (place, contents) in places {
            for (what, needle) in needles {
                #expect(Data(contents).range(of: needle) == nil, "\(what) found in \(place)")
            }
            if place != "traffic" {
                #expect(Data(contents).range(of: Data(owner.utf8)) == nil, "owner secret found in \(place)")
            }
        }
        let log = try String(contentsOfFile: SentLog.path(below: journey.state), encoding: .utf8)
        #expect(!log.contains(message.key), "the sent log holds no media key")
    }

    private func base64(_ text: String) -> String {
        let standard = text.replacing("-", with: "+").replacing("_", with: "/")
        return standard + String(repeating: "=", count: (4 - standard.count % 4) % 4)
    }
}

extension SentLog {
    /// The file that holds the newest owner secret.
    static func path(below folder: String) throws -> String {
        let files = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        for file in files {
            let path = "\(folder)/\(file)"
            if let text = try? String(contentsOfFile: path, encoding: .utf8), text.contains("\"owner\":") {
                return path
            }
        }
        throw NoOwner()
    }
}

/// A proxy beside the server that keeps every byte between it and its clients.
final class Recorder: Sendable {
    let command: RunningCommand
    let url: URL
    private let file: String
    private let portFile: String

    init(in journey: Journey) async throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "Peer/recorder.py")
        file = journey.path("traffic")
        portFile = journey.path("port")
        let command = try RunningCommand("/usr/bin/env", ["python3", script.path, portFile, file])
        self.command = command
        url = try await eventually {
            let line = String(decoding: command.outputSoFar, as: UTF8.self)
            return line.hasSuffix("\n") ? URL(string: "http://127.0.0.1:\(line.dropLast())") : nil
        }
    }

    /// Names the server behind it, before the first client comes.
    func passOn(to port: Int) throws { try write(Array(String(port).utf8), toFile: portFile) }

    var traffic: [UInt8] { (try? bytes(ofFile: file)) ?? [] }

    func stop() { command.send(signal: SIGKILL) }
}
