import BlobHTTP
import Testing

@testable import satcheld

/// What is said of a settings file that cannot be read.
@Suite struct SettingsFileTests {
    /// Files with a mistake, and the line that is named.
    @Test(
        arguments: [
            ("{\n\"a\": 1,\n\"b\": 2\n\"c\": 3,\n\"d\": 4\n}\n", .badLine(4, lacksComma: true)),
            ("{\n\"a\": 1\n// about b\n\"b\": 2\n}", .badLine(4, lacksComma: true)),
            ("{\n\"a\": \"x,\n\"b\": 2\n}", .badLine(2, lacksComma: false)),
            ("// all\n{\n\n\"a\": 1, /* one\ntwo */\n\"b\" = 2\n}", .badLine(6, lacksComma: false)),
            ("{\n\"a\": yes\n}", .badLine(2, lacksComma: false)), ("{\n\"a\": 1\n}\n}", .badLine(4, lacksComma: false)),
            ("{\n\"a\": 1,\n\"b\": 2\n", .badLine(4, lacksComma: true)), ("{", .badLine(1, lacksComma: true)),
            ("{\n\"a\": 1,\n\"b\": [1]\n}", .badValue(name: "b")),
            ("{\n\"a\": 99999999999999999999\n}", .badValue(name: "a")), ("", .notAnObject),
            ("\"a\": 1", .notAnObject), ("[1]", .notAnObject),
            (String(repeating: "\n", count: 1000) + "{\n\"a\": 1\n\"b\": 2\n}", .notAnObject),
        ] as [(String, SettingsFileError)])
    func `a mistake is found by its line, or by the name of the member`(text: String, error: SettingsFileError) {
        #expect(throws: error) { try SettingsFile.members(Array(text.utf8)) }
    }

    @Test func `each sentence names the file, and what is expected`() {
        let path = "/etc/satchel/satcheld.json"
        for (error, sentence) in [
            (.badLine(52, lacksComma: true), "\(path), line 52: expected , or } before it."),
            (
                .badLine(7, lacksComma: false),
                "\(path), line 7: expected \"name\": value, with a comma before the next, or } at the end."
            ),
            (
                .badValue(name: "slot-secrets"),
                "slot-secrets in \(path): expected paths with commas between, as one string, whole number, true or false."
            ),
        ] as [(SettingsFileError, String)] {
            #expect(error.sentence(file: path, .origin) == sentence)
        }
    }

    @Test func `what is well is read, with comments and a last comma`() throws {
        let text = "/* a */ {\n\"a\": \"x\", // one\n\"b\": 7, \"c\": true,\n}\n"
        #expect(try SettingsFile.members(Array(text.utf8)) == ["a": "x", "b": "7", "c": "true"])
    }

    @Test(arguments: [
        ("slot-lifetime", "30", "30s"), ("slot-lifetime", "30d", "30d"), ("slot-lifetime", "", ""),
        ("uploads", "30", "30"), ("blob-limit", "30", "30"),
    ])
    func `a time without a unit is shown as the seconds that it is`(name: String, text: String, shown: String) throws {
        let setting = try #require(SettingsTable.origin.settings.first { $0.name == name })
        #expect(setting.withUnit(text) == shown)
    }
}

/// Who may upload, as the settings say.
@Suite struct UploaderTests {
    private func settings(_ arguments: String...) throws -> ServerSettings {
        try SettingsLoader(arguments: arguments, environment: [:], configPath: nil).settings()
    }

    private let doors = "--slot-secrets=/s", away = "--public-url=https://media.example"

    @Test func `a server with doors may be reached by others, and has no local ticket then`() async throws {
        for reachable in [away, "--listen=0.0.0.0:80"] {
            let alone = try settings(doors, reachable)
            #expect(ServeCommand.refusal(alone) == nil && ServeCommand.takesSlotsAlone(alone), "\(reachable)")
            #expect(!ServeCommand.needsLocalTicket(alone))
            #expect(try await TicketKeyring.verifier(alone) != nil, "nobody uploads without a ticket")
            #expect(ServeCommand.refusal(try settings(reachable))?.contains("--slot-secrets") == true)
        }
        let here = try settings(doors)
        #expect(ServeCommand.refusal(here) == nil && ServeCommand.needsLocalTicket(here))
        #expect(!ServeCommand.takesSlotsAlone(here))
        let keyed = try settings(doors, away, "--ticket-keys=/k", "--ticket-audience=a")
        #expect(!ServeCommand.takesSlotsAlone(keyed) && !ServeCommand.needsLocalTicket(keyed))
        let open = try settings(doors, away, "--allow-anonymous-uploads")
        #expect(!ServeCommand.takesSlotsAlone(open) && !ServeCommand.needsLocalTicket(open))
        #expect(try await TicketKeyring.verifier(open) == nil)
    }
}
