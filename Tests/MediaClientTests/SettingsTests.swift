import Blobs
import Files
import Glibc
import Imaging
import MediaClient
import MediaMessage
import Sealing
import TestSupport
import Testing
import Transfer

@Suite
struct SettingsTests {
    private func settings(
        flags: [SettingKey: String] = [:], environment: [String: String] = [:], file: String = ""
    ) throws -> Settings {
        let file = try ConfigurationFile(parsing: file, path: "config")
        return try Settings(SettingSources(flags: flags, environment: { environment[$0] }, file: file))
    }

    @Test func `a flag comes before the environment, the environment before the file`() throws {
        let file = "quality = original\nlifetime = 3d\npadding = none"
        let environment = ["SATCHEL_QUALITY": "high", "SATCHEL_LIFETIME": "2d", "SATCHEL_PADDING": ""]
        let settings = try settings(flags: [.quality: "standard"], environment: environment, file: file)
        #expect(settings.quality == .standard)
        #expect(settings.lifetime?.seconds == 172_800)
        #expect(settings.padding == .none)
    }

    @Test func `messages may be fetched from the server's own host unless other hosts are named`() throws {
        let origin = try #require(WebURL("https://media.example")).origin
        let own = try settings(flags: [.server: "https://media.example/base"])
        #expect(own.servers.map { $0.matches(origin) } == [true])
        let named = try settings(
            flags: [.server: "https://media.example"], environment: ["SATCHEL_SERVERS": "a.example, b.example:8443"])
        #expect(named.servers.count == 2)
        #expect(!named.servers.contains { $0.matches(origin) })
    }

    @Test func `the ticket of the strongest level counts, be it a word or a file`() throws {
        #expect(try settings(flags: [.ticketFile: "f"], environment: ["SATCHEL_TICKET": "t"]).ticket == .file("f"))
        #expect(try settings(environment: ["SATCHEL_TICKET": "t"], file: "ticket-file = f").ticket == .text("t"))
        #expect(try settings().ticket == .none)
    }

    @Test func `the ticket is never shown`() throws {
        let settings = try settings(environment: ["SATCHEL_TICKET": "very-secret"])
        let shown = SettingKey.allCases.compactMap { settings.text(of: $0) }
        #expect(!shown.contains { $0.contains("very-secret") })
        #expect(shown.contains("(hidden)"))
    }

    @Test func `what is shown can be set again and means the same`() throws {
        let values: [SettingKey: String] = [
            .server: "https://media.example:8443/base", .servers: "a.example, https://[::1]:9", .ticketFile: "/t",
            .edges: "https://edge.lan,http://127.0.0.1:9/cache", .lifetime: "90m", .recipients: "7",
            .certificateFile: "/c", .page: "https://open.example:444/p", .preview: "no", .quality: "high",
        ]
        let first = try settings(flags: values)
        var shown: [SettingKey: String] = [:]
        for setting in SettingKey.allCases { shown[setting] = first.text(of: setting) }
        let second = try settings(flags: shown)
        #expect(SettingKey.allCases.allSatisfy { first.text(of: $0) == second.text(of: $0) })
        #expect(first.edges.map(\.description) == ["https://edge.lan/", "http://127.0.0.1:9/cache"])
    }

    @Test(arguments: [
        (SettingKey.server, "media.example"), (.server, "ftp://media.example"),
        (.server, "https://u@media.example"),
        (.server, "https://media.example/?x=1"), (.servers, "a b/c"),
        (.edges, "edge.lan"), (.edges, "https://edge.lan, ftp://edge.lan"), (.edges, "https://edge.lan/?x"),
        (.page, "open.example"), (.page, "https://open.example/?x"), (.page, "https://open.example//"),
        (.ticket, "two words"), (.quality, "best"),
        (.padding, "eights"), (.lifetime, "soon"), (.lifetime, "0d"), (.recipients, "0"), (.recipients, "1025"),
        (.recipients, "+5"), (.format, "xml"), (.preview, "maybe"), (.connectTimeout, "0"), (.stallTimeout, "1s"),
        (.attempts, "101"),
    ])
    func `values that make no sense are refused, with the place where they stand`(setting: SettingKey, value: String) {
        let error = #expect(throws: SettingError.self) { try settings(environment: [setting.variable: value]) }
        #expect(error.map { $0.description.hasPrefix(setting.variable) && $0.origin == .environment } == true)
    }

    @Test func `a page may end in a slash`() throws {
        #expect(try settings(flags: [.page: "https://open.example/"]).page?.description == "https://open.example")
    }

    @Test func `a configuration file is read line by line`() throws {
        let file = try ConfigurationFile(
            parsing: "# where to\n\n  server = https://media.example \r\nquality=high\nname = no", path: "config")
        #expect(file.values == [.server: "https://media.example", .quality: "high", .name: "no"])
    }

    @Test(arguments: [
        ("sever = https://media.example", "line 1"), ("\nquality", "line 2"), ("quality =", "line 1"),
        ("quality = high\nquality = high", "line 2"), ("Quality = high", "line 1"),
    ])
    func `a slip in the configuration file is an error, not silence`(text: String, place: String) {
        let error = #expect(throws: SettingError.self) { try ConfigurationFile(parsing: text, path: "config") }
        #expect(error?.description.contains(place) == true)
    }

    @Test func `a missing file sets nothing; one with a ticket must be private`() throws {
        let folder = try TemporaryFolder()
        #expect(try ConfigurationFile.read(folder.path("config")).values.isEmpty)
        try write(Array("ticket = t\n".utf8), toFile: folder.path("config"))
        #expect(try ConfigurationFile.read(folder.path("config")).values == [.ticket: "t"])
        try makeReadableByOthers(folder.path("config"))
        #expect(throws: SettingError.self) { try ConfigurationFile.read(folder.path("config")) }
    }

    @Test(arguments: [0o620, 0o602, 0o666])
    func `a configuration that others can write is not used, since it says where files go`(permissions: mode_t) throws {
        let folder = try TemporaryFolder()
        try write(Array("server = https://media.example\n".utf8), toFile: folder.path("config"))
        try OpenFile(folder.path("config"), .read).setPermissions(permissions)
        let error = #expect(throws: SettingError.self) { try ConfigurationFile.read(folder.path("config")) }
        #expect(error?.description.contains("chmod go-w \(folder.path("config"))") == true)
        try OpenFile(folder.path("config"), .read).setPermissions(0o644)
        #expect(try ConfigurationFile.read(folder.path("config")).values == [.server: "https://media.example"])
    }

    @Test(
        arguments: [
            (["XDG_CONFIG_HOME": "/x", "HOME": "/h"], "/x/satchel/config"),
            (["HOME": "/h"], "/h/.config/satchel/config"),
            (["XDG_CONFIG_HOME": "x", "HOME": "/h"], "/h/.config/satchel/config"), ([:], nil), (["HOME": "h"], nil),
        ] as [([String: String], String?)])
    func `XDG folders are absolute or left aside`(environment: [String: String], expected: String?) {
        #expect(configurationPath(environment: { environment[$0] }) == expected)
    }
}
