import ArgumentParser
import Blobs
import Files
import MediaClient
import MediaMessage
import Transfer

struct DoctorCommand: ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Checks settings, server, ticket, clock and libraries; says what to do.",
        discussion: """
            A line for each: ok, warn (it works, and something is lost) or fail (sending does not work); behind an arrow, \
            what to do. No file is sent, and no secret is shown. Ends with 8 if a line says fail.
            """)

    @OptionGroup(title: "Server") var server: ServerOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var help: HelpOptions

    var flags: [SettingKey: String] { merged(server.flags, connection.flags) }

    func run() throws {
        var doctor = Doctor(console: Console(isQuiet: false))
        try doctor.examine(flags)
        try printResult(Diagnosis.summary(doctor.findings))
        if doctor.findings.contains(where: { $0.grade == .fail }) {
            throw ArgumentParser.ExitCode(ExitCode.unwell.rawValue)
        }
    }
}

/// One examination: each finding is printed as it is made.
struct Doctor {
    let console: Console
    private(set) var findings: [Diagnosis] = []

    init(console: Console) { self.console = console }

    /// The most seconds that the doctor waits for a connection, and for an answer.
    private static let patienceSeconds = 10

    mutating func examine(_ flags: [SettingKey: String]) throws {
        let composition: Composition
        do {
            var settings = try Composition.settings(flags)
            settings.attempts = 1
            settings.connectTimeoutSeconds = min(settings.connectTimeoutSeconds, Self.patienceSeconds)
            settings.stallTimeoutSeconds = min(settings.stallTimeoutSeconds, Self.patienceSeconds)
            composition = try Composition(settings, console: console, keepsState: true)
        } catch {
            guard let ending = ExitError(error) else { throw error }
            return try tell(.fail("settings", ending.sentence, do: "satchel config shows where each comes from"))
        }
        let place = configurationPath(environment: Process.environment) ?? "no file"
        let isThere = (try? Folder.status(place, followsLinks: true)).flatMap { $0 } != nil
        try tell(.ok("settings", isThere ? place : "\(place) is not there: defaults and environment variables apply"))
        try look(composition)
        try askServer(composition)
        let missing = composition.client.missingLibraries()
        if missing.isEmpty { try tell(.ok("library", "all are there")) }
        for library in missing { try tell(.library(library)) }
    }

    /// What is on this machine.
    private mutating func look(_ composition: Composition) throws {
        let path = StateFolder(environment: Process.environment)?.path ?? ""
        try examine("state", do: "make it writable for you") {
            .state(freeBytes: try composition.client.stateRoom(), in: path)
        }
        try examine("outbox", do: "look at the file that it names") {
            .outbox(waiting: try composition.client.outbox().count)
        }
    }

    private mutating func askServer(_ composition: Composition) throws {
        let client = composition.client
        let origin = composition.settings.server?.origin
        console.show(waiting: "asking \(origin?.description ?? "the server")")
        var ahead: Int64?
        do { ahead = try client.reach() } catch { return try tell(.unreached(error)) }
        if let origin { try tell(.ok("server", "\(origin) answers")) }
        if let origin { try tell(.protection(of: origin)) }
        try tell(.clock(serverAhead: ahead))
        try examine("ticket", do: "mend the file, or set another ticket-file") {
            let places = origin.map { LocalTicketPlace.paths(for: $0, Process.environment) } ?? []
            return .ticket(try client.ticketLook(), places: places, now: client.moment, .ofOutput)
        }
        console.show(waiting: "asking whether files would be taken")
        try examine("sending", do: "get a ticket that permits it, or ask the operator") {
            let place = try client.wouldAccept()
            return .ok("sending", "a file would be taken" + (place.map { "; links lead to \($0)" } ?? ""))
        }
        console.show(waiting: "asking for the quota")
        // Who may not send has no quota.
        if findings.last?.grade == .ok {
            try examine("quota", do: "the operator may help") { .quota(try client.quota()) }
        }
    }

    /// Tells what `look` finds; a failure is a finding too.
    private mutating func examine(_ subject: String, do advice: String, _ look: () throws -> Diagnosis) throws {
        let finding: Diagnosis
        do { finding = try look() } catch {
            guard let ending = ExitError(error) else { throw error }
            finding = .fail(subject, ending.sentence, do: advice)
        }
        try tell(finding)
    }

    private mutating func tell(_ finding: Diagnosis) throws {
        console.clearLine()
        findings.append(finding)
        try printResult(printable(withoutKeys(finding.line)))
    }
}

extension Diagnosis {
    /// Why the server was not reached. What is about its certificate is about TLS.
    static func unreached(_ error: MediaClientError) -> Diagnosis {
        switch error {
        case .configuration(let why): .fail("server", why, do: "set server = https://… in the settings")
        case .transfer(.untrusted): .fail("tls", error.description, do: "set ca-file if the certificate is your own")
        case .unprotected: .fail("tls", error.description, do: "use https")
        case .transfer: .fail("server", error.description, do: "check the address, the network, and whether it runs")
        default: .fail("server", error.description, do: "check the address; ask who runs it")
        }
    }
}
