import BlobHTTP
import Blobs
import Edge
import Files
import Logging
import StoreRules
import TestSupport
import Testing
import Vault

@testable import satcheld

@Suite struct SettingsTests {
    @Test func `flags override the environment, and the environment overrides the file`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("settings.json")
        try write(Array(#"{"gc-interval": "7m", "blob-limit": 1048576, "idle-timeout": "9s"}"#.utf8), toFile: path)
        let sources = try SettingsLoader(
            arguments: ["--idle-timeout", "6s"],
            environment: ["SATCHELD_BLOB_LIMIT": " 2MiB ", "SATCHELD_IDLE_TIMEOUT": "8s"], configPath: path)
        let settings = try sources.settings()
        #expect(settings.collectInterval == .seconds(7 * 60) && settings.vault.blobLimitBytes == 2 << 20)
        #expect(settings.server.connections.idleTimeout == .seconds(6))
        let found = Dictionary(uniqueKeysWithValues: sources.all().map { ($0.setting.name, $0.source) })
        #expect(found["idle-timeout"] == "--idle-timeout" && found["blob-limit"] == "SATCHELD_BLOB_LIMIT")
        #expect(found["gc-interval"] == path && found["listen"] == "default")
    }

    @Test func `SATCHELD_CONFIG names the file, and --config another`() throws {
        let folder = try TemporaryFolder()
        try write(Array(#"{"storage": "a"}"#.utf8), toFile: folder.path("a"))
        try write(Array(#"{"storage": "b"}"#.utf8), toFile: folder.path("b"))
        let environment = ["SATCHELD_CONFIG": folder.path("a")]
        let fromEnvironment = try SettingsLoader(arguments: [], environment: environment, configPath: nil).settings()
        #expect(fromEnvironment.storagePath == "a")
        let fromFlag = try SettingsLoader(
            arguments: [], environment: environment, configPath: folder.path("b")
        ).settings()
        #expect(fromFlag.storagePath == "b")
    }

    @Test func `every default of the table is a value of its setting`() throws {
        let settings = try SettingsLoader(arguments: [], environment: [:], configPath: nil).settings()
        #expect(settings.storagePath == "storage" && settings.logLevel == .info && settings.accessLog == .off)
        #expect(settings.vault.bytesPerSubject == 20 << 30 && settings.server.connectionBytes == 256 << 20)
        #expect(settings.server.addressRates == RateLimits(requestsPerSecond: 200))
        #expect(settings.server.subjectRates == RateLimits(requestsPerSecond: 50))
        #expect(settings.server.listen.description == "127.0.0.1:8080" && settings.server.adminListen == nil)
    }

    @Test(arguments: [
        (["--public-url", "https://h.example/open/x#v=1&k=KEY"], "https://h.example/open/x#…"),
        (["--public-url=h.example/#k=KEY"], "h.example/#…"), (["--listen", "a b#KEY"], "a b#…"),
        (["https://h.example/#KEY"], "https://h.example/#…"), (["--keys=/a#KEY"], "--keys=/a#…"),
    ])
    func `no sentence repeats what is behind a number sign, which may be a key`(arguments: [String], shown: String) {
        let error = #expect(throws: SettingsError.self) {
            _ = try SettingsLoader(arguments: arguments, environment: [:], configPath: nil).settings()
        }
        #expect(error?.description.contains("\"\(shown)\"") == true && error?.description.contains("KEY") == false)
    }

    @Test(
        arguments: [
            ("open,send", .openAndSend), ("send, open", .openAndSend), ("open", .open), ("none", PageOffer.none),
            ("send", nil), ("", nil), ("open,none", nil), ("all", nil), ("open,open,send", nil),
        ] as [(String, PageOffer?)], [SettingsTable.origin, .edge])
    func `the pages are both, the one that opens, or none`(value: (String, PageOffer?), table: SettingsTable) throws {
        let found = try SettingsLoader(table, arguments: ["--pages", value.0], environment: [:], configPath: nil)
        #expect((try? found.settings())?.server.pages == value.1)
        #expect(
            try SettingsLoader(table, arguments: [], environment: [:], configPath: nil).settings().server.pages
                == .openAndSend)
    }

    @Test(arguments: ["0", "none"])
    func `a rate can be turned off`(text: String) throws {
        let names = ["address-request-rate", "address-byte-rate", "subject-request-rate", "subject-byte-rate"]
        let flags = names.map { "--\($0)=\(text)" }
        let settings = try SettingsLoader(arguments: flags, environment: [:], configPath: nil).settings()
        #expect(settings.server.addressRates == RateLimits() && settings.server.subjectRates == RateLimits())
    }

    @Test(arguments: [SettingsTable.origin, .edge])
    func `every setting has a name, a flag and an environment variable of its own`(table: SettingsTable) {
        let settings = table.settings
        #expect(Set(settings.map(\.name)).count == settings.count)
        #expect(Set(settings.map(\.environmentName)).count == settings.count)
        for setting in settings {
            #expect(setting.name.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "-" }, "\(setting.name)")
            #expect(setting.help.hasSuffix("."), "\(setting.name)")
        }
    }

    @Test(arguments: [
        (["--listen", "127.0.0.1:0"], "listen", "127.0.0.1:0"), (["--listen=[::1]:80"], "listen", "[::1]:80"),
        (["--allow-anonymous-uploads"], "allow-anonymous-uploads", "true"),
        (["--allow-anonymous-uploads=no"], "allow-anonymous-uploads", "no"), (["--send-104", "no"], "send-104", "no"),
        (["--public-url="], "public-url", ""), (["--access-log", "a=b"], "access-log", "a=b"),
    ])
    func `a flag takes its value behind a space or an equals sign`(
        arguments: [String], name: String, text: String
    ) throws {
        let sources = try SettingsLoader(arguments: arguments, environment: [:], configPath: nil)
        #expect(sources.all().first { $0.setting.name == name }?.text == text)
        _ = try sources.settings()
    }

    @Test(arguments: [
        (["--listn", "x"], "--listn"), (["--listen"], "--listen needs a value: HOST:PORT"), ([""], "\"\""),
        (["--listen", "--log-level", "error"], "--listen needs a value"),
        (["--origin", "http://a"], "--origin is a setting of edge, not of serve"),
        (["--listen", "a:1", "--listen", "b:2"], "twice"),
        (["stray"], "stray"),
    ])
    func `a wrong command line is refused, and the error names the flag`(arguments: [String], word: String) {
        let error = #expect(throws: SettingsError.self) {
            try SettingsLoader(arguments: arguments, environment: [:], configPath: nil)
        }
        #expect(error?.description.contains(word) == true)
    }

    @Test(arguments: [SettingsTable.origin, .edge])
    func `whatever is wrong with a flag, the error names it and says what is expected`(table: SettingsTable) {
        func told(_ arguments: [String]) -> SettingsError? {
            do throws(SettingsError) {
                _ = try SettingsLoader(table, arguments: arguments, environment: [:], configPath: nil).settings()
                return nil
            } catch { return error }
        }
        for setting in table.settings {
            var wrong: [(arguments: [String], words: String)] = [
                (["\(setting.flag)=1", "\(setting.flag)=1"], "\(setting.flag) is given twice")
            ]
            if !setting.isSwitch {
                for missing in [[setting.flag], [setting.flag, "--log-level", "error"]] {
                    wrong.append((missing, "\(setting.flag) needs a value: \(setting.expected)"))
                }
            }
            for text in ["", "§ no?", "-1", "99999999999999999999", "9223372036854775807w"] {
                // Names and paths are any text, and an empty one is for none.
                if told(["\(setting.flag)=\(text)"]) == nil { continue }
                wrong.append(
                    (["\(setting.flag)=\(text)"], "\(setting.flag): expected \(setting.expected), not \"\(text)\""))
            }
            for (arguments, words) in wrong {
                let error = told(arguments)
                #expect(error?.description == words && error?.isUsage == true, "\(arguments): \(error as Any)")
            }
        }
    }

    @Test(arguments: [
        ("gc-interval", "36501d"), ("idle-timeout", "9223372036854775807"), ("shutdown-timeout", "5300w"),
        ("max-lifetime", "36501d"), ("store-threads", "1025"), ("header-limit", "1023"), ("blob-limit", "0"),
        ("ticket-keys", ", ,"), ("edge-keys", ","), ("allow-anonymous-uploads", ""), ("send-104", ""),
    ])
    func `what could not work, or is likely a slip, is out of range`(name: String, text: String) throws {
        let sources = try SettingsLoader(arguments: ["--\(name)=\(text)"], environment: [:], configPath: nil)
        let error = #expect(throws: SettingsError.self) { try sources.settings() }
        #expect(error?.isUsage == true)
    }

    @Test func `a wrong value names where it was written, and is wrong usage on the command line alone`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("settings.json")
        try write(Array(#"{"uploads": "many"}"#.utf8), toFile: path)
        for (arguments, environment, file, place) in [
            (["--uploads", "many"], [:], nil, "--uploads"), ([], ["SATCHELD_UPLOADS": "many"], nil, "SATCHELD_UPLOADS"),
            ([], [:], path, "uploads in \(path)"),
        ] as [([String], [String: String], String?, String)] {
            let sources = try SettingsLoader(arguments: arguments, environment: environment, configPath: file)
            let error = #expect(throws: SettingsError.self) { try sources.settings() }
            #expect(error?.description == "\(place): expected a whole number from 1, not \"many\"")
            #expect(error?.isUsage == (place == "--uploads"))
        }
    }

    @Test func `an environment may name folders of every kind of server, and what is chosen contradicts`() throws {
        let container = ["SATCHELD_CACHE": "/c", "SATCHELD_STORAGE": "/s"]
        let shared = ["--database", "host=db", "--objects", "http://s3?bucket=blobs"]
        func refusal(_ arguments: [String], _ environment: [String: String] = [:]) throws -> String? {
            try SettingsLoader(arguments: arguments, environment: environment, configPath: nil).settings()
                .storageRefusal
        }
        #expect(try refusal([], container) == nil && refusal(shared, container) == nil)
        #expect(try refusal(["--cache", "/c"])?.contains("--database") == true)
        #expect(try refusal(shared + ["--storage", "/s"])?.contains("contradict") == true)
        #expect(try refusal(Array(shared.prefix(2)))?.contains("go together") == true)
    }

    @Test func `no server drains itself, and a key of none is a mistake`() throws {
        func refusal(_ arguments: String...) throws -> String? {
            try SettingsLoader(arguments: arguments, environment: [:], configPath: nil).settings().drainRefusal
        }
        #expect(try refusal() == nil && refusal("--drain-from", "http://old.internal:8080") == nil)
        #expect(try refusal("--drain-key", "k")?.contains("--drain-from") == true)
        let own = [
            ["--drain-from=http://localhost:8080"], ["--drain-from=http://127.0.0.1:9000", "--listen=0.0.0.0:9000"],
            ["--drain-from=http://old,http://10.1.1.1:9000", "--listen=10.1.1.1:9000"],
            ["--drain-from=https://media.example", "--public-url=https://media.example"],
        ]
        for arguments in own {
            let settings = try SettingsLoader(arguments: arguments, environment: [:], configPath: nil).settings()
            #expect(settings.drainRefusal?.contains("this server") == true, "\(arguments)")
        }
        let others = [
            ["--drain-from=http://127.0.0.1:8081"], ["--drain-from=http://10.1.1.2:9000", "--listen=10.1.1.1:9000"],
            ["--drain-from=http://127.0.0.1:8080", "--listen=127.0.0.1:0"],
            ["--drain-from=https://old.media.example", "--public-url=https://media.example"],
        ]
        for arguments in others {
            let settings = try SettingsLoader(arguments: arguments, environment: [:], configPath: nil).settings()
            #expect(settings.drainRefusal == nil, "\(arguments)")
        }
        #expect(throws: SettingsError.self) {
            try SettingsLoader(.edge, arguments: ["--drain-from", "http://old"], environment: [:], configPath: nil)
        }
    }

    @Test(arguments: [
        ("true", true), ("Yes", true), ("ON", true), ("1", true), ("false", false), ("no", false), ("Off", false),
        ("0", false),
    ])
    func `whatever is on or off takes the usual spellings in every place`(text: String, isOn: Bool) throws {
        let folder = try TemporaryFolder()
        for table in [SettingsTable.origin, .edge] {
            for setting in table.settings.filter(\.isSwitch) {
                try write(Array(#"{"\#(setting.name)": "\#(text)"}"#.utf8), toFile: folder.path("f"))
                for (arguments, environment, file) in [
                    ([setting.flag, text], [:], nil), (["\(setting.flag)=\(text)"], [:], nil),
                    ([], [setting.environmentName: text], nil), ([], [:], folder.path("f")),
                ] as [([String], [String: String], String?)] {
                    let settings = try SettingsLoader(
                        table, arguments: arguments, environment: environment, configPath: file
                    ).settings()
                    let found = [
                        "pass": settings.cache.edge.passesUploads, "send-104": settings.server.sends104,
                        "allow-anonymous-uploads": settings.allowsAnonymousUploads,
                    ]
                    #expect(found[setting.name] == isOn, "\(setting.name) \(arguments)")
                }
            }
        }
    }

    @Test func `the flag alone of what is on or off is on, whatever follows`() throws {
        let arguments = ["--allow-anonymous-uploads", "--send-104", "--log-level", "error"]
        let settings = try SettingsLoader(arguments: arguments, environment: [:], configPath: nil).settings()
        #expect(settings.allowsAnonymousUploads && settings.server.sends104 && settings.logLevel == .error)
        let edge = try SettingsLoader(.edge, arguments: ["--pass"], environment: [:], configPath: nil).settings()
        #expect(edge.cache.edge.passesUploads)
    }

    /// Values that no setting accepts, with the setting's name.
    @Test(arguments: [
        ("listen", "127.0.0.1"), ("listen", ":80"), ("public-url", "media.example"),
        ("mirrors", "media.example"), ("mirrors", "https://a.example,ftp://b.example"),
        ("mirrors", (0...8).map { "https://\($0).example" }.joined(separator: ",")), ("trusted-proxies", "10.0.0.0/40"),
        ("client-address-header", "a b"), ("allow-anonymous-uploads", "perhaps"), ("storage", ""), ("accept", "some"),
        ("blob-limit", "99999999999999999999GiB"), ("default-lifetime", "soon"), ("gc-interval", "0"),
        ("bytes-per-subject", "0"), ("leases-per-blob", "0"), ("uploads", "-1"), ("address-request-rate", "0.5"),
        ("address-byte-rate", "-1"), ("connection-memory", "1023KiB"), ("download-speed", "-1"),
        ("header-limit", "many"), ("log-level", "loud"), ("access-log", ""),
    ])
    func `a value that cannot be parsed is refused, and the error says where it was set`(name: String, text: String)
        throws
    {
        let sources = try SettingsLoader(arguments: ["--\(name)=\(text)"], environment: [:], configPath: nil)
        let error = #expect(throws: SettingsError.self) { try sources.settings() }
        #expect(error?.description.hasPrefix("--\(name): ") == true)
    }

    @Test(arguments: [
        ("[", "is not a settings file"), ("", "is not a settings file"), ("[7]", "is not a settings file"),
        (#"{"gc-intervall": "7m"}"#, "gc-intervall"), (#"{"uploads": 1.5}"#, "uploads in "),
        (#"{"uploads": 1.5}"#, "expected a whole number from 1, as one string"),
        (#"{"ticket-keys": ["a", "b"]}"#, "expected paths with commas between, as one string"),
        (#"{"uploads": null}"#, "uploads in "), (#"{"x": {}}"#, "x in "),
    ])
    func `a file that is not one of settings is refused, and the error names it`(contents: String, word: String) throws
    {
        let folder = try TemporaryFolder()
        let path = folder.path("settings.json")
        try write(Array(contents.utf8), toFile: path)
        let error = #expect(throws: SettingsError.self) {
            try SettingsLoader(arguments: [], environment: [:], configPath: path)
        }
        #expect(error?.description.contains(word) == true && error?.description.contains(path) == true)
        #expect(throws: SettingsError.self) {
            try SettingsLoader(arguments: [], environment: [:], configPath: folder.path("missing"))
        }
    }

    @Test(arguments: [SettingsTable.origin, .edge])
    func `the settings file that config prints says what is in effect, and so does each comment in it`(
        table: SettingsTable
    ) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("settings.json")
        let flags = ["--tls-key", #"/a "b"\c"#, "--idle-timeout=9s"]
        let found = try SettingsLoader(table, arguments: flags, environment: [:], configPath: nil).all()
        let text = try SettingsTemplate.text(found, of: table)
        try write(Array(text.utf8), toFile: path)
        let read = try SettingsLoader(table, arguments: [], environment: [:], configPath: path)
        #expect(read.all().map(\.text) == found.map(\.text))
        #expect(read.all().filter { $0.source == path }.map(\.setting.name).sorted() == ["idle-timeout", "tls-key"])

        try write(Array(text.replacing("\n    // \"", with: "\n    \"").utf8), toFile: path)
        let all = try SettingsLoader(table, arguments: [], environment: [:], configPath: path)
        _ = try all.settings()
        #expect(all.all().map(\.text) == found.map(\.text) && all.all().allSatisfy { $0.source == path })
    }

    @Test func `a file that others can write is refused, since it says whose tickets count`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("settings.json")
        try write(Array(#"{"uploads": 7}"#.utf8), toFile: path)
        try OpenFile(path, .read).setPermissions(0o664)
        let error = #expect(throws: SettingsError.self) {
            try SettingsLoader(arguments: [], environment: [:], configPath: path)
        }
        #expect(error?.description.contains("chmod go-w \(path)") == true)
        try OpenFile(path, .read).setPermissions(0o644)
        _ = try SettingsLoader(arguments: [], environment: [:], configPath: path)
    }

    @Test func `mirrors are URLs as that of the server is one, with commas between them`() throws {
        let arguments = ["--mirrors", "https://near.example/, HTTP://Far.Example:81/files"]
        let settings = try SettingsLoader(arguments: arguments, environment: [:], configPath: nil).settings()
        #expect(settings.server.mirrors.map(\.description) == ["https://near.example", "http://far.example:81/files"])
        let none = try SettingsLoader(arguments: ["--mirrors="], environment: [:], configPath: nil).settings()
        #expect(none.server.mirrors.isEmpty)
    }

    @Test(arguments: [
        ("9091", "127.0.0.1:9091"), (":9091", "127.0.0.1:9091"), ("[::1]:9091", "[::1]:9091"),
        ("0.0.0.0:1", "0.0.0.0:1"),
    ])
    func `a port alone is an admin address on this machine`(text: String, address: String) throws {
        let sources = try SettingsLoader(
            arguments: ["--admin-listen", text], environment: [:], configPath: nil)
        #expect(try sources.settings().server.adminListen?.description == address)
    }
}
