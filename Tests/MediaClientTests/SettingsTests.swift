import Blobs
import Imaging
import MediaClient
import Sealing
import TestSupport
import Testing
import Transfer

@Suite("Settings")
struct SettingsTests {
    private func settings(
        flags: [SettingKey: String] = [:], environment: [String: String] = [:], file: String = ""
    ) throws -> Settings {
        let file = try ConfigurationFile(parsing: file, path: "config")
        return try Settings(SettingSources(flags: flags, environment: { environment[$0] }, file: file))
    }

    @Test("A flag comes before the environment, the environment before the file")
    func precedence() throws {
        let file = "quality = original\nlifetime = 3d\npadding = none"
        let environment = ["SATCHEL_QUALITY": "high", "SATCHEL_LIFETIME": "2d", "SATCHEL_PADDING": ""]
        let settings = try settings(flags: [.quality: "standard"], environment: environment, file: file)
        #expect(settings.quality == .standard)
        #expect(settings.lifetime?.seconds == 172_800)
        #expect(settings.padding == .none)
    }

    @Test("Messages may be fetched from the server's own host unless other hosts are named")
    func servers() throws {
        let origin = try #require(WebURL("https://media.example")).origin
        let own = try settings(flags: [.server: "https://media.example/base"])
        #expect(own.servers.map { $0.matches(origin) } == [true])
        let named = try settings(
            flags: [.server: "https://media.example"], environment: ["SATCHEL_SERVERS": "a.example, b.example:8443"])
        #expect(named.servers.count == 2)
        #expect(!named.servers.contains { $0.matches(origin) })
    }

    @Test("The ticket of the strongest level counts, be it a word or a file")
    func ticket() throws {
        #expect(try settings(flags: [.ticketFile: "f"], environment: ["SATCHEL_TICKET": "t"]).ticket == .file("f"))
        #expect(try settings(environment: ["SATCHEL_TICKET": "t"], file: "ticket-file = f").ticket == .text("t"))
        #expect(try settings().ticket == .none)
    }

    @Test("The ticket is never shown")
    func hidden() throws {
        let settings = try settings(environment: ["SATCHEL_TICKET": "very-secret"])
        let shown = SettingKey.allCases.compactMap { settings.text(of: $0) }
        #expect(!shown.contains { $0.contains("very-secret") })
        #expect(shown.contains("(hidden)"))
    }

    @Test("What is shown can be set again and means the same")
    func roundTrip() throws {
        let values: [SettingKey: String] = [
            .server: "https://media.example:8443/base", .servers: "a.example, https://[::1]:9", .ticketFile: "/t",
            .lifetime: "90m", .recipients: "7", .certificateFile: "/c", .preview: "no", .quality: "high",
        ]
        let first = try settings(flags: values)
        var shown: [SettingKey: String] = [:]
        for setting in SettingKey.allCases { shown[setting] = first.text(of: setting) }
        let second = try settings(flags: shown)
        #expect(SettingKey.allCases.allSatisfy { first.text(of: $0) == second.text(of: $0) })
    }

    @Test(
        "Values that make no sense are refused, with the place where they stand",
        arguments: [
            (SettingKey.server, "media.example"), (.server, "ftp://media.example"), (.server, "https://u@media.example"),
            (.server, "https://media.example/?x=1"), (.servers, "a b/c"), (.ticket, "two words"), (.quality, "best"),
            (.padding, "eights"), (.lifetime, "soon"), (.lifetime, "0d"), (.recipients, "0"), (.recipients, "1025"),
            (.recipients, "+5"), (.format, "xml"), (.preview, "maybe"), (.connectTimeout, "0"), (.stallTimeout, "1s"),
            (.attempts, "101"),
        ])
    func refusedValues(setting: SettingKey, value: String) {
        let error = #expect(throws: SettingError.self) { try settings(environment: [setting.variable: value]) }
        #expect(error.map { $0.description.hasPrefix(setting.variable) && $0.origin == .environment } == true)
    }

    @Test("A configuration file is read line by line")
    func file() throws {
        let file = try ConfigurationFile(
            parsing: "# where to\n\n  server = https://media.example \r\nquality=high\nname = no", path: "config")
        #expect(file.values == [.server: "https://media.example", .quality: "high", .name: "no"])
    }

    @Test(
        "A slip in the configuration file is an error, not silence",
        arguments: [
            ("sever = https://media.example", "line 1"), ("\nquality", "line 2"), ("quality =", "line 1"),
            ("quality = high\nquality = high", "line 2"), ("Quality = high", "line 1"),
        ])
    func slips(text: String, place: String) {
        let error = #expect(throws: SettingError.self) { try ConfigurationFile(parsing: text, path: "config") }
        #expect(error?.description.contains(place) == true)
    }

    @Test("A missing file sets nothing; one with a ticket must be private")
    func fileOnDisk() throws {
        let folder = try TemporaryFolder()
        #expect(try ConfigurationFile.read(folder.path("config")).values.isEmpty)
        try write(Array("ticket = t\n".utf8), toFile: folder.path("config"))
        #expect(try ConfigurationFile.read(folder.path("config")).values == [.ticket: "t"])
        try makeReadableByOthers(folder.path("config"))
        #expect(throws: SettingError.self) { try ConfigurationFile.read(folder.path("config")) }
    }

    @Test(
        "XDG folders are absolute or left aside",
        arguments: [
            (["XDG_CONFIG_HOME": "/x", "HOME": "/h"], "/x/satchel/config"),
            (["HOME": "/h"], "/h/.config/satchel/config"),
            (["XDG_CONFIG_HOME": "x", "HOME": "/h"], "/h/.config/satchel/config"), ([:], nil), (["HOME": "h"], nil),
        ] as [([String: String], String?)])
    func folders(environment: [String: String], expected: String?) {
        #expect(configurationPath(environment: { environment[$0] }) == expected)
    }
}
