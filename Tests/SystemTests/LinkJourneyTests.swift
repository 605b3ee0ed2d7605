import Foundation
import TestSupport
import Testing

/// What becomes of a link between two people.
@Suite(.enabled(if: Programs.areBuilt, Comment(rawValue: Programs.missing)))
struct LinkJourneyTests {
    let journey: Journey
    /// Large enough for an index.
    private let large = (0..<1_200_000).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8 ^ $0 >> 16) }

    init() throws {
        journey = try Journey()
        try write(large, toFile: journey.path("large.bin"))
        try write(Array("a note".utf8), toFile: journey.path("note.txt"))
    }

    private func satchel(
        _ arguments: [String], _ server: Server, input: [UInt8] = [], _ environment: [String: String] = [:]
    ) async throws -> CommandResult {
        try await run(
            Programs.path("satchel"), arguments,
            environment: journey.environment(server: server.url).merging(environment) { $1 }, input: input,
            in: journey.folder.path)
    }

    @Test func `opens a large file by its index, names its lease, and confirms delivery`() async throws {
        let server = try await journey.serve()
        let sent = try await satchel(["send", "large.bin", "--format", "link"], server)
        #expect(sent.status == 0, "\(sent.errors)")
        let link = try #require(sent.lines.first)
        #expect(["&r=", "&x=", "&e="].allSatisfy { link.contains($0) } && !link.contains("&u="), "\(link)")
        #expect(link.utf8.count < 400)
        let shown = try await satchel(["show", "-"], server, input: sent.outputBytes)
        #expect(shown.output.contains("index: yes") && shown.output.contains("receipt: requested"))
        let opened = try await satchel(["open", "-", "-o", "-"], server, input: sent.outputBytes)
        #expect(opened.status == 0 && opened.outputBytes == large, "\(opened.errors)")
        let status = try await satchel(["status", "-", "--json"], server, input: sent.outputBytes)
        #expect(status.output.contains("\"recipient\":"), "\(status.output)")
    }

    @Test func `begins with the page that is set, and leads to the server all the same`() async throws {
        let server = try await journey.serve()
        let page = ["SATCHEL_PAGE": "https://open.example/pages/"]
        let sent = try await satchel(["send", "note.txt", "--format", "link"], server, page)
        #expect(sent.output.hasPrefix("https://open.example/pages/open/"), "\(sent.errors)")
        #expect(sent.output.hasSuffix("&u=\(server.url.absoluteString)\n"))
        let opened = try await satchel(["open", "-", "-o", "-"], server, input: sent.outputBytes)
        #expect(opened.output == "a note", "\(opened.errors)")
        let forwarded = try await satchel(
            ["forward", "-", "--format", "link"], server, input: sent.outputBytes, page)
        #expect(forwarded.output.hasPrefix("https://open.example/pages/open/"), "\(forwarded.errors)")
        let stranger = try await satchel(
            ["open", "-", "-o", "-"], server, input: sent.outputBytes,
            ["SATCHEL_SERVER": "https://open.example", "SATCHEL_SERVERS": "open.example"])
        #expect(stranger.status == 77, "the store is judged, not the page: \(stranger.errors)")
    }

    @Test func `is one for each recipient where they are to be told apart`() async throws {
        let server = try await journey.serve()
        let sent = try await satchel(
            ["send", "note.txt", "--format", "link", "--recipients", "2", "--recipient-secrets"], server)
        #expect(Set(sent.lines).count == 2 && sent.lines.allSatisfy { $0.contains("&r=") }, "\(sent.errors)")
    }

    @Test func `that was cut says what is missing`() async throws {
        let server = try await journey.serve()
        let sent = try await satchel(["send", "note.txt", "--format", "link"], server)
        for end in ["#", "&"] as [Character] {
            let cut = String(sent.output.prefix { $0 != end })
            let opened = try await satchel(["open", cut], server)
            #expect(opened.status == 65 && opened.errors.contains("quotes in a shell"), "\(opened.errors)")
        }
    }
}
