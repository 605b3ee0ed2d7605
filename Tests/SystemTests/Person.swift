import Foundation
import TestSupport

/// Somebody with a home of their own on the machine of a journey.
struct Person: Sendable {
    let name: String
    private let folder: String
    private let server: URL
    private let runtime: String
    /// What their `satchel` finds in its environment besides.
    var ticketFile: String?

    /// Moves in.
    init(_ name: String, in journey: Journey, at server: Server) throws {
        self.name = name
        self.server = server.url
        runtime = journey.runtime
        folder = journey.path(name)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// Runs `satchel` in their home; `input` is what comes through the pipe.
    func satchel(_ arguments: String..., input: String = "") async throws -> CommandResult {
        var environment = [
            "HOME": folder, "XDG_STATE_HOME": path("state"), "XDG_CONFIG_HOME": path("config"),
            "XDG_RUNTIME_DIR": runtime, "SATCHEL_SERVER": server.absoluteString,
        ]
        environment["SATCHEL_TICKET_FILE"] = ticketFile
        return try await run(
            Programs.path("satchel"), arguments, environment: environment, input: Array(input.utf8), in: folder)
    }

    /// What `satchel status --json` tells of one lease.
    struct Status: Decodable {
        struct Receipt: Decodable { let at: Int64 }
        let lease: String
        let state: String
        let expires: Int64?
        let recipients: Int?
        let received: [Receipt]?
    }

    func status(_ lease: String) async throws -> Status {
        let told = try await satchel("status", "-", "--json", input: lease)
        return try JSONDecoder().decode(Status.self, from: Data(told.outputBytes))
    }

    /// Takes over who somebody is, as on a second device of theirs.
    func becomes(_ other: Person) throws {
        try FileManager.default.createDirectory(atPath: path("state/satchel"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: other.path("state/satchel/person"), toPath: path("state/satchel/person"))
    }
}
